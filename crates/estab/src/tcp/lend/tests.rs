use std::io::IoSlice;

use bytes::Bytes;

use super::{Lender, MOST, SMALL, Shelf};
use crate::sync::lock;

fn shelf(lent: &[&Bytes]) -> Shelf {
    Shelf(lent.iter().map(|&lent| lent.clone()).collect())
}

#[test]
fn a_slice_of_what_is_lent_is_found_and_nothing_else() {
    let body = Bytes::from(vec![1; 10_000]);
    let shelf = shelf(&[&Bytes::from(vec![2; 5000]), &body]);
    let found = shelf.find(&body[100..6000]).expect("lent");
    assert_eq!(found.as_ptr_range(), body[100..6000].as_ptr_range());
    assert_eq!(shelf.find(&body[..SMALL]), None, "not worth it");
    assert_eq!(
        shelf.find(&vec![1; 10_000]),
        None,
        "the same bytes elsewhere"
    );
}

#[test]
fn slices_before_what_is_lent_come_first() {
    let body = Bytes::from(vec![1; 10_000]);
    let shelf = shelf(&[&body]);
    let bufs = [
        IoSlice::new(b"head"),
        IoSlice::new(&body),
        IoSlice::new(b"tail"),
    ];
    let (head, chunk) = shelf.split(&bufs);
    assert_eq!(head.len(), 1);
    assert_eq!(chunk.as_deref(), Some(&body[..]));
    assert_eq!(shelf.split(&bufs[2..]).0.len(), 1);
}

#[test]
fn what_is_written_to_its_end_is_forgotten() {
    let body = Bytes::from(vec![1; 10_000]);
    let mut shelf = shelf(&[&body, &body]);
    shelf.take_back(&body.slice(..9000));
    assert_eq!(shelf.0.len(), 2, "its end is missing");
    shelf.take_back(&body.slice(9000..));
    assert_eq!(shelf.0.len(), 1, "the other is another response's");
}

#[test]
fn only_so_much_is_remembered() {
    let lender = Lender::default();
    for n in 0..=MOST {
        lender.lend(Bytes::from(vec![n as u8; SMALL + 1]));
    }
    lender.lend(Bytes::from_static(b"small"));
    let shelf = lock(&lender.0);
    assert_eq!((shelf.0.len(), shelf.0[0][0]), (MOST, 1));
}
