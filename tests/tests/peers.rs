//! What other user-space stacks were seen to get wrong, each as a test that this one passes. The
//! letters are those under which the defects are listed.

use std::collections::HashSet;
use std::time::Duration;

use estab_proto::config::{BufferConfig, StackConfig};
use estab_proto::wire::{Flags, TcpOptions};
use estab_proto::{ConnId, SeqNumber, State};
use estab_tests::peer::ISS;
use estab_tests::world::{A, B, config};
use estab_tests::{Peer, Seg, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn established() -> (Peer, ConnId) {
    Peer::established(config(B))
}

/// A host whose receive buffer holds `bytes`, and does not grow.
fn with_buffer(bytes: u32) -> StackConfig {
    let mut config = config(B);
    config.tcp.recv_buffer = BufferConfig {
        initial: bytes,
        max: bytes,
    };
    config
}

/// (a), (b): a FIN that comes with data, pushed or not, is lost with the data, or acknowledged at
/// the wrong number, or answered by a FIN of our own.
// proves MAY-1
#[test]
fn a_b_data_with_a_fin_is_delivered_and_then_the_end() {
    for push in [Flags::PSH, Flags::empty()] {
        let (mut peer, id) = established();
        let seg = peer.seg().ctl(Flags::FIN | push).text(b"last words");
        peer.send(&seg);
        let ack = peer.reply();
        assert_eq!(ack.ctl, Flags::ACK, "no FIN of its own");
        assert_eq!(ack.ack, seg.seq + 10 + 1, "the data and the FIN");
        assert_eq!(peer.state(id), State::CloseWait);
        assert_eq!(peer.read(id), b"last words");
        assert!(peer.at_end(id));
        // The other direction is open for as long as the application likes.
        peer.wait(Duration::from_secs(3600));
        peer.write(id, b"an answer");
        assert_eq!(peer.reply().text, b"an answer");
        assert_eq!(peer.state(id), State::CloseWait);
    }
}

/// (c): nothing is retransmitted unless a packet happens to arrive.
#[test]
fn c_a_silent_peer_gets_retransmissions() {
    let (mut peer, id) = established();
    peer.write(id, b"anybody there?");
    let first = peer.reply();
    for _ in 0..5 {
        let (_, again) = peer.wait_for_segment(Duration::from_secs(60));
        assert_eq!((again.seq, &again.text), (first.seq, &first.text));
        peer.expect_silence();
    }
}

/// (d): a RST is believed whatever its sequence number.
#[test]
fn d_a_blind_reset_does_nothing() {
    let (mut peer, id) = established();
    for offset in [1_000_000_000, 3_000_000_000, 200_000, u32::MAX] {
        let seq = peer.nxt + offset;
        peer.send(&Seg {
            ctl: Flags::RST,
            ..peer.seg().seq(seq)
        });
        peer.expect_silence();
        assert_eq!(peer.state(id), State::Established);
    }
    peer.send_text(b"alive");
    assert_eq!(peer.read(id), b"alive");
}

/// (e): everything is acknowledged and kept, whether the application reads or not.
#[test]
fn e_an_application_that_does_not_read_stops_its_peer() {
    let (mut peer, id) = Peer::established(with_buffer(20_000));
    let mut window = 0;
    for _ in 0..50 {
        let seg = peer.seg().text([7; 1000]);
        peer.send(&seg);
        for reply in peer.replies() {
            peer.rcv = reply.seq;
            peer.nxt = reply.ack;
            window = reply.wnd;
        }
        peer.wait(Duration::from_millis(600));
        peer.replies();
    }
    assert_eq!(window, 0);
    assert_eq!(
        peer.nxt - ISS,
        1 + 20_000,
        "not a byte beyond the window is acknowledged"
    );
    assert_eq!(peer.host.stack.readable(id), 20_000);
    let held = peer.host.stack.counts().buffer_bytes;
    assert!(held < 30_000, "{held} bytes for 20,000");
    assert_eq!(peer.read(id).len(), 20_000);
    assert_eq!(
        peer.reply().wnd,
        20_000,
        "the reader opens the window again"
    );
}

/// (f): the checksum is not looked at.
// proves MUST-3
#[test]
fn f_a_damaged_segment_is_dropped_and_counted() {
    let (mut peer, id) = established();
    let good = peer.seg().text(b"as it was sent").packet();
    for at in 20..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        let before = *peer.host.stack.stats();
        peer.send_raw(&bad);
        peer.expect_silence();
        let after = *peer.host.stack.stats();
        let dropped =
            |stats: &estab_proto::Stats| stats.drop_tcp_checksum + stats.drop_tcp_malformed;
        assert_eq!(dropped(&after), dropped(&before) + 1, "byte {at}");
    }
    assert_eq!(peer.host.stack.readable(id), 0);
    peer.send_raw(&good);
    assert_eq!(peer.read(id), b"as it was sent");
}

/// (g): out-of-order segments with PSH are dropped, and so are whole segments of which a part came
/// before.
// proves SHLD-31
#[test]
fn g_reordered_and_overlapping_segments_are_put_together() {
    let text = b"0123456789abcdef";
    let pieces = [(12, 16), (4, 8), (6, 14), (2, 5), (0, 3), (0, 16)];
    let (mut peer, id) = established();
    for (from, to) in pieces {
        let seg = peer.seg().ctl(Flags::PSH).text(&text[from..to]);
        let seq = seg.seq + from as u32;
        peer.send(&seg.seq(seq));
    }
    assert_eq!(peer.read(id), text);
    let last = peer.replies().pop().expect("acknowledged");
    assert_eq!(last.ack, ISS + 1 + 16);
}

/// netstack-smoltcp: each half-open connection takes 1.3 MB.
#[test]
fn two_thousand_half_open_connections_take_no_buffers() {
    let mut peer = Peer::listening(config(B));
    for port in 0..2000 {
        let mut syn = peer.syn().mss(1460);
        syn.src.set_port(10_000 + port);
        peer.send(&syn);
        assert_eq!(peer.reply().ctl, Flags::SYN | Flags::ACK);
    }
    let counts = peer.host.stack.counts();
    assert_eq!((counts.connections, counts.buffer_bytes), (0, 0));
    assert!(counts.half_open <= 2000);
    // And nothing is left of them in the end.
    peer.wait(Duration::from_secs(300));
    let counts = peer.host.stack.counts();
    assert_eq!((counts.half_open, counts.timers), (0, 0));
}

/// netstack-smoltcp: a stream is handed out before the handshake ends.
#[test]
fn nothing_is_accepted_before_the_third_segment() {
    let mut peer = Peer::listening(config(B));
    let syn = peer.syn();
    peer.send(&syn);
    peer.send(&syn);
    assert_eq!(peer.accept(), None);
    let syn_ack = peer.replies().pop().expect("a SYN-ACK");
    peer.nxt = syn.end();
    peer.note(&syn_ack);
    peer.send(&peer.seg());
    assert!(peer.accept().is_some());
    assert_eq!(peer.accept(), None, "one SYN twice is one connection");
}

/// (i): of five parallel SYNs four are reset.
#[test]
fn i_parallel_opens_all_succeed() {
    let mut world = World::new();
    let listener = world.listen(B, 80);
    let clients: Vec<_> = (0..5).map(|_| world.connect(A, 80, false)).collect();
    world.run_for(Duration::from_millis(100));
    for id in clients {
        assert_eq!(world.state(A, id), State::Established);
    }
    let accepted = (0..6)
        .filter_map(|_| world.on(B, |stack, _| stack.accept(listener)))
        .count();
    assert_eq!(accepted, 5);
    assert_eq!(world.stack(B).stats().resets_out, 0);
}

/// (j): `shutdown` does not return while the peer keeps its half open.
#[test]
fn j_shutdown_is_done_when_the_fin_is_queued() {
    let mut world = World::new();
    let (client, _server) = world.establish();
    assert_eq!(
        world.on(A, |stack, now| stack.shutdown(now, client)),
        Ok(())
    );
    assert_eq!(world.state(A, client), State::FinWait1);
    world.run_for(Duration::from_secs(3600));
    assert_eq!(world.state(A, client), State::FinWait2);
}

/// (k): local ports count up from a fixed number.
#[test]
fn k_local_ports_cannot_be_guessed() {
    let mut world = World::new();
    let mut ports = Vec::new();
    for _ in 0..500 {
        let id = world.connect(A, 80, false);
        ports.push(world.stack(A).tuple(id).unwrap().local.port());
    }
    let distinct: HashSet<_> = ports.iter().collect();
    assert_eq!(distinct.len(), ports.len());
    let near = |pair: &[u16]| pair[0].abs_diff(pair[1]) < 64;
    let neighbours = ports.windows(2).filter(|pair| near(pair)).count();
    assert!(neighbours < 15, "{neighbours} of 499 successors are near");
    // A new start, with another secret, gives other ports.
    let mut config = config(A);
    config.limits.max_replies = 100;
    let mut other = estab_tests::host::Host::new(config, 12345, world.now);
    let id = other
        .stack
        .connect(world.now, "10.0.0.2:80".parse().unwrap(), None, None)
        .unwrap();
    assert_ne!(other.stack.tuple(id).unwrap().local.port(), ports[0]);
}

/// (l), (n): a RST within the window, but not at its left edge, ends the connection.
#[test]
fn l_n_an_inexact_reset_is_challenged() {
    for offset in [1, 100, 60_000] {
        let (mut peer, id) = established();
        let seq = peer.nxt + offset;
        peer.send(&Seg {
            ctl: Flags::RST,
            ..peer.seg().seq(seq)
        });
        let challenge = peer.reply();
        assert_eq!(challenge.ctl, Flags::ACK);
        assert_eq!((challenge.seq, challenge.ack), (peer.rcv, peer.nxt));
        assert_eq!(peer.state(id), State::Established);
        // A peer that means it now knows the number.
        peer.send(&Seg {
            ctl: Flags::RST,
            ..peer.seg().seq(challenge.ack)
        });
        assert_eq!(peer.state(id), State::Closed);
        peer.expect_silence();
    }
}

/// (n) in SYN-RECEIVED.
#[test]
fn n_an_inexact_reset_of_a_half_open_connection_is_challenged() {
    let mut peer = Peer::listening(config(B));
    let syn = peer.syn();
    peer.send(&syn);
    let syn_ack = peer.reply();
    peer.send(&Seg {
        ctl: Flags::RST,
        ..peer.syn().seq(ISS + 500)
    });
    assert_eq!(peer.reply().ctl, Flags::ACK);
    assert_eq!(peer.status(), State::SynReceived);
    peer.nxt = syn.end();
    peer.note(&syn_ack);
    peer.send(&peer.seg());
    assert!(peer.accept().is_some());
}

/// (m): a lost SYN-ACK is never sent again.
#[test]
fn m_the_syn_ack_is_repeated() {
    let mut peer = Peer::listening(config(B));
    peer.send(&peer.syn());
    let first = peer.reply();
    let start = peer.now;
    for seconds in [1, 3, 7] {
        let (at, again) = peer.wait_for_segment(Duration::from_secs(10));
        assert_eq!(at - start, Duration::from_secs(seconds));
        assert_eq!(
            (again.ctl, again.seq, again.ack),
            (first.ctl, first.seq, first.ack)
        );
    }
}

/// (o): SYNs are answered only while somebody waits in `accept`.
#[test]
fn o_a_syn_is_answered_though_nobody_accepts() {
    let mut peer = Peer::listening(config(B));
    for port in [6000, 6001, 6002] {
        let mut syn = peer.syn();
        syn.src.set_port(port);
        peer.send(&syn);
        let syn_ack = peer.reply();
        assert_eq!(syn_ack.ctl, Flags::SYN | Flags::ACK);
        let mut ack = peer.seg().seq(ISS + 1).ack(syn_ack.end());
        ack.src.set_port(port);
        peer.send(&ack);
    }
    assert_eq!(peer.host.stack.counts().accept_queued, 3);
}

/// (p): a repeated SYN gets a new initial sequence number, so that the ACK of the first SYN-ACK
/// fails.
#[test]
fn p_a_repeated_syn_gets_the_same_answer() {
    let mut peer = Peer::listening(config(B));
    let syn = Seg {
        opts: TcpOptions {
            mss: Some(1460),
            sack_permitted: true,
            ..TcpOptions::default()
        },
        ..peer.syn()
    };
    peer.send(&syn);
    let first = peer.reply();
    peer.wait(Duration::from_millis(900));
    peer.send(&syn);
    let second = peer.reply();
    assert_eq!(
        (second.seq, second.ack, &second.opts),
        (first.seq, first.ack, &first.opts)
    );
    peer.nxt = syn.end();
    peer.rcv = SeqNumber::new(first.seq.to_u32()) + 1;
    peer.send(&peer.seg());
    assert!(peer.accept().is_some());
}

/// (h): dropping a stream blocks its thread, and panics on a `current_thread` runtime.
#[test]
fn h_a_stream_can_be_dropped_anywhere() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let (client, server) = runtime.block_on(async {
        let (client, server) = estab::testing::streams().await.unwrap();
        // Unsent bytes, unread bytes, halves one by one.
        client.try_write(&[1; 10_000]).unwrap();
        drop(client);
        drop(server.into_split());
        estab::testing::streams().await.unwrap()
    });
    // Outside of the runtime, and after its end.
    drop(client);
    drop(runtime);
    drop(server);
}

/// (j) again: what the application calls returns although the peer keeps its half open.
#[test]
fn j_the_future_of_shutdown_resolves() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let (mut client, mut server) = estab::testing::streams().await.unwrap();
        client.write_all(b"all I have to say").await.unwrap();
        let limit = Duration::from_secs(1);
        tokio::time::timeout(limit, client.shutdown())
            .await
            .unwrap()
            .unwrap();
        let mut heard = Vec::new();
        server.read_to_end(&mut heard).await.unwrap();
        server.write_all(b"and I have more").await.unwrap();
        drop(server);
        heard.clear();
        client.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"and I have more");
    });
}
