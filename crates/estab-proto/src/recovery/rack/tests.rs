use super::*;

const UNA: SeqNumber = SeqNumber::new(0);

const MS: fn(u64) -> Duration = Duration::from_millis;

/// Nothing in particular happens, on a path of 40 ms.
fn quiet() -> Adaptation {
    Adaptation {
        dsack: false,
        exiting: false,
        eager: false,
        una: UNA,
        nxt: UNA + 100,
        min_rtt: Some(MS(40)),
        srtt: Some(MS(60)),
    }
}

fn reo_wnd(rack: &Rack) -> Duration {
    Duration::from_micros(rack.reo_wnd.into())
}

// proves RFC8985-3.3.2#1
#[test]
fn there_is_no_waiting_in_an_episode_unless_reordering_was_seen() {
    let mut rack = Rack::new(UNA);
    rack.adapt(quiet());
    assert_eq!(reo_wnd(&rack), MS(10));
    let eager = Adaptation {
        eager: true,
        ..quiet()
    };
    rack.adapt(eager);
    assert_eq!(reo_wnd(&rack), MS(0));
    rack.reordering_seen = true;
    rack.adapt(eager);
    assert_eq!(reo_wnd(&rack), MS(10));
    // Without a sample there is nothing to take a quarter of.
    rack.adapt(Adaptation {
        min_rtt: None,
        srtt: None,
        ..quiet()
    });
    assert_eq!(reo_wnd(&rack), MS(0));
}

/// A round trip with D-SACK, however many, adds a quarter of the round-trip time, up to SRTT.
// proves RFC8985-6.2step4, RFC8985-3.3.2#2
#[test]
fn the_window_grows_by_rounds_and_shrinks_after_sixteen_recoveries() {
    let mut rack = Rack::new(UNA);
    let mut at = quiet();
    for round in 1..=10_u64 {
        for _ in 0..3 {
            rack.adapt(Adaptation { dsack: true, ..at });
            assert_eq!(u64::from(rack.reo_wnd_mult()), round + 1);
            assert_eq!(reo_wnd(&rack), MS(60.min(10 * (round + 1))));
        }
        at.una = at.nxt;
        at.nxt += 100;
        // The round is over when what was out then is acknowledged.
    }
    let exiting = Adaptation {
        exiting: true,
        ..at
    };
    for _ in 0..PERSIST - 1 {
        rack.adapt(exiting);
        assert_eq!(rack.reo_wnd_mult(), 11);
    }
    rack.adapt(exiting);
    assert_eq!((rack.reo_wnd_mult(), reo_wnd(&rack)), (1, MS(10)));
    // One more D-SACK, and sixteen more recoveries.
    rack.adapt(Adaptation { dsack: true, ..at });
    for left in (0..PERSIST).rev() {
        rack.adapt(exiting);
        assert_eq!(rack.reo_wnd_mult() == 1, left == 0);
    }
    for _ in 0..1000 {
        at.una = at.nxt;
        at.nxt += 100;
        rack.adapt(Adaptation { dsack: true, ..at });
    }
    assert_eq!(rack.reo_wnd_mult(), u8::MAX, "as much as it can say");
}

/// Of two transmissions at the same time the one with the higher numbers came later.
// proves RFC8985-6.2step2
#[test]
fn the_last_transmission_that_arrived_is_remembered() {
    let mut rack = Rack::new(UNA);
    let mut deliver = |now, sent_at, end: u32| {
        let sent = Sent {
            at: Instant::from_millis(sent_at),
            end: UNA + end,
        };
        rack.on_delivery(
            Instant::from_millis(now),
            &Covered {
                latest: Some(sent),
                ..Covered::default()
            },
        );
        let end = rack.segment.end - UNA;
        (rack.segment.at.as_millis(), end, rack.rtt / 1000)
    };
    assert_eq!(deliver(150, 100, 10), (100, 10, 50));
    assert_eq!(deliver(151, 100, 30), (100, 30, 51));
    assert_eq!(deliver(152, 100, 20), (100, 30, 52), "sent before");
    assert_eq!(deliver(200, 90, 99), (100, 30, 110), "overtaken");
    assert_eq!(deliver(201, 101, 5), (101, 5, 100));
    let rack_before = rack;
    let mut nothing = rack;
    nothing.on_delivery(Instant::from_secs(9), &Covered::default());
    assert_eq!(
        (nothing.segment, nothing.rtt),
        (rack_before.segment, rack_before.rtt)
    );
}
