use super::*;

#[test]
fn a_rate_reads_what_it_writes() {
    for (text, rate) in [
        ("50mbit", Bandwidth::mbit(50)),
        ("1gbit", Bandwidth::gbit(1)),
        ("1500kbit", Bandwidth::kbit(1500)),
        ("9601bit", Bandwidth::bit(9601)),
    ] {
        assert_eq!(text.parse(), Ok(rate));
        assert_eq!(rate.to_string(), text);
    }
    assert_eq!("1000 Kbit".parse(), Ok(Bandwidth::mbit(1)));
}

#[test]
fn nonsense_is_no_rate() {
    for text in [
        "",
        "mbit",
        "1",
        "0mbit",
        "-1mbit",
        "1.5mbit",
        "1mb",
        "99999999999gbit",
    ] {
        let error = text.parse::<Bandwidth>().unwrap_err();
        assert!(error.to_string().starts_with("a rate is"), "{text}");
    }
}

#[test]
fn bytes_and_time_belong_together() {
    let rate = Bandwidth::mbit(200);
    assert_eq!(rate.bytes_in(Duration::from_millis(100)), 2_500_000);
    assert_eq!(rate.time_of(2_500_000), Duration::from_millis(100));
    assert_eq!(
        Bandwidth::bit(3).time_of(1),
        Duration::from_nanos(2_666_666_667)
    );
    assert_eq!(Bandwidth::gbit(u64::MAX).bytes_in(Duration::MAX), u64::MAX);
    assert_eq!(
        Bandwidth::bit(1).time_of(u64::MAX),
        Duration::from_nanos(u64::MAX)
    );
}

#[test]
#[should_panic(expected = "a rate of 0")]
fn nothing_passes_at_no_rate() {
    let _ = Bandwidth::mbit(0);
}
