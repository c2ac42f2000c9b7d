//! A sender, a receiver and a link between them that drops what a test says.
//!
//! The link has a fixed delay each way and a bottleneck that spaces segments; the receiver
//! acknowledges each segment at once, with SACK blocks newest first if both sides agreed, behind a
//! report of the duplicate if it was one; timestamps on demand.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use estab_timer::{Duration, Instant, RtoConfig, RttEstimator, Timer};

use crate::SeqNumber;
use crate::congestion::{Algorithm, Controller};
use crate::recovery::{AckInput, AckSample, CaState, Recovery, Spurious};
use crate::wire::tcp::SackBlock;

/// The payload of a full segment.
pub(super) const MSS: u32 = 1000;
/// The delay each way.
pub(super) const DELAY: Duration = Duration::from_millis(50);
/// The time a segment takes at the bottleneck.
const SPACING: Duration = Duration::from_millis(1);
/// The retransmission timeout, fixed.
const RTO: Duration = Duration::from_secs(1);

enum Event {
    Segment {
        seq: SeqNumber,
        len: u32,
        /// TSval, in milliseconds.
        tick: u32,
    },
    Ack {
        ack: SeqNumber,
        sack: Vec<SackBlock>,
        /// TSecr.
        echo: u32,
    },
}

/// What a receiver holds: the edge of what arrived in order, and ranges beyond it.
struct Receiver {
    nxt: SeqNumber,
    /// `(left, right)` as offsets from `nxt` never overlap; the most recently changed one is last.
    held: Vec<(SeqNumber, SeqNumber)>,
    /// TS.Recent.
    recent: u32,
    /// Whether duplicates are reported (RFC 2883).
    reports: bool,
}

impl Receiver {
    /// Takes a segment in and gives the acknowledgment it sends.
    fn take(&mut self, seq: SeqNumber, len: u32, tick: u32) -> (SeqNumber, Vec<SackBlock>) {
        let (mut left, mut right) = (seq.max(self.nxt), seq + len);
        let known = |&(l, r): &(SeqNumber, SeqNumber)| l.before_eq(seq) && right.before_eq(r);
        let duplicate = right.before_eq(self.nxt) || self.held.iter().any(known);
        let report = (duplicate && self.reports).then_some(SackBlock {
            left: seq,
            right: seq + len,
        });
        if seq.before_eq(self.nxt) {
            self.recent = tick;
        }
        if left.before(right) {
            self.held.retain(|&(l, r)| {
                let apart = r.before(left) || right.before(l);
                if !apart {
                    left = left.min(l);
                    right = right.max(r);
                }
                apart
            });
            if left == self.nxt {
                self.nxt = right;
            } else {
                self.held.push((left, right));
            }
        }
        let newest = self.held.iter().rev().take(3);
        (
            self.nxt,
            report
                .into_iter()
                .chain(newest.map(|&(left, right)| SackBlock { left, right }))
                .collect(),
        )
    }
}

/// What a run came to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// When the last byte was acknowledged.
    pub(super) done_at: Duration,
    /// Timeouts.
    pub(super) timeouts: u32,
    /// Tail loss probes.
    pub(super) probes: u32,
    /// Segments that were lost.
    pub(super) lost: u32,
    /// Reductions of `ssthresh`.
    pub(super) reductions: u32,
    /// Segments sent again.
    pub(super) retransmits: u32,
    /// Those of them that were not known to be lost.
    pub(super) rescues: u32,
    /// Segments sent, in all.
    pub(super) sent: u32,
    /// Episodes of fast recovery.
    pub(super) episodes: u32,
    /// The longest episode of fast recovery.
    pub(super) longest: Duration,
    /// The smallest `ssthresh` seen.
    pub(super) ssthresh: u32,
    /// `cwnd` at the end.
    pub(super) cwnd: u32,
    /// Episodes that proved needless, and `cwnd` and `ssthresh` just after.
    pub(super) spurious: Vec<(Spurious, u32, u32)>,
    /// `cwnd` and `ssthresh` before each reduction.
    pub(super) before: Vec<(u32, u32)>,
}

/// A transfer over the link.
pub(super) struct Link<'a> {
    pub(super) recovery: Recovery,
    pub(super) cc: Controller,
    iss: SeqNumber,
    total: u32,
    receiver: Receiver,
    events: BTreeMap<(Instant, u32), Event>,
    serial: u32,
    now: Instant,
    free_at: Instant,
    rto_at: Option<Instant>,
    back_off: u32,
    /// The estimator that the timers follow, all three of them; without one there is only the
    /// retransmission timer, and it is fixed.
    rtt: Option<RttEstimator>,
    /// Given the number of a transmission and its offset in the stream: whether it is lost.
    drop: &'a mut dyn FnMut(u32, u32) -> bool,
    outcome: Outcome,
    entered_at: Option<Instant>,
    /// Of a hundred acknowledgments this many are lost, and of a hundred segments and
    /// acknowledgments this many are late by up to three tenths of a round trip.
    pub(super) chaos: u64,
    /// How many segments of new data go out as one super-segment.
    pub(super) burst: u32,
    pub(super) timestamps: bool,
    /// Given the number of a transmission: how much later than usual it arrives.
    pub(super) late: fn(u32) -> Duration,
    /// What would arrive at the receiver from the first moment on arrives at the second.
    pub(super) spike: Option<(Duration, Duration)>,
    /// What is sent between these moments is lost.
    pub(super) outage: Option<(Duration, Duration)>,
}

impl<'a> Link<'a> {
    /// A transfer of `total` bytes from sequence number `iss` on.
    pub(super) fn new(
        iss: u32,
        total: u32,
        algorithm: Algorithm,
        sack: bool,
        drop: &'a mut dyn FnMut(u32, u32) -> bool,
    ) -> Self {
        let iss = SeqNumber::new(iss);
        Self {
            recovery: Recovery::new(iss, MSS, sack),
            cc: Controller::with_hystart(algorithm, MSS, None),
            iss,
            total,
            receiver: Receiver {
                nxt: iss,
                held: Vec::new(),
                recent: 0,
                reports: false,
            },
            events: BTreeMap::new(),
            serial: 0,
            now: Instant::ZERO,
            free_at: Instant::ZERO,
            rto_at: None,
            back_off: 0,
            rtt: None,
            drop,
            outcome: Outcome {
                ssthresh: u32::MAX,
                ..Outcome::default()
            },
            entered_at: None,
            chaos: 0,
            burst: 1,
            timestamps: false,
            late: |_| Duration::ZERO,
            spike: None,
            outage: None,
        }
    }

    /// The timers follow the round-trip time as they do in a connection.
    pub(super) fn measure(&mut self) {
        let mut rtt = RttEstimator::new(&RtoConfig::default());
        rtt.on_sample(DELAY * 2);
        self.recovery.on_rtt_sample(self.now, DELAY * 2);
        self.rtt = Some(rtt);
    }

    /// The receiver reports duplicates.
    pub(super) fn report_duplicates(&mut self) {
        self.receiver.reports = true;
    }

    /// Runs until everything is acknowledged.
    ///
    /// # Panics
    ///
    /// Panics if that takes more than an hour of simulated time.
    pub(super) fn run(mut self) -> Outcome {
        self.send();
        while self.receiver.nxt != self.iss + self.total || self.recovery.outstanding() > 0 {
            let next = self.events.first_key_value().map(|(&(at, _), _)| at);
            match (next, self.next_timer()) {
                (Some(at), timer) if timer.is_none_or(|(_, due)| at <= due) => self.deliver(),
                (_, Some((timer, due))) => self.expire(timer, due),
                (_, None) => panic!("nothing under way and no timer: {:?}", self.recovery),
            }
            assert!(
                self.now < Instant::from_secs(3600),
                "stuck: {:?}",
                self.recovery
            );
            self.send();
            assert!(self.recovery.in_flight() <= self.recovery.outstanding() * 2);
        }
        assert_eq!(self.recovery.delivered(), u64::from(self.total));
        self.outcome.done_at = self.now - Instant::ZERO;
        self.outcome.retransmits = self.recovery.total_retransmits();
        self.outcome.cwnd = self.cc.cwnd();
        self.outcome
    }

    fn next_timer(&self) -> Option<(Timer, Instant)> {
        match &self.rtt {
            Some(rtt) => self.recovery.deadline(rtt),
            None => self.rto_at.map(|at| (Timer::Retransmit, at)),
        }
    }

    fn expire(&mut self, timer: Timer, due: Instant) {
        let ssthresh = self.cc.ssthresh();
        match timer {
            Timer::TailLossProbe => {
                self.now = due;
                self.outcome.probes += u32::from(self.recovery.on_probe_timeout(due));
            }
            Timer::Reorder => {
                self.now = due;
                self.recovery.on_reorder_timeout(due, &mut self.cc);
            }
            _ => self.time_out(due),
        }
        self.outcome.reductions += u32::from(self.cc.ssthresh() < ssthresh);
    }

    fn deliver(&mut self) {
        let Some(((at, _), event)) = self.events.pop_first() else {
            return;
        };
        self.now = at;
        match event {
            Event::Segment { seq, len, tick } => {
                let (ack, sack) = self.receiver.take(seq, len, tick);
                let echo = self.receiver.recent;
                self.schedule(at + DELAY, Event::Ack { ack, sack, echo });
            }
            Event::Ack { ack, sack, echo } => {
                let elapsed = u64::from((at.as_millis() as u32).wrapping_sub(echo));
                let input = AckInput {
                    sack: &sack,
                    srtt: self.rtt.and_then(|rtt| rtt.srtt()),
                    ts_echo: self.timestamps.then_some(echo),
                    ts_rtt: self
                        .timestamps
                        .then_some(Duration::from_millis(elapsed.max(1))),
                    ..AckInput::new(at, ack)
                };
                let before = (self.cc.cwnd(), self.cc.ssthresh());
                let sample = self.recovery.on_ack(&input, &mut self.cc);
                self.note(&sample, before);
            }
        }
    }

    fn note(&mut self, sample: &AckSample, before: (u32, u32)) {
        if sample.newly_acked > 0 {
            self.back_off = 0;
            self.rto_at = (self.recovery.outstanding() > 0).then(|| self.now + RTO);
        }
        if let (Some(estimator), Some(rtt)) = (&mut self.rtt, sample.rtt) {
            estimator.on_sample(rtt);
        }
        let after = (self.cc.cwnd(), self.cc.ssthresh());
        self.outcome.reductions += u32::from(after.1 < before.1);
        let outcome = &mut self.outcome;
        if let Some(spurious) = sample.spurious {
            outcome.spurious.push((spurious, after.0, after.1));
        }
        outcome.ssthresh = outcome.ssthresh.min(self.cc.ssthresh());
        if sample.prior_state != CaState::Recovery && sample.state == CaState::Recovery {
            outcome.episodes += 1;
            outcome.before.push(before);
            self.entered_at = Some(self.now);
        } else if sample.prior_state == CaState::Recovery && sample.state != CaState::Recovery {
            let began = self.entered_at.take().unwrap_or(self.now);
            outcome.longest = outcome.longest.max(self.now - began);
        }
    }

    fn time_out(&mut self, at: Instant) {
        self.now = at;
        self.outcome.timeouts += 1;
        self.outcome
            .before
            .push((self.cc.cwnd(), self.cc.ssthresh()));
        self.recovery.on_rto(at, &mut self.cc);
        if let Some(rtt) = &mut self.rtt {
            rtt.back_off();
        }
        self.back_off = (self.back_off + 1).min(6);
        self.rto_at = Some(at + RTO * (1 << self.back_off));
    }

    /// Sends what may be sent.
    fn send(&mut self) {
        loop {
            let nxt = self.recovery.una() + self.recovery.outstanding();
            let unsent = self.total - (nxt - self.iss);
            let quota = self.recovery.quota(&self.cc);
            let forced = self.recovery.forced || self.recovery.is_probe_due();
            if self.recovery.is_probe_due() {
                self.probe(nxt, unsent);
            } else if let Some(lost) = self.recovery.next_retransmit(&self.cc) {
                self.resend(lost.seq, lost.len);
            } else if unsent > 0 && quota > 0 {
                self.send_new(nxt, unsent.min(quota).min(MSS * self.burst));
            } else if let Some(rescue) = self.recovery.next_rescue(&self.cc) {
                self.outcome.rescues += 1;
                self.resend(rescue.seq, rescue.len);
            } else {
                break;
            }
            self.rto_at = self.rto_at.or(Some(self.now + RTO));
            // RFC 9937 §3 and RFC 5681 §3.1: nothing beyond the window but what opens an episode.
            assert!(
                forced || self.recovery.in_flight() <= self.cc.cwnd(),
                "{:?}",
                self.recovery
            );
        }
    }

    fn send_new(&mut self, nxt: SeqNumber, len: u32) {
        self.recovery.on_sent(self.now, nxt, len);
        for offset in (0..len).step_by(MSS as usize) {
            self.transmit(nxt + offset, MSS.min(len - offset));
        }
    }

    /// RFC 8985 §7.3: new data if there is some, else the last segment.
    fn probe(&mut self, nxt: SeqNumber, unsent: u32) {
        if unsent > 0 {
            self.send_new(nxt, unsent.min(MSS));
        } else if let Some(last) = self.recovery.next_probe() {
            self.resend(last.seq, last.len);
        }
    }

    fn resend(&mut self, seq: SeqNumber, len: u32) {
        assert!(0 < len && len <= MSS);
        self.recovery.on_retransmitted(self.now, seq, len);
        self.transmit(seq, len);
    }

    fn transmit(&mut self, seq: SeqNumber, len: u32) {
        let number = self.outcome.sent;
        self.outcome.sent += 1;
        self.free_at = self.free_at.max(self.now) + SPACING;
        let elapsed = self.now - Instant::ZERO;
        let out = self
            .outage
            .is_some_and(|(from, to)| (from..to).contains(&elapsed));
        if out || (self.drop)(number, seq - self.iss) {
            self.outcome.lost += 1;
        } else {
            let tick = self.now.as_millis() as u32;
            let mut arrival = self.free_at + DELAY + (self.late)(number);
            if let Some((from, to)) = self.spike
                && (from..to).contains(&(arrival - Instant::ZERO))
            {
                arrival = Instant::ZERO + to;
            }
            self.schedule(arrival, Event::Segment { seq, len, tick });
        }
    }

    fn schedule(&mut self, at: Instant, event: Event) {
        self.serial += 1;
        // A different whim for each event, the same in each run.
        let whim = u64::from(self.serial).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let lost = matches!(event, Event::Ack { .. }) && whim % 100 < self.chaos;
        let late = whim / 100 % 100 < self.chaos;
        let delay = Duration::from_millis(if late { whim % 30 } else { 0 });
        if !lost {
            self.events.insert((at + delay, self.serial), event);
        }
    }
}
