use alloc::vec;
use alloc::vec::Vec;

use super::Candidates;
use crate::stack::secret::Secrets;

#[test]
fn every_port_comes_up_exactly_once() {
    for (range, random) in [
        ((1024, 65535), 0x1234_5678_9abc_def0),
        ((49152, 49161), 7),
        ((5000, 5000), u64::MAX),
        ((5000, 5001), 0),
        ((1, 65535), 0xffff_ffff_0000_0000),
    ] {
        let mut ports: Vec<u16> = Candidates::new(range, random).collect();
        ports.sort_unstable();
        assert_eq!(ports, (range.0..=range.1).collect::<Vec<_>>());
    }
}

#[test]
fn a_range_may_be_given_backwards_and_never_holds_port_0() {
    let mut ports: Vec<u16> = Candidates::new((3, 0), 99).collect();
    ports.sort_unstable();
    assert_eq!(ports, [1, 2, 3]);
}

#[test]
fn first_choices_are_spread_evenly() {
    // χ² over 64 cells of 100 000 draws: 99.9 % of honest generators stay below 106.
    let mut secrets = Secrets::new(&[9; 32]);
    let mut cells = vec![0u32; 64];
    let draws = 100_000;
    for _ in 0..draws {
        let port = Candidates::new((1024, 65535), secrets.random())
            .next()
            .unwrap();
        cells[usize::from(port - 1024) / 1008] += 1;
    }
    let expected = f64::from(draws) / 64.0;
    let chi: f64 = cells
        .iter()
        .map(|&n| (f64::from(n) - expected).powi(2) / expected)
        .sum();
    assert!(chi < 106.0, "{chi}");
}

#[test]
fn the_second_choice_does_not_follow_from_the_first() {
    let mut secrets = Secrets::new(&[9; 32]);
    let mut steps: Vec<i32> = (0..100)
        .map(|_| {
            let mut ports = Candidates::new((1024, 65535), secrets.random());
            let (first, second) = (ports.next().unwrap(), ports.next().unwrap());
            i32::from(second) - i32::from(first)
        })
        .collect();
    steps.sort_unstable();
    steps.dedup();
    assert!(steps.len() > 95);
}
