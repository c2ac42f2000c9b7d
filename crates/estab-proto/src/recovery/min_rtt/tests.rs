use super::*;

const MS: fn(u64) -> Duration = Duration::from_millis;

#[test]
fn the_smallest_sample_counts() {
    let mut min = MinRtt::default();
    assert_eq!(min.get(), None);
    for (at, rtt) in [(0, 30), (1, 20), (2, 25)] {
        min.on_sample(Instant::from_secs(at), MS(rtt));
    }
    assert_eq!(min.get(), Some(MS(20)));
    min.on_sample(Instant::from_secs(3), Duration::ZERO);
    assert_eq!(min.get(), Some(Duration::from_micros(1)));
    let mut long = MinRtt::default();
    long.on_sample(Instant::ZERO, Duration::MAX);
    assert!(long.get() > Some(Duration::from_secs(4000)));
}

/// A longer path is believed after 2.5 to 5 minutes, or at the first sample after such a silence.
// proves RFC8985-6.2step1
#[test]
fn an_old_minimum_is_forgotten() {
    let mut min = MinRtt::default();
    min.on_sample(Instant::from_secs(10), MS(20));
    let forgotten = (11..1000).find(|&at| {
        min.on_sample(Instant::from_secs(at), MS(100));
        min.get() == Some(MS(100))
    });
    assert!((160..=310).contains(&forgotten.unwrap()), "{forgotten:?}");
    // After a silence, and across the wrap of the milliseconds.
    min.on_sample(Instant::from_secs(4_294_960), MS(50));
    assert_eq!(min.get(), Some(MS(50)));
    min.on_sample(Instant::from_secs(4_294_970), MS(70));
    assert_eq!(min.get(), Some(MS(50)));
}
