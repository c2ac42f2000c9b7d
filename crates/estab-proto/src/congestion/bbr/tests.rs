use super::*;

/// draft-ietf-ccwg-bbr §2.8, §2.11, §2.16.
// proves BBR-2.8,2.11,2.16
#[test]
fn the_constants_are_those_of_the_draft() {
    let window = Window::new(1000);
    assert_eq!(cwnd::min_pipe(&window), 4000);
    assert_eq!(model::beta(1000), 700);
    let mut bbr = Bbr::new(&window);
    bbr.inflight_longterm = 100_000;
    assert_eq!(bbr.inflight_with_headroom(&window), 85_000);
    assert!(!bbr.is_inflight_too_high(2000, 100_000));
    assert!(bbr.is_inflight_too_high(2001, 100_000));
}
