//! Two connections face to face, without IP and without a stack: what one transmits is handed to
//! the other, or not.

mod closing;
mod marks;
mod opening;
mod receiving;
mod sending;
mod spikes;

use alloc::sync::Arc;
use alloc::vec::Vec;

use estab_timer::{Duration, Instant};

use crate::addr::FourTuple;
use crate::buffer::Share;
use crate::config::TcpConfig;
use crate::seq::SeqNumber;
use crate::stack::RxMeta;
use crate::stack::reply::{Reply, ReplyQueue};
use crate::stats::Stats;
use crate::tcp::ecn::Trials;
use crate::tcp::{Connection, Control, Ctx, SegmentOut, State};
use crate::wire::tcp::{Flags, Segment, TcpOptions};

/// A segment on its way, with its text.
#[derive(Clone, Debug)]
struct Flying {
    seq: SeqNumber,
    ack: SeqNumber,
    ctl: Flags,
    wnd: crate::seq::WireWindow,
    up: u16,
    opts: TcpOptions,
    text: Vec<u8>,
}

impl Flying {
    fn segment(&self) -> Segment<'_> {
        Segment {
            src_port: 0,
            dst_port: 0,
            seq: self.seq,
            ack: self.ack,
            ctl: self.ctl,
            wnd: self.wnd,
            up: self.up,
            opts: self.opts.clone(),
            ecn: Default::default(),
            source_route: None,
            malformed_options: false,
            text: &self.text,
        }
    }

    fn control(control: Control) -> Self {
        Self {
            seq: control.seq,
            ack: control.ack,
            ctl: control.ctl,
            wnd: control.wnd,
            up: 0,
            opts: control.opts,
            text: Vec::new(),
        }
    }
}

/// One end.
struct End {
    conn: Connection,
    stats: Stats,
    replies: ReplyQueue,
    trials: Trials,
}

impl End {
    fn new(conn: Connection) -> Self {
        Self {
            conn,
            stats: Stats::default(),
            replies: ReplyQueue::new(64),
            trials: Trials::default(),
        }
    }

    fn with<R>(
        &mut self,
        now: Instant,
        call: impl FnOnce(&mut Connection, &mut Ctx<'_>) -> R,
    ) -> R {
        let mut ctx = Ctx {
            now,
            stats: &mut self.stats,
            replies: &mut self.replies,
            share: Share::UNLIMITED,
            trials: &mut self.trials,
        };
        let result = call(&mut self.conn, &mut ctx);
        self.conn.update_persist(now);
        result
    }

    /// The next segment that can be sent now.
    fn next_segment(&mut self, now: Instant) -> Option<SegmentOut> {
        let mut out = SegmentOut::default();
        let any = self.with(now, |conn, ctx| conn.transmit(ctx, &mut out));
        any.then_some(out)
    }

    /// All that can be sent now.
    fn transmit(&mut self, now: Instant) -> Vec<Flying> {
        let mut out = Vec::new();
        while let Some(seg) = self.next_segment(now) {
            out.push(self.fly(seg));
            assert!(out.len() < 10_000, "endless transmission");
        }
        while let Some(reply) = self.replies.pop() {
            let Reply::Control(control) = reply else {
                panic!("a TCP sends segments")
            };
            out.push(Flying::control(control));
        }
        out
    }

    fn fly(&self, seg: SegmentOut) -> Flying {
        let text = self
            .conn
            .text(seg.offset, seg.len)
            .flatten()
            .copied()
            .collect();
        Flying {
            seq: seg.header.seq,
            ack: seg.header.ack,
            ctl: seg.header.ctl,
            wnd: seg.header.wnd,
            up: seg.header.up,
            opts: seg.header.opts,
            text,
        }
    }

    fn receive(&mut self, now: Instant, flying: &Flying) {
        let seg = flying.segment();
        self.with(now, |conn, ctx| conn.input(ctx, &seg, RxMeta::default()));
    }

    fn send(&mut self, now: Instant, data: &[u8]) -> usize {
        self.with(now, |conn, ctx| conn.send_slice(ctx.share, data))
            .unwrap_or(0)
    }

    fn read_all(&mut self, now: Instant) -> Vec<u8> {
        let mut all = Vec::new();
        let mut buf = [0; 4096];
        while let Ok(n @ 1..) = self.with(now, |conn, ctx| conn.recv(ctx, &mut buf)) {
            all.extend_from_slice(&buf[..n]);
        }
        all
    }

    fn state(&self) -> State {
        self.conn.state()
    }
}

/// Two ends, `a` the active opener, and the clock.
struct Couple {
    now: Instant,
    a: End,
    b: End,
}

const TUPLE: &str = "10.0.0.1:1000 10.0.0.2:2000";

fn tuple(swapped: bool) -> FourTuple {
    let (one, two) = TUPLE.split_once(' ').unwrap();
    let (one, two) = (one.parse().unwrap(), two.parse().unwrap());
    if swapped {
        FourTuple {
            local: two,
            remote: one,
        }
    } else {
        FourTuple {
            local: one,
            remote: two,
        }
    }
}

fn active(now: Instant, iss: u32, config: &TcpConfig, swapped: bool) -> End {
    let config = Arc::new(config.clone());
    End::new(Connection::active(
        now,
        tuple(swapped),
        SeqNumber::new(iss),
        7,
        config,
        1500,
        1500,
    ))
}

impl Couple {
    /// Two ends that have opened to each other at the same time, the shortest way to ESTABLISHED
    /// without a listener.
    fn established(config: &TcpConfig, iss: (u32, u32)) -> Self {
        let now = Instant::from_secs(1);
        let mut couple = Self {
            now,
            a: active(now, iss.0, config, false),
            b: active(now, iss.1, config, true),
        };
        couple.exchange();
        assert_eq!(
            (couple.a.state(), couple.b.state()),
            (State::Established, State::Established)
        );
        couple
    }

    /// Delivers everything both ends have to say until both are silent; time stands still.
    fn exchange(&mut self) {
        loop {
            let (to_b, to_a) = (self.a.transmit(self.now), self.b.transmit(self.now));
            if to_a.is_empty() && to_b.is_empty() {
                return;
            }
            for flying in &to_b {
                self.b.receive(self.now, flying);
            }
            for flying in &to_a {
                self.a.receive(self.now, flying);
            }
        }
    }

    /// Lets time pass, firing the timers of both ends when they are due.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        self.exchange();
        loop {
            let next = [self.a.conn.next_deadline(), self.b.conn.next_deadline()];
            let Some(next) = next.into_iter().flatten().min().filter(|at| *at <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            for end in [&mut self.a, &mut self.b] {
                end.with(self.now, |conn, ctx| conn.on_deadline(ctx));
            }
            self.exchange();
        }
    }
}
