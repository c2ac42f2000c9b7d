use super::*;

/// Every wrap of the sequence space must look the same.
pub(super) const ISNS: [u32; 5] = [0, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, u32::MAX];

#[test]
fn simultaneous_open_reaches_established_with_everything_agreed() {
    for iss in ISNS {
        let couple = Couple::established(&TcpConfig::modern(), (iss, !iss));
        for end in [&couple.a, &couple.b] {
            let info = end.conn.info();
            assert!(info.sack && info.timestamps);
            assert_eq!((info.snd_wscale, info.rcv_wscale), (13, 13));
            assert_eq!(info.snd_mss, 1448);
        }
    }
}

#[test]
fn a_syn_ack_opens_and_its_window_counts_at_once() {
    let now = Instant::from_secs(1);
    let mut a = active(now, 5, &TcpConfig::modern(), false);
    let syn = a.transmit(now).remove(0);
    assert_eq!(
        (syn.seq, syn.ctl, syn.text.len()),
        (SeqNumber::new(5), Flags::SYN, 0)
    );
    a.send(now, b"hello");
    let syn_ack = Flying {
        seq: SeqNumber::new(100),
        ack: syn.seq + 1,
        ctl: Flags::SYN | Flags::ACK,
        wnd: crate::seq::WireWindow(3),
        up: 0,
        opts: TcpOptions {
            mss: Some(1000),
            ..TcpOptions::default()
        },
        text: Vec::new(),
    };
    a.receive(now, &syn_ack);
    assert_eq!(a.state(), State::Established);
    let info = a.conn.info();
    assert_eq!(
        (info.snd_wnd, info.snd_mss, info.timestamps, info.sack),
        (3, 1000, false, false)
    );
    let first = a.transmit(now);
    assert_eq!(
        (first[0].seq, first[0].ack),
        (syn.seq + 1, SeqNumber::new(101))
    );
    assert!(first.iter().all(|seg| seg.text.len() <= 3));
}

#[test]
fn only_an_acknowledgement_of_our_syn_makes_a_reset_count() {
    let now = Instant::from_secs(1);
    let reset = |ack: u32, ctl: Flags| Flying {
        seq: SeqNumber::new(77),
        ack: SeqNumber::new(ack),
        ctl,
        wnd: crate::seq::WireWindow(0),
        up: 0,
        opts: TcpOptions::default(),
        text: Vec::new(),
    };
    for (ack, ctl, state) in [
        (0, Flags::RST, State::SynSent),
        (5, Flags::RST | Flags::ACK, State::SynSent),
        (7, Flags::RST | Flags::ACK, State::SynSent),
        (6, Flags::RST | Flags::ACK, State::Closed),
    ] {
        let mut a = active(now, 5, &TcpConfig::modern(), false);
        a.transmit(now);
        a.receive(now, &reset(ack, ctl));
        assert_eq!(a.state(), state, "ack {ack} {ctl:?}");
        assert!(a.transmit(now).is_empty());
    }
}

#[test]
fn a_syn_is_repeated_for_three_minutes() {
    let start = Instant::from_secs(1);
    let mut a = active(start, 5, &TcpConfig::modern(), false);
    let mut now = start;
    let mut sent = Vec::new();
    while a.state() == State::SynSent {
        for syn in a.transmit(now) {
            assert_eq!((syn.seq, syn.ctl), (SeqNumber::new(5), Flags::SYN));
            sent.push((now - start).as_secs());
        }
        now = a.conn.next_deadline().unwrap();
        a.with(now, |conn, ctx| conn.on_deadline(ctx));
    }
    assert_eq!(sent, [0, 1, 3, 7, 15, 31, 63, 123]);
    assert_eq!((now - start).as_secs(), 180);
    assert_eq!(
        a.conn.error(),
        Some(crate::error::ConnectionError::TimedOut)
    );
}
