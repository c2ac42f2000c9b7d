//! A sender, a bottleneck with a queue, and a receiver: all in virtual time.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use estab_timer::{Duration, Instant, RtoConfig, RttEstimator, Timer};

use crate::SeqNumber;
use crate::config::RecoveryConfig;
use crate::congestion::bbr::Bbr;
use crate::congestion::{Algorithm, Controller, Engine, Pacer, Rate, Sent};
use crate::recovery::{AckInput, Recovery};
use crate::wire::tcp::SackBlock;

pub(super) const MSS: u32 = 1000;
pub(super) const MS: Duration = Duration::from_millis(1);
const UNA: SeqNumber = SeqNumber::new(1);

enum Event {
    Segment(SeqNumber),
    Ack,
    /// The application writes, and goes on every millisecond.
    Write,
}

/// The path and both its ends.
pub(super) struct Path {
    pub(super) now: Instant,
    /// The bottleneck, in bytes per second.
    pub(super) rate: u64,
    pub(super) rtt: Duration,
    /// What its queue holds, in bytes.
    pub(super) queue: u64,
    /// One of so many segments is lost.
    pub(super) lose_one_in: Option<u32>,
    /// Acknowledgments come together at multiples of this.
    pub(super) aggregation: Duration,
    /// A policer with so many bytes in its bucket, which fills at the bottleneck's rate, in place of
    /// the queue.
    pub(super) bucket: Option<u64>,
    /// What the application writes, in bytes per second; `None`: always enough.
    app_rate: Option<u64>,
    pub(super) sent: u32,
    pub(super) dropped: u32,
    /// Bytes that arrived in order.
    pub(super) delivered: u64,
    unsent: u64,
    recovery: Recovery,
    pub(super) cc: Controller,
    pacer: Pacer,
    rto: RttEstimator,
    held_until: Option<Instant>,
    free_at: Instant,
    tokens_at: Instant,
    tokens: u64,
    rcv_nxt: SeqNumber,
    ranges: Vec<SackBlock>,
    events: BTreeMap<(Instant, u32), Event>,
    serial: u32,
}

impl Path {
    pub(super) fn new(rate: u64, rtt: Duration, queue: u64) -> Self {
        Self::under(Algorithm::Bbr, rate, rtt, queue)
    }

    /// The same with another algorithm.
    pub(super) fn under(algorithm: Algorithm, rate: u64, rtt: Duration, queue: u64) -> Self {
        let cc = Controller::new(algorithm, MSS);
        let mut path = Self {
            now: Instant::from_secs(1),
            rate,
            rtt,
            queue,
            lose_one_in: None,
            aggregation: Duration::ZERO,
            bucket: None,
            app_rate: None,
            sent: 0,
            dropped: 0,
            delivered: 0,
            unsent: 0,
            recovery: Recovery::new(UNA, MSS, true)
                .with_rules(&RecoveryConfig::MODERN)
                .with_rate_samples(cc.wants_rate()),
            cc,
            pacer: Pacer::default(),
            rto: RttEstimator::new(&RtoConfig::default()),
            held_until: None,
            free_at: Instant::ZERO,
            tokens_at: Instant::ZERO,
            tokens: 0,
            rcv_nxt: UNA,
            ranges: Vec::new(),
            events: BTreeMap::new(),
            serial: 0,
        };
        path.rto.on_sample(rtt);
        path.schedule(path.now, Event::Write);
        path
    }

    pub(super) fn bbr(&self) -> &Bbr {
        match &self.cc.algorithm {
            Engine::Bbr(bbr) => bbr,
            _ => unreachable!("the algorithm is BBR"),
        }
    }

    pub(super) fn bdp(&self) -> u32 {
        crate::congestion::bbr::model::volume(self.rate, self.rtt)
    }

    pub(super) fn in_flight(&self) -> u32 {
        self.recovery.in_flight()
    }

    /// Bytes that wait at the bottleneck.
    pub(super) fn queued(&self) -> u64 {
        let wait = self.free_at.saturating_duration_since(self.now);
        crate::congestion::bbr::model::volume(self.rate, wait).into()
    }

    /// From now on the application writes so many bytes per second, or as much as it can.
    pub(super) fn write_at(&mut self, rate: Option<u64>) {
        self.app_rate = rate;
        self.unsent = 0;
    }

    pub(super) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        self.run_until(time * 2, |path| path.now >= end);
    }

    /// Runs until something is so, which must come within `limit`.
    pub(super) fn run_until(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) {
        let end = self.now + limit;
        while !done(self) {
            assert!(self.now < end, "not within {limit:?}: {:#?}", self.cc);
            self.step();
        }
    }

    fn step(&mut self) {
        let event = self.events.first_key_value().map(|(&(at, _), _)| at);
        let timer = self.recovery.deadline(&self.rto);
        let due = [event, timer.map(|(_, at)| at), self.held_until];
        let next = due.into_iter().flatten().min().expect("the clock writes");
        self.now = self.now.max(next);
        if self.held_until.is_some_and(|at| at <= self.now) {
            self.held_until = None;
            self.pacer.on_timer(self.now);
        }
        if self.unsent < MSS.into() {
            self.recovery.on_app_limited(&self.cc);
        }
        if event.is_some_and(|at| at <= self.now) {
            self.happen();
        } else if let Some((timer, at)) = timer
            && at <= self.now
        {
            self.time_out(timer);
        }
        self.send();
    }

    fn happen(&mut self) {
        let Some((_, event)) = self.events.pop_first() else {
            return;
        };
        match event {
            Event::Segment(seq) => self.receive(seq),
            Event::Ack => self.acknowledge(),
            Event::Write => {
                self.unsent += match self.app_rate {
                    Some(rate) => rate / 1000,
                    None => (10u64 << 20).saturating_sub(self.unsent),
                };
                self.schedule(self.now + MS, Event::Write);
            }
        }
    }

    fn time_out(&mut self, timer: Timer) {
        match timer {
            Timer::Reorder => self.recovery.on_reorder_timeout(self.now, &mut self.cc),
            Timer::TailLossProbe => {
                self.recovery.on_probe_timeout(self.now);
                if let Some(probe) = self.recovery.next_probe() {
                    self.resend(probe.seq, probe.len);
                }
            }
            _ => {
                self.rto.back_off();
                self.recovery.on_rto(self.now, &mut self.cc);
            }
        }
    }

    /// The receiver acknowledges each segment, or several together.
    fn receive(&mut self, seq: SeqNumber) {
        let (mut left, mut right) = (seq, seq + MSS);
        if seq.after_eq(self.rcv_nxt) {
            self.ranges.retain(|range| {
                let apart = range.right.before(left) || right.before(range.left);
                if !apart {
                    left = left.min(range.left);
                    right = right.max(range.right);
                }
                apart
            });
            if left == self.rcv_nxt {
                self.delivered += u64::from(right - left);
                self.rcv_nxt = right;
            } else {
                self.ranges.push(SackBlock { left, right });
            }
        }
        let nanos = (self.now - Instant::ZERO).as_nanos() as u64;
        let step = (self.aggregation.as_nanos() as u64).max(1);
        let at = Instant::ZERO + Duration::from_nanos(nanos.div_ceil(step) * step);
        self.schedule(at, Event::Ack);
    }

    /// Acknowledgments say what the receiver has when they arrive: their way takes no time, that of the
    /// segments all.
    fn acknowledge(&mut self) {
        let sack: Vec<_> = self.ranges.iter().rev().take(3).copied().collect();
        let input = AckInput {
            sack: &sack,
            srtt: self.rto.srtt(),
            ..AckInput::new(self.now, self.rcv_nxt)
        };
        let sample = self.recovery.on_ack(&input, &mut self.cc);
        if let Some(rtt) = sample.rtt {
            self.rto.on_sample_of(10, rtt);
        }
        if self.pacer.is_due(self.now) {
            self.held_until = None;
        }
    }

    fn send(&mut self) {
        while self.held_until.is_none() {
            let nxt = self.recovery.una() + self.recovery.outstanding();
            if let Some(lost) = self.recovery.next_retransmit(&self.cc) {
                self.resend(lost.seq, lost.len);
            } else if self.unsent >= MSS.into() && self.recovery.quota(&self.cc) >= MSS {
                self.unsent -= u64::from(MSS);
                self.recovery.on_sent(self.now, nxt, MSS);
                self.transmit(nxt);
            } else {
                return;
            }
        }
    }

    fn resend(&mut self, seq: SeqNumber, len: u32) {
        self.recovery.on_retransmitted(self.now, seq, len);
        self.transmit(seq);
    }

    fn transmit(&mut self, seq: SeqNumber) {
        self.sent += 1;
        self.cc.on_sent(
            self.now,
            &Sent {
                bytes: MSS,
                in_flight: self.recovery.in_flight(),
                is_app_limited: self.recovery.is_app_limited(),
            },
        );
        if let Some(rate) = Rate::of(&self.cc, self.rto.srtt(), None) {
            self.held_until = self.pacer.on_sent(self.now, MSS, MSS, rate);
        }
        let lost = self
            .lose_one_in
            .is_some_and(|n| self.sent.is_multiple_of(n));
        if lost || !self.admit() {
            self.dropped += 1;
            return;
        }
        self.schedule(self.free_at + self.rtt, Event::Segment(seq));
    }

    /// Whether the bottleneck takes a segment.
    fn admit(&mut self) -> bool {
        if let Some(bucket) = self.bucket {
            let filled =
                crate::congestion::bbr::model::volume(self.rate, self.now - self.tokens_at);
            self.tokens = (self.tokens + u64::from(filled)).min(bucket);
            self.tokens_at = self.now;
            self.free_at = self.now;
            let conforms = self.tokens >= MSS.into();
            self.tokens -= u64::from(MSS).min(self.tokens);
            return conforms;
        }
        if self.queued() + u64::from(MSS) > self.queue {
            return false;
        }
        let takes = Duration::from_nanos(u64::from(MSS) * 1_000_000_000 / self.rate);
        self.free_at = self.free_at.max(self.now) + takes;
        true
    }

    fn schedule(&mut self, at: Instant, event: Event) {
        self.serial += 1;
        self.events.insert((at, self.serial), event);
    }
}
