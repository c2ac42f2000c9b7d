use super::*;

#[test]
fn order_holds_across_the_wrap() {
    for start in [
        0,
        1,
        0x7fff_ffff,
        0x8000_0000,
        0x8000_0001,
        u32::MAX - 1,
        u32::MAX,
    ] {
        let a = SeqNumber::new(start);
        let b = a + 1000;
        assert!(a.before(b) && b.after(a) && a.before_eq(a) && a.after_eq(a));
        assert!(!a.before(a) && !b.before(a));
        assert_eq!(b - a, 1000);
        assert_eq!(b.back(1000), a);
        assert_eq!(a.max(b), b);
        assert_eq!(a.min(b), a);
        assert!(b.within(a, 1001) && !b.within(a, 1000) && !a.within(b, 1000));
    }
}

#[test]
fn scale_is_the_smallest_that_fits() {
    assert_eq!(WindowScale::for_window(0), WindowScale::NONE);
    assert_eq!(WindowScale::for_window(65_535), WindowScale::NONE);
    assert_eq!(WindowScale::for_window(65_536).shift(), 1);
    assert_eq!(WindowScale::for_window(32 << 20).shift(), 10);
    assert_eq!(WindowScale::for_window(u32::MAX).shift(), 14);
    assert_eq!(WindowScale::clamped(200), WindowScale::MAX);
}

#[test]
fn windows_round_down_on_the_wire() {
    let scale = WindowScale::clamped(7);
    assert_eq!(scale.to_wire(255), WireWindow(1));
    assert_eq!(scale.to_wire(u32::MAX), WireWindow(u16::MAX));
    assert_eq!(WireWindow(0xffff).bytes(scale), 0x7f_ff80);
    assert_eq!(scale.round_up(129), 256);
    assert_eq!(WindowScale::NONE.round_up(129), 129);
}
