use super::*;

#[test]
fn bytes_arrive_in_order_whatever_the_first_number_is() {
    for iss in opening::ISNS {
        let mut couple = Couple::established(&TcpConfig::modern(), (iss, 3));
        let data: Vec<u8> = (0..100_000u32).map(|i| (i * 7) as u8).collect();
        let now = couple.now;
        assert_eq!(couple.a.send(now, &data), data.len());
        let mut got = Vec::new();
        while got.len() < data.len() {
            couple.pass(Duration::from_millis(100));
            got.extend(couple.b.read_all(couple.now));
        }
        assert_eq!(got, data);
        assert_eq!(couple.a.conn.info().retransmits, 0);
    }
}

#[test]
fn nagle_holds_a_second_small_write_until_the_first_is_acknowledged() {
    for nodelay in [false, true] {
        let mut config = TcpConfig::modern();
        config.nodelay = nodelay;
        let mut couple = Couple::established(&config, (1, 2));
        let now = couple.now;
        couple.a.send(now, b"one");
        assert_eq!(couple.a.transmit(now).len(), 1);
        couple.a.send(now, b"two");
        couple.a.send(now, b"three");
        let held = couple.a.transmit(now);
        assert_eq!(held.len(), usize::from(nodelay));
        if nodelay {
            assert_eq!(held[0].text, b"twothree");
            assert!(held[0].ctl.contains(Flags::PSH));
        }
    }
}

#[test]
fn a_closed_window_is_probed_and_its_opening_believed() {
    let mut config = TcpConfig::modern();
    config.recv_buffer = crate::config::BufferConfig {
        initial: 4096,
        max: 4096,
    };
    let mut couple = Couple::established(&config, (1, 2));
    let now = couple.now;
    couple.a.send(now, &[1; 10_000]);
    couple.pass(Duration::from_secs(1));
    assert_eq!(couple.a.conn.info().snd_wnd, 0);
    // Six hours of probes, each answered: the connection stays.
    couple.pass(Duration::from_secs(6 * 3600));
    assert_eq!(couple.a.state(), State::Established);
    assert!(couple.a.stats.window_probes > 300);
    assert_eq!(couple.a.stats.retransmits, 0);
    let mut got = 0;
    while got < 10_000 {
        let read = couple.b.read_all(couple.now).len();
        got += read;
        couple.exchange();
        couple.pass(Duration::from_secs(1));
        assert!(
            couple.now < Instant::from_secs(7 * 3600),
            "stalled at {got}"
        );
    }
}

#[test]
fn a_lost_segment_is_repaired_by_selective_acknowledgements() {
    let mut couple = Couple::established(&TcpConfig::modern(), (1, 2));
    let now = couple.now;
    couple.a.send(now, &[1; 14_480]);
    let mut flight = couple.a.transmit(now);
    assert_eq!(flight.len(), 10);
    flight.remove(3);
    couple.now += Duration::from_millis(20);
    for seg in &flight {
        couple.b.receive(couple.now, seg);
        for ack in couple.b.transmit(couple.now) {
            couple.a.receive(couple.now, &ack);
        }
    }
    let again = couple.a.transmit(couple.now);
    assert_eq!(again.len(), 1);
    assert_eq!(
        (again[0].seq, again[0].text.len()),
        (SeqNumber::new(2) + 3 * 1448, 1448)
    );
    couple.b.receive(couple.now, &again[0]);
    couple.exchange();
    assert_eq!(couple.b.read_all(couple.now).len(), 14_480);
    assert_eq!(couple.a.stats.retransmission_timeouts, 0);
}

#[test]
fn silence_is_answered_by_a_doubling_timeout_until_r2() {
    let mut couple = Couple::established(&TcpConfig::modern(), (1, 2));
    couple.a.send(couple.now, b"into the void");
    let start = couple.now;
    let mut now = start;
    let mut times = Vec::new();
    while couple.a.state() == State::Established {
        if couple
            .a
            .transmit(now)
            .iter()
            .any(|seg| !seg.text.is_empty())
        {
            times.push((now - start).as_millis());
        }
        now = couple.a.conn.next_deadline().unwrap();
        couple.a.with(now, |conn, ctx| conn.on_deadline(ctx));
    }
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // The tail loss probe takes the place of the first timeout (RFC 8985 §7.2).
    assert!(gaps[0] >= 200);
    assert_eq!(gaps[1], gaps[0]);
    for pair in gaps[1..].windows(2) {
        assert_eq!(pair[1], (pair[0] * 2).min(120_000));
    }
    assert_eq!((now - start).as_secs(), 924);
    assert_eq!(
        couple.a.conn.error(),
        Some(crate::error::ConnectionError::TimedOut)
    );
}

#[test]
fn the_urgent_mark_names_the_byte_after_the_last_urgent_one() {
    let mut couple = Couple::established(&TcpConfig::modern(), (1, 2));
    let now = couple.now;
    couple
        .a
        .with(now, |conn, ctx| conn.send_urgent(ctx.share, b"abc"))
        .unwrap();
    let seg = couple.a.transmit(now).remove(0);
    assert!(seg.ctl.contains(Flags::URG));
    assert_eq!(seg.up, 3);
    couple.b.receive(now, &seg);
    assert_eq!(couple.b.conn.urgent_remaining(), Some(3));
    assert_eq!(couple.b.read_all(now), b"abc");
    assert_eq!(couple.b.conn.urgent_remaining(), None);
}

/// A device that joins segments leaves one acknowledgement where there were twenty: each counts for as
/// many, or the estimate would follow the path twenty times as slowly (RFC 7323 appendix G).
#[test]
fn a_longer_round_trip_shows_in_samples_of_super_segments() {
    let mut config = TcpConfig::modern();
    config.pacing = crate::congestion::Pacing::Off;
    let mut couple = Couple::established(&config, (1, 2));
    couple.a.conn.set_segmentation(65_535);
    let mut now = couple.now;
    let bare = Flying {
        seq: couple.b.conn.snd.nxt,
        ack: SeqNumber::default(),
        ctl: Flags::ACK,
        wnd: crate::seq::WireWindow(u16::MAX),
        up: 0,
        opts: TcpOptions::default(),
        text: Vec::new(),
    };
    let mut rounds = |rtt: u64| {
        let mut acks = 0;
        for _ in 0..12 {
            while couple.a.send(now, &[1; 1 << 16]) > 0 {}
            let sent = couple.a.transmit(now);
            now += Duration::from_millis(rtt);
            acks = sent.len();
            for seg in sent {
                let ack = seg.seq + seg.text.len() as u32;
                couple.a.receive(
                    now,
                    &Flying {
                        ack,
                        ..bare.clone()
                    },
                );
            }
        }
        (acks, couple.a.conn.rtt.srtt().unwrap().as_millis())
    };
    let (acks, srtt) = rounds(100);
    assert!(acks > 3 && srtt < 110, "{acks} {srtt}");
    // Seven eighths twelve times over leave a fifth of the way.
    let (_, srtt) = rounds(200);
    assert!((170..200).contains(&srtt), "{srtt}");
}
