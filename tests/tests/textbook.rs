//! The textbook's account of opening and closing a connection, step by step, with the state of both
//! ends after every segment.

use std::time::Duration;

use estab_proto::config::StackConfig;
use estab_proto::wire::Flags;
use estab_proto::{ConnId, Event, FourTuple, SeqNumber, State};
use estab_tests::world::{DELAY, PORT, config, mirrored};
use estab_tests::{A, B, Seg, Side, World};
use estab_timer::Instant;

const SYN: Flags = Flags::SYN;
const ACK: Flags = Flags::ACK;
const FIN: Flags = Flags::FIN;

/// Two times the MSL of the default settings.
const TWO_MSL: Duration = Duration::from_secs(60);

/// Two ends and the one connection between them, as both see it.
struct Story {
    world: World,
    tuple: FourTuple,
}

impl Story {
    /// A client that has just sent its SYN to a server that listens.
    fn begin(a: StackConfig, b: StackConfig) -> (Self, ConnId, estab_proto::ListenerId) {
        let mut world = World::with(a, b);
        let listener = world.listen(B, PORT);
        let client = world.connect(A, PORT, false);
        let tuple = world.stack(A).tuple(client).unwrap();
        (Self { world, tuple }, client, listener)
    }

    fn state(&self, side: Side) -> State {
        let tuple = if side == A {
            self.tuple
        } else {
            mirrored(&self.tuple)
        };
        self.world.status(side, &tuple)
    }

    #[track_caller]
    fn expect_states(&self, a: State, b: State) {
        assert_eq!(
            (self.state(A), self.state(B)),
            (a, b),
            "\n{}",
            self.world.trace
        );
    }

    /// Lets the next segment arrive: it must be this one, and lead to these states.
    #[track_caller]
    fn step(&mut self, ctl: Flags, numbers: [SeqNumber; 2], a: State, b: State) -> Seg {
        let seg = self.world.deliver();
        assert_eq!(seg.ctl - Flags::PSH, ctl, "{seg}");
        assert_eq!(seg.seq, numbers[0], "SEG.SEQ of {seg}");
        if ctl.contains(ACK) {
            assert_eq!(seg.ack, numbers[1], "SEG.ACK of {seg}");
        }
        self.expect_states(a, b);
        seg
    }

    fn events(&mut self, side: Side) -> Vec<Event> {
        self.world.host(side).events.drain(..).collect()
    }
}

/// Both ends with fixed initial sequence numbers: x for A, y for B.
fn numbered(x: u32, y: u32) -> (StackConfig, StackConfig) {
    use estab_proto::config::IsnPolicy::Fixed;
    (
        StackConfig {
            isn: Fixed(x),
            ..config(A)
        },
        StackConfig {
            isn: Fixed(y),
            ..config(B)
        },
    )
}

/// Opening, data, half-close, closing, 2MSL, at these initial sequence numbers.
fn whole_life(x: u32, y: u32) {
    use State::*;
    let none = SeqNumber::new(0);

    // 1. Both ends are CLOSED. 2. The server's process makes it LISTEN.
    let (a, b) = numbered(x, y);
    let mut world = World::with(a, b);
    assert_eq!(world.stack(A).counts().connections, 0);
    let listener = world.listen(B, PORT);
    assert_eq!(
        world.stack(B).counts().connections,
        0,
        "LISTEN holds no TCB of a connection"
    );

    // 3. The client's process makes its TCB and sends SYN, seq = x: no data, one number.
    let client = world.connect(A, PORT, false);
    let tuple = world.stack(A).tuple(client).unwrap();
    assert_eq!(
        world.stack(A).counts().connections,
        1,
        "the TCB of the client"
    );
    let mut story = Story { world, tuple };
    story.expect_states(SynSent, Listen);
    let (x, y) = (SeqNumber::new(x), SeqNumber::new(y));
    let syn = story.step(SYN, [x, none], SynSent, SynReceived);
    assert_eq!((syn.text.len(), syn.len()), (0, 1));
    let counts = story.world.stack(B).counts();
    assert_eq!(
        (counts.connections, counts.half_open),
        (0, 1),
        "SYN-RECEIVED: no TCB yet"
    );

    // 4. SYN+ACK, seq = y, ack = x + 1: no data, one number.
    let syn_ack = story.step(SYN | ACK, [y, x + 1], Established, SynReceived);
    assert_eq!((syn_ack.text.len(), syn_ack.len()), (0, 1));
    assert_eq!(
        story.events(A),
        [Event::Connected(client), Event::Writable(client)]
    );
    assert_eq!(story.events(B), []);

    // 5. ACK, seq = x + 1, ack = y + 1: takes no number. 6. Both are ESTABLISHED.
    let ack = story.step(ACK, [x + 1, y + 1], Established, Established);
    assert_eq!(ack.len(), 0);
    assert_eq!(story.events(B), [Event::Listener(listener)]);
    let counts = story.world.stack(B).counts();
    assert_eq!(
        (counts.connections, counts.half_open, counts.accept_queued),
        (1, 0, 1)
    );
    let (server, _) = story
        .world
        .on(B, |stack, _| stack.accept(listener))
        .unwrap();
    assert_eq!(story.world.in_flight(), 0);

    // Data: since the ACK took no number, the first byte has seq = x + 1.
    story.world.write(A, client, b"question");
    let text = story.step(ACK, [x + 1, y + 1], Established, Established);
    assert_eq!(text.text, b"question");
    assert_eq!(story.world.read(B, server), b"question");
    story.world.write(B, server, b"answer");
    story.world.run_for(Duration::from_secs(1));
    assert_eq!(story.world.read(A, client), b"answer");

    half_close_and_end(story, client, server, x + 1 + 8, y + 1 + 6);
}

/// The four segments of the release, from ESTABLISHED with nothing on the link: A's next number is
/// `u`, B's is `v`.
fn half_close_and_end(
    mut story: Story,
    client: ConnId,
    server: ConnId,
    u: SeqNumber,
    v: SeqNumber,
) {
    use State::*;
    story.events(A);
    story.events(B);

    // 2. A's process closes: FIN, seq = u, one number even without data.
    story
        .world
        .on(A, |stack, now| stack.shutdown(now, client))
        .unwrap();
    story.expect_states(FinWait1, Established);
    let fin = story.step(FIN | ACK, [u, v], FinWait1, CloseWait);
    assert_eq!((fin.text.len(), fin.len()), (0, 1));
    assert_eq!(
        story.events(B),
        [Event::Readable(server)],
        "B's process is told"
    );
    let end = story
        .world
        .on(B, |stack, now| stack.recv(now, server, &mut [0; 8]));
    assert_eq!(end, Ok(0));

    // 3. ACK, seq = v, ack = u + 1. 4. A is in FIN-WAIT-2.
    story.step(ACK, [v, u + 1], FinWait2, CloseWait);
    assert_eq!(story.events(A), []);

    // The connection is half closed: B still sends, A still acknowledges.
    story.world.write(B, server, b"the rest");
    let text = story.step(ACK, [v, u + 1], FinWait2, CloseWait);
    assert_eq!(text.text, b"the rest");
    assert_eq!(story.world.read(A, client), b"the rest");
    let w = v + 8;
    story.step(ACK, [u + 1, w], FinWait2, CloseWait);
    story.events(A);

    // 5. B's process closes: FIN, seq = w, ack = u + 1 again.
    story
        .world
        .on(B, |stack, now| stack.shutdown(now, server))
        .unwrap();
    story.expect_states(FinWait2, LastAck);
    let fin = story.step(FIN | ACK, [w, u + 1], TimeWait, LastAck);
    assert_eq!(fin.len(), 1);
    assert_eq!(
        story.events(A),
        [Event::Readable(client), Event::Closed(client, None)]
    );
    let entered = story.world.now;
    let counts = story.world.stack(A).counts();
    assert_eq!(
        (counts.time_wait, counts.ports),
        (1, 0),
        "a record stands in for the TCB"
    );

    // 6. ACK, seq = u + 1, ack = w + 1. 8. B is CLOSED: its TCB goes with the handle.
    story.step(ACK, [u + 1, w + 1], TimeWait, Listen);
    let closed = story.events(B);
    assert!(closed.contains(&Event::Closed(server, None)), "{closed:?}");
    assert_eq!(story.world.stack(B).state(server), Some(Closed));
    story.world.on(B, |stack, now| stack.close(now, server));
    assert_eq!(story.world.stack(B).counts().connections, 0);
    assert_eq!(story.world.stack(B).counts().buffer_bytes, 0);

    // 7. After 2MSL, not before, A is CLOSED.
    story.world.on(A, |stack, now| stack.close(now, client));
    story
        .world
        .run_until(entered + TWO_MSL - Duration::from_millis(1));
    story.expect_states(TimeWait, Listen);
    story.world.run_until(entered + TWO_MSL);
    story.expect_states(Closed, Listen);
    assert_eq!(story.world.stack(A).counts(), Default::default());
    assert_eq!(story.world.next_event(), None);
}

// proves MUST-13
#[test]
fn three_ways_to_open_and_four_to_close() {
    whole_life(1000, 2000);
}

#[test]
fn the_same_where_sequence_numbers_wrap() {
    let edges = [0, (1 << 31) - 1, 1 << 31, (1 << 31) + 1, u32::MAX];
    for x in edges {
        for y in edges {
            whole_life(x, y);
        }
    }
}

#[test]
fn the_third_segment_may_carry_data() {
    let (a, b) = numbered(100, 200);
    let (mut story, client, listener) = Story::begin(a, b);
    story.world.write(A, client, b"at once");
    story.world.deliver();
    story.world.deliver();
    let third = story.world.lose();
    assert_eq!(
        (third.seq, third.ack),
        (SeqNumber::new(101), SeqNumber::new(201))
    );
    // Whichever segment comes first, the handshake is complete with it.
    let third = if third.text.is_empty() {
        story.world.lose()
    } else {
        third
    };
    assert_eq!(third.text, b"at once");
    let now = story.world.now;
    story.world.host(B).receive(now, &third.packet());
    story.world.drain(B);
    story.expect_states(State::Established, State::Established);
    let (server, _) = story
        .world
        .on(B, |stack, _| stack.accept(listener))
        .unwrap();
    assert_eq!(story.world.read(B, server), b"at once");
}

// proves MUST-14, MUST-16, MUST-67, SHLD-5, MAY-3
#[test]
fn what_the_handshake_agrees_on_is_in_force() {
    let mut a = config(A);
    a.tcp.recv_buffer.initial = 200_000;
    a.mtu = 1400;
    let mut b = config(B);
    b.tcp.recv_buffer.initial = 40_000;
    b.tcp.recv_buffer.max = 40_000;
    let (mut story, client, listener) = Story::begin(a, b);

    let syn = story.world.deliver();
    assert_eq!(syn.opts.mss, Some(1360), "the MTU less the headers");
    assert!(syn.opts.sack_permitted);
    assert_eq!(
        syn.opts.window_scale,
        Some(13),
        "for 256 MiB, the most the buffer may grow to"
    );
    assert_eq!(syn.opts.timestamps.unwrap().ecr, 0);
    assert_eq!(syn.wnd, u16::MAX, "the window of a SYN is not scaled");

    let syn_ack = story.world.deliver();
    assert_eq!(syn_ack.opts.mss, Some(1460));
    assert!(syn_ack.opts.sack_permitted);
    assert_eq!(syn_ack.opts.window_scale, Some(0));
    assert_eq!(
        syn_ack.opts.timestamps.unwrap().ecr,
        syn.opts.timestamps.unwrap().val
    );
    assert_eq!(syn_ack.wnd, 40_000);

    let ack = story.world.deliver();
    assert_eq!(
        ack.opts.timestamps.unwrap().ecr,
        syn_ack.opts.timestamps.unwrap().val
    );
    let (server, _) = story
        .world
        .on(B, |stack, _| stack.accept(listener))
        .unwrap();

    let a = story.world.stack(A).info(client).unwrap();
    let b = story.world.stack(B).info(server).unwrap();
    assert!(a.sack && b.sack && a.timestamps && b.timestamps);
    assert_eq!((a.snd_wscale, a.rcv_wscale), (0, 13));
    assert_eq!((b.snd_wscale, b.rcv_wscale), (13, 0));
    assert_eq!(a.snd_wnd, 40_000);
    assert_eq!((a.advertised_mss, b.advertised_mss), (1360, 1460));
    assert_eq!(
        (a.snd_mss, b.snd_mss),
        (1348, 1348),
        "the smaller, less the timestamps"
    );

    // Never more than the window, never larger than the segments agreed on.
    story.world.write(A, client, &[7; 100_000]);
    story.world.run_for(Duration::from_secs(5));
    assert_eq!(story.world.stack(B).readable(server), 40_000);
    assert_eq!(story.world.stack(A).info(client).unwrap().unsent, 60_000);
    assert!(story.world.read(B, server).iter().all(|byte| *byte == 7));
}

#[test]
fn an_end_that_offers_nothing_gets_nothing() {
    let mut plain = config(B);
    plain.tcp.window_scaling = false;
    plain.tcp.timestamps = false;
    plain.tcp.sack = false;
    for (a, b) in [
        (config(A), plain.clone()),
        (
            StackConfig {
                addrs: config(A).addrs,
                ..plain
            },
            config(B),
        ),
    ] {
        let mut world = World::with(a, b);
        let (client, server) = world.establish();
        for (side, id) in [(A, client), (B, server)] {
            let info = world.stack(side).info(id).unwrap();
            assert!(!info.sack && !info.timestamps, "{info:?}");
            assert_eq!(
                (info.snd_wscale, info.rcv_wscale, info.snd_mss),
                (0, 0, 1460)
            );
        }
    }
}

/// Why there is a third segment: a SYN of long ago makes the server answer, and the client, who
/// knows of no such attempt, refuses it.
#[test]
fn an_old_duplicate_syn_opens_nothing() {
    let (mut story, client, listener) = {
        let (a, b) = numbered(5000, 6000);
        Story::begin(a, b)
    };
    let old_syn = story.world.lose();
    // The client gave that attempt up long ago.
    story.world.on(A, |stack, now| stack.close(now, client));
    story.world.run_for(Duration::from_secs(600));
    story.world.lose_all();
    story.expect_states(State::Closed, State::Listen);

    story.world.send(A, old_syn.packet());
    story.step(
        SYN,
        [SeqNumber::new(5000); 2],
        State::Closed,
        State::SynReceived,
    );
    let refused = SeqNumber::new(5001);
    story.step(
        SYN | ACK,
        [SeqNumber::new(6000), refused],
        State::Closed,
        State::SynReceived,
    );
    let reset = story.world.deliver();
    assert_eq!((reset.ctl, reset.seq), (Flags::RST, refused), "{reset}");
    story.expect_states(State::Closed, State::Listen);
    assert_eq!(story.world.on(B, |stack, _| stack.accept(listener)), None);
    let counts = story.world.stack(B).counts();
    assert_eq!(
        (counts.connections, counts.half_open, counts.timers),
        (0, 0, 0)
    );
}

/// Why TIME-WAIT lasts 2MSL: while the last ACK is lost, LAST-ACK repeats its FIN, and TIME-WAIT
/// answers and starts anew.
#[test]
fn a_lost_last_ack_is_repaired() {
    use State::*;
    let mut world = World::new();
    let (client, server) = world.establish();
    let tuple = world.stack(A).tuple(client).unwrap();
    let mut story = Story { world, tuple };
    story
        .world
        .on(A, |stack, now| stack.shutdown(now, client))
        .unwrap();
    story.world.run_for(Duration::from_secs(1));
    story.expect_states(FinWait2, CloseWait);
    story
        .world
        .on(B, |stack, now| stack.shutdown(now, server))
        .unwrap();
    let fin = story.world.deliver();
    story.expect_states(TimeWait, LastAck);
    let entered = story.world.now;

    let mut last = entered;
    for _ in 0..4 {
        let lost = story.world.lose();
        assert_eq!(lost.ack, fin.end());
        let again = story.world.deliver();
        assert_eq!(
            (again.ctl, again.seq, again.ack),
            (fin.ctl, fin.seq, fin.ack),
            "{again}"
        );
        story.expect_states(TimeWait, LastAck);
        assert!(story.world.now > last);
        last = story.world.now;
    }
    let ack = story.world.deliver();
    assert_eq!(ack.ack, fin.end());
    story.expect_states(TimeWait, Listen);

    // 2MSL counts from the last FIN.
    assert!(last - entered > DELAY * 4);
    for (side, id) in [(A, client), (B, server)] {
        story.world.on(side, |stack, now| stack.close(now, id));
    }
    story
        .world
        .run_until(last + TWO_MSL - Duration::from_nanos(1));
    story.expect_states(TimeWait, Listen);
    story.world.run_until(last + TWO_MSL);
    story.expect_states(Closed, Listen);
    assert_eq!(story.world.stack(A).counts(), Default::default());
}

/// The MSL can be chosen.
#[test]
fn twice_the_msl_that_was_configured() {
    let mut a = config(A);
    a.tcp.time_wait.msl = Duration::from_secs(120);
    let mut world = World::with(a, config(B));
    let (client, server) = world.establish();
    world.on(A, |stack, now| stack.close(now, client));
    world.run_for(Duration::from_secs(1));
    world.on(B, |stack, now| stack.close(now, server));
    let entered: Instant = {
        world.deliver();
        world.now
    };
    assert_eq!(world.stack(A).counts().time_wait, 1);
    world.run_until(entered + Duration::from_secs(240) - Duration::from_nanos(1));
    assert_eq!(world.stack(A).counts().time_wait, 1);
    world.run_until(entered + Duration::from_secs(240));
    assert_eq!(world.stack(A).counts(), Default::default());
}
