use super::*;

#[test]
fn ace_is_three_of_the_bits() {
    for bits in 0..0x200 {
        let flags = Flags::from_bits_retain(bits);
        assert_eq!(u16::from(flags.ace()), bits >> 6);
        for ace in 0..=u8::MAX {
            let with = flags.with_ace(ace);
            assert_eq!(with.ace(), ace & 7);
            assert_eq!(with.difference(Flags::ACE), flags.difference(Flags::ACE));
        }
    }
    assert_eq!(Flags::AE.ace(), 0b100);
    assert_eq!(Flags::CWR.ace(), 0b010);
    assert_eq!(Flags::ECE.ace(), 0b001);
}
