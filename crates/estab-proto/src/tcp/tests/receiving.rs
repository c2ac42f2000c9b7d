use alloc::vec;

use super::*;
use crate::seq::WireWindow;

fn data(couple: &Couple, offset: u32, text: &[u8]) -> Flying {
    Flying {
        seq: couple.a.conn.snd.nxt + offset,
        ack: couple.a.conn.rcv.nxt,
        ctl: Flags::ACK,
        wnd: WireWindow(1000),
        up: 0,
        opts: couple.a.conn.plain_options(couple.now),
        text: text.to_vec(),
    }
}

// proves SHLD-14
#[test]
fn the_right_edge_never_moves_left() {
    let mut config = TcpConfig::modern();
    config.recv_buffer = crate::config::BufferConfig {
        initial: 50_000,
        max: 4 << 20,
    };
    let mut couple = Couple::established(&config, (1, 2));
    let scale = couple.b.conn.rcv.scale;
    let mut edge = couple.b.conn.rcv.nxt;
    let mut offset = 0;
    for step in 0..400u32 {
        let seg = data(&couple, offset, &vec![0; (step * 37 % 1449) as usize]);
        offset += seg.text.len() as u32;
        couple.b.receive(couple.now, &seg);
        if step % 9 == 0 {
            let mut buf = [0; 5000];
            let now = couple.now;
            let _ = couple.b.with(now, |conn, ctx| conn.recv(ctx, &mut buf));
        }
        for ack in couple.b.transmit(couple.now) {
            let announced = ack.ack + ack.wnd.bytes(scale);
            assert!(announced.after_eq(edge), "step {step}");
            edge = announced;
        }
        couple.now += Duration::from_millis(1);
    }
}

#[test]
fn a_hole_is_reported_with_the_newest_block_first() {
    let mut couple = Couple::established(&TcpConfig::modern(), (1, 2));
    let base = couple.a.conn.snd.nxt;
    for offset in [100, 300, 500] {
        couple
            .b
            .receive(couple.now, &data(&couple, offset, &[0; 50]));
    }
    let ack = couple.b.transmit(couple.now).pop().unwrap();
    let lefts: Vec<_> = ack
        .opts
        .sack
        .iter()
        .map(|block| block.left - base)
        .collect();
    assert_eq!((ack.ack, lefts), (base, [500, 300, 100].to_vec()));
    // What came twice is reported first, once (RFC 2883).
    couple.b.receive(couple.now, &data(&couple, 300, &[0; 50]));
    let ack = couple.b.transmit(couple.now).pop().unwrap();
    assert_eq!(
        (ack.opts.sack[0].left - base, ack.opts.sack[0].right - base),
        (300, 350)
    );
    couple.b.receive(couple.now, &data(&couple, 0, &[0; 100]));
    let ack = couple.b.transmit(couple.now).pop().unwrap();
    assert_eq!(ack.ack, base + 150);
    assert_eq!(ack.opts.sack.len(), 2);
}

#[test]
fn a_small_segment_is_acknowledged_late_and_two_full_ones_at_once() {
    let mut config = TcpConfig::modern();
    config.delayed_ack.quick_segments = 0;
    let mut couple = Couple::established(&config, (1, 2));
    couple.b.receive(couple.now, &data(&couple, 0, &[0; 10]));
    assert!(couple.b.transmit(couple.now).is_empty());
    let due = couple.b.conn.next_deadline().unwrap();
    assert_eq!(due - couple.now, Duration::from_millis(40));
    couple.b.with(due, |conn, ctx| conn.on_deadline(ctx));
    assert_eq!(couple.b.transmit(due).len(), 1);
    couple.b.receive(due, &data(&couple, 10, &[0; 1448]));
    assert!(couple.b.transmit(due).is_empty());
    couple.b.receive(due, &data(&couple, 1458, &[0; 1448]));
    assert_eq!(couple.b.transmit(due).len(), 1);
}

#[test]
fn resets_must_be_exact_and_syns_are_challenged() {
    for (offset, state, answers) in [
        (0u32, State::Closed, 0),
        (1, State::Established, 1),
        (u32::MAX, State::Established, 0),
        (10_000_000, State::Established, 0),
    ] {
        let mut couple = Couple::established(&TcpConfig::modern(), (1, 2));
        couple.now += Duration::from_secs(1);
        let mut reset = data(&couple, offset, b"");
        reset.ctl = Flags::RST;
        couple.b.receive(couple.now, &reset);
        assert_eq!(couple.b.state(), state, "{offset}");
        assert_eq!(couple.b.transmit(couple.now).len(), answers, "{offset}");
    }
    for offset in [0, 10, 10_000_000] {
        let mut couple = Couple::established(&TcpConfig::modern(), (1, 2));
        couple.now += Duration::from_secs(1);
        let mut syn = data(&couple, offset, b"");
        syn.ctl = Flags::SYN;
        for answers in [1, 0] {
            couple.b.receive(couple.now, &syn);
            assert_eq!(couple.b.transmit(couple.now).len(), answers);
        }
        assert_eq!(couple.b.state(), State::Established);
    }
}

#[test]
fn an_old_timestamp_is_refused() {
    let mut couple = Couple::established(&TcpConfig::modern(), (1, 2));
    let mut seg = data(&couple, 0, b"old");
    let ts = seg.opts.timestamps.as_mut().unwrap();
    ts.val = ts.val.wrapping_sub(1);
    couple.b.receive(couple.now, &seg);
    assert_eq!(couple.b.read_all(couple.now), b"");
    assert_eq!(couple.b.stats.drop_tcp_paws, 1);
    // 24 days later nobody can tell old from new (RFC 7323 §5.5).
    couple.now += Duration::from_secs(25 * 24 * 3600);
    couple.b.receive(couple.now, &seg);
    assert_eq!(couple.b.read_all(couple.now), b"old");
}
