//! What there is to measure.

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use estab_proto::RxMeta;
use estab_proto::wire::{IpPacket, Segment, Sum};
use estab_timer::{Instant, Wheel};

use crate::Pair;

/// One operation, to be done again and again.
pub type Job = Box<dyn FnMut()>;

/// A kind of operation.
#[derive(Clone, Copy)]
pub struct Work {
    /// What it is, as `group/case`.
    pub name: &'static str,
    /// Bytes that one operation moves, 0 if that says nothing.
    pub bytes: u64,
    prepare: fn() -> Job,
}

impl Work {
    /// Makes everything ready; each call of the job is then one operation.
    pub fn prepare(&self) -> Job {
        (self.prepare)()
    }
}

const fn work(name: &'static str, bytes: u64, prepare: fn() -> Job) -> Work {
    Work {
        name,
        bytes,
        prepare,
    }
}

/// A full-sized payload on a link with an MTU of 1500, with timestamps.
const MSS: usize = 1448;

/// All of them.
pub fn all() -> Vec<Work> {
    vec![
        work("wheel/arm and cancel", 0, arm_and_cancel),
        work("wheel/re-arm", 0, re_arm),
        work("wheel/expire", 0, expire),
        work("checksum/1460 B", 1460, || checksum(1460)),
        work("checksum/64 KiB", 65_536, || checksum(65_536)),
        work("parse/data segment", 0, parse),
        work("packet/10 connections", 0, || packet(10)),
        work("packet/1 k connections", 0, || packet(1000)),
        work("packet/100 k connections", 0, || packet(100_000)),
        work("segment/two in, ACK out", 2 * MSS as u64, || {
            transfer(Pair::new(), 2 * MSS)
        }),
        work("transfer/1 MiB", 1 << 20, || transfer(Pair::new(), 1 << 20)),
        work("transfer/1 MiB in super-segments", 1 << 20, || {
            transfer(Pair::offloading(), 1 << 20)
        }),
        work("echo/1 B", 0, echo),
        work("connection/open and close", 0, open_and_close),
    ]
}

/// Numbers that look random and are the same in every run (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Timers in the wheel, over a minute.
const TIMERS: u32 = 10_000;

fn at(numbers: &mut Numbers) -> Instant {
    Instant::ZERO + Duration::from_nanos(numbers.below(60_000_000_000))
}

fn arm_and_cancel() -> Job {
    let mut numbers = Numbers(1);
    let mut wheel = Wheel::new(Instant::ZERO);
    for value in 0..TIMERS {
        wheel.insert(at(&mut numbers), value);
    }
    Box::new(move || {
        let key = wheel.insert(at(&mut numbers), 0);
        wheel.cancel(black_box(key));
    })
}

fn re_arm() -> Job {
    let mut numbers = Numbers(1);
    let mut wheel = Wheel::new(Instant::ZERO);
    let keys: Vec<_> = (0..TIMERS)
        .map(|value| wheel.insert(at(&mut numbers), value))
        .collect();
    Box::new(move || {
        let key = keys[numbers.below(u64::from(TIMERS)) as usize];
        wheel.set(key, at(&mut numbers));
    })
}

/// The clock moves a millisecond on; what is due goes back in a minute later.
fn expire() -> Job {
    let mut numbers = Numbers(1);
    let mut wheel = Wheel::new(Instant::ZERO);
    for value in 0..TIMERS {
        wheel.insert(at(&mut numbers), value);
    }
    let mut now = Instant::ZERO;
    Box::new(move || {
        now += Duration::from_millis(1);
        while let Some((_, value)) = wheel.pop_expired(now) {
            wheel.insert(now + Duration::from_secs(60), value);
        }
    })
}

fn checksum(len: usize) -> Job {
    let bytes = vec![0xa5; len];
    Box::new(move || {
        black_box(Sum::of(black_box(&bytes)));
    })
}

/// IP and TCP headers with timestamps, checksum verified.
fn parse() -> Job {
    let (mut pair, (client, _)) = Pair::new().connected();
    let queued = pair.client.send_slice(pair.now, client, &[7; MSS]);
    queued.expect("room");
    let mut packet = Vec::new();
    let transmit = pair.client.poll_transmit(pair.now).expect("a segment");
    transmit.write_to(&mut packet);
    Box::new(move || {
        let ip = IpPacket::parse(black_box(&packet)).expect("a packet");
        let segment = Segment::parse(ip.payload(), ip.src(), ip.dst(), true);
        black_box(segment.expect("a segment"));
    })
}

/// A bare ACK arrives for one of so many connections, each time another.
fn packet(connections: usize) -> Job {
    let mut pair = Pair::awake();
    let acks: Vec<_> = (0..connections)
        .map(|nth| {
            pair.connect(nth);
            pair.last_ack().to_vec()
        })
        .collect();
    let mut numbers = Numbers(1);
    Box::new(move || {
        let ack = &acks[numbers.below(acks.len() as u64) as usize];
        pair.server.handle_packet(pair.now, ack, RxMeta::default());
        pair.server.poll_event();
    })
}

/// So many bytes go over and are read.
fn transfer(pair: Pair, len: usize) -> Job {
    let (mut pair, ids) = pair.connected();
    let data = Bytes::from(vec![7; len]);
    Box::new(move || pair.send(ids, &data))
}

/// A byte goes over and comes back.
fn echo() -> Job {
    let (mut pair, (client, server)) = Pair::new().connected();
    Box::new(move || {
        let mut byte = [7];
        let sent = pair.client.send_slice(pair.now, client, &byte);
        sent.expect("room");
        pair.exchange();
        let read = pair.server.recv(pair.now, server, &mut byte);
        read.expect("a byte");
        let sent = pair.server.send_slice(pair.now, server, &byte);
        sent.expect("room");
        pair.exchange();
        let read = pair.client.recv(pair.now, client, &mut byte);
        read.expect("a byte");
    })
}

/// A connection is opened, closed by both ends and forgotten.
fn open_and_close() -> Job {
    let mut pair = Pair::new();
    let mut nth = 0;
    Box::new(move || {
        let (client, server) = pair.connect(nth);
        nth += 1;
        pair.client.close(pair.now, client);
        pair.exchange();
        pair.server.close(pair.now, server);
        pair.exchange();
        if nth % 1024 == 0 {
            // TIME-WAIT ends, so that ports come back.
            pair.idle(Duration::from_secs(61));
        }
    })
}
