//! Delay spikes between two connections: what is counted, and what is sent.

use super::*;
use crate::config::RecoveryConfig;

/// Segments of `a` are sent at once and arrive long after its timer has expired.
fn spike(config: &TcpConfig) -> Couple {
    let mut couple = Couple::established(config, (u32::MAX - 900, 1));
    couple.a.conn.cc.set_cwnd(20_000);
    assert_eq!(couple.a.send(couple.now, &[7; 30_000]), 30_000);
    let held = couple.a.transmit(couple.now);
    while couple.a.stats.retransmission_timeouts == 0 {
        couple.now = couple.a.conn.next_deadline().unwrap();
        let now = couple.now;
        couple.a.with(now, |conn, ctx| conn.on_deadline(ctx));
        // What goes out meanwhile is late as well, and comes last.
        couple.a.transmit(now);
    }
    assert_eq!(couple.a.conn.info().cwnd, couple.a.conn.snd_mss());
    couple.now += Duration::from_millis(100);
    let mut acks = Vec::new();
    for flying in &held {
        couple.b.receive(couple.now, flying);
        acks.extend(couple.b.transmit(couple.now));
    }
    couple.now += Duration::from_millis(100);
    let mut later = Vec::new();
    for ack in &acks {
        couple.a.receive(couple.now, ack);
        later.extend(couple.a.transmit(couple.now));
    }
    for flying in &later {
        couple.b.receive(couple.now, flying);
    }
    couple
}

#[test]
fn a_spurious_timeout_is_counted_and_undone() {
    for (timestamps, sack) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut config = TcpConfig::modern();
        config.recovery = RecoveryConfig::MODERN;
        (config.timestamps, config.sack) = (timestamps, sack);
        let mut couple = spike(&config);
        let info = couple.a.conn.info();
        let case = (timestamps, sack, &info);
        assert_eq!(
            (info.spurious_timeouts, info.reductions_undone),
            (1, 1),
            "{case:?}"
        );
        assert_eq!(couple.a.stats.spurious_timeouts, 1);
        assert_eq!(couple.a.stats.reductions_undone, 1);
        assert!(info.cwnd >= 20_000 && info.ssthresh == u32::MAX, "{case:?}");
        couple.pass(Duration::from_secs(10));
        assert_eq!(couple.b.read_all(couple.now), [7; 30_000]);
    }
}

#[test]
fn without_undoing_the_window_stays_small() {
    let mut config = TcpConfig::modern();
    config.recovery = RecoveryConfig::RFC_STRICT;
    let mut couple = spike(&config);
    let info = couple.a.conn.info();
    assert_eq!((info.spurious_timeouts, info.reductions_undone), (0, 0));
    assert!(info.ssthresh < 20_000, "{info:?}");
    couple.pass(Duration::from_secs(10));
    assert_eq!(couple.b.read_all(couple.now), [7; 30_000]);
}
