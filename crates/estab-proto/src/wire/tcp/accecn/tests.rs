use alloc::vec::Vec;

use super::*;
use AccEcnOrder::{E0bFirst, E1bFirst};

#[test]
fn the_order_says_which_counter_is_which() {
    let option = AccEcn::new(E0bFirst, &[1, 2, 3]);
    let counters = (option.e0b(), option.ceb(), option.e1b());
    assert_eq!(counters, (Some(1), Some(2), Some(3)));
    let option = AccEcn::new(E1bFirst, &[1, 2, 3]);
    let counters = (option.e0b(), option.ceb(), option.e1b());
    assert_eq!(counters, (Some(3), Some(2), Some(1)));
    assert_eq!(option.order(), E1bFirst);
}

#[test]
fn the_last_counters_may_be_left_out() {
    for (fields, len) in [(0, 2), (1, 5), (2, 8), (3, 11)] {
        let option = AccEcn::new(E0bFirst, &[7, 8, 9][..fields]);
        assert_eq!(option.len(), len);
        assert_eq!(option.e0b().is_some(), fields > 0);
        assert_eq!(option.ceb().is_some(), fields > 1);
        assert_eq!(option.e1b().is_some(), fields > 2);
    }
    assert_eq!(AccEcn::new(E0bFirst, &[1, 2, 3, 4]).len(), 11);
}

#[test]
fn counters_have_24_bits() {
    let option = AccEcn::new(E0bFirst, &[0xff00_0001, u32::MAX]);
    assert_eq!((option.e0b(), option.ceb()), (Some(1), Some(0xff_ffff)));
}

/// Every length: whole fields count, the rest is passed over.
#[test]
fn any_length_is_read() {
    let data: Vec<u8> = (1..=38).collect();
    for len in 0..=data.len() {
        let option = AccEcn::read(E0bFirst, &data[..len]);
        assert_eq!(option.fields().len(), (len / 3).min(3), "{len}");
        assert_eq!(option.e0b(), (len >= 3).then_some(0x01_0203));
        assert_eq!(option.e1b(), (len >= 9).then_some(0x07_0809));
    }
}
