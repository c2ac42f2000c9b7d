use super::*;

#[test]
fn blanks_and_comments_are_skipped_and_lines_counted() {
    let mut cursor = Cursor::new("// one\n /* two\n three */ \n# four\n word", 1);
    assert_eq!(cursor.word().unwrap(), "word");
    assert_eq!(cursor.line(), 5);
    assert!(cursor.is_at_end().unwrap());
    assert!(Cursor::new("/* open", 1).skip_blanks().is_err());
}

#[test]
fn times_are_microseconds() {
    for (text, micros) in [
        ("1", 1_000_000),
        (".5", 500_000),
        ("0.000001", 1),
        ("12.34", 12_340_000),
    ] {
        assert_eq!(Cursor::new(text, 1).micros().unwrap(), micros, "{text}");
    }
    assert!(Cursor::new("x", 1).micros().is_err());
}

#[test]
fn a_range_of_times_is_no_fraction() {
    let mut cursor = Cursor::new("1...2.5", 1);
    assert_eq!(cursor.micros().unwrap(), 1_000_000);
    cursor.expect("...").unwrap();
    assert_eq!(cursor.micros().unwrap(), 2_500_000);
}

#[test]
fn numbers_have_signs_bases_and_ranges() {
    assert_eq!(Cursor::new("-1", 1).integer().unwrap(), -1);
    assert_eq!(Cursor::new("0x1F", 1).integer().unwrap(), 31);
    assert_eq!(
        Cursor::new("4294967295", 1).number::<u32>().unwrap(),
        u32::MAX
    );
    assert!(Cursor::new("65536", 1).number::<u16>().is_err());
}

#[test]
fn a_word_ends_where_it_ends() {
    let mut cursor = Cursor::new("acknowledge", 1);
    assert!(!cursor.take_word("ack").unwrap());
    assert!(cursor.take("ack").unwrap());
}
