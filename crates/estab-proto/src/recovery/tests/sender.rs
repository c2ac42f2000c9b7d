//! A sender driven segment by segment.

use estab_timer::{Duration, Instant};

use crate::SeqNumber;
use crate::config::RecoveryConfig;
use crate::congestion::{Algorithm, Controller};
use crate::recovery::{AckInput, AckSample, Recovery, Retransmit};
use crate::wire::tcp::SackBlock;

pub(super) const MSS: u32 = 1000;
pub(super) const UNA: SeqNumber = SeqNumber::new(u32::MAX - 4_500);

/// A sender whose segments are numbered from 0 and are all full.
pub(super) struct Sender {
    pub(super) recovery: Recovery,
    pub(super) cc: Controller,
    pub(super) now: Instant,
    pub(super) sent: u32,
}

impl Sender {
    /// A sender with `segments` full segments outstanding and a window of just these.
    pub(super) fn new(sack: bool, segments: u32) -> Self {
        let mut cc = Controller::new(Algorithm::NewReno, MSS);
        cc.limit_cwnd(segments * MSS);
        let recovery = Recovery::new(UNA, MSS, sack);
        let mut sender = Self {
            recovery,
            cc,
            now: Instant::from_secs(1),
            sent: 0,
        };
        sender.send(segments);
        sender
    }

    /// The same for a peer with SACK and for these rules, after a handshake that took 100 ms.
    pub(super) fn by(rules: RecoveryConfig, segments: u32) -> Self {
        let mut sender = Self::new(true, 0);
        sender.cc = Controller::new(Algorithm::NewReno, MSS);
        sender.cc.set_cwnd(segments * MSS);
        sender.recovery = Recovery::new(UNA, MSS, true).with_rules(&rules);
        sender
            .recovery
            .on_rtt_sample(sender.now, Duration::from_millis(100));
        sender.send(segments);
        sender
    }

    pub(super) fn wait(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
    }

    pub(super) fn at(segment: u32) -> SeqNumber {
        UNA + segment * MSS
    }

    pub(super) fn send(&mut self, segments: u32) {
        for _ in 0..segments {
            self.recovery.on_sent(self.now, Self::at(self.sent), MSS);
            self.sent += 1;
        }
    }

    /// Acknowledges everything before segment `ack`, and the segments in `sack` selectively.
    pub(super) fn ack(&mut self, ack: u32, sack: &[(u32, u32)]) -> AckSample {
        let blocks = sack.iter().map(|&(l, r)| SackBlock {
            left: Self::at(l),
            right: Self::at(r),
        });
        let blocks: arrayvec::ArrayVec<SackBlock, 8> = blocks.collect();
        self.input(Self::at(ack), &blocks, |_| {})
    }

    pub(super) fn input(
        &mut self,
        ack: SeqNumber,
        sack: &[SackBlock],
        change: impl FnOnce(&mut AckInput<'_>),
    ) -> AckSample {
        let mut input = AckInput {
            sack,
            ..AckInput::new(self.now, ack)
        };
        change(&mut input);
        self.recovery.on_ack(&input, &mut self.cc)
    }

    /// Sends again what is lost, as far as the window allows: the segments, by number.
    pub(super) fn resend(&mut self) -> arrayvec::ArrayVec<u32, 64> {
        let mut numbers = arrayvec::ArrayVec::new();
        while let Some(lost) = self.recovery.next_retransmit(&self.cc) {
            self.recovery.on_retransmitted(self.now, lost.seq, lost.len);
            numbers.push((lost.seq - UNA) / MSS);
        }
        numbers
    }

    pub(super) fn rescue(&mut self) -> Option<u32> {
        let Retransmit { seq, len } = self.recovery.next_rescue(&self.cc)?;
        self.recovery.on_retransmitted(self.now, seq, len);
        Some((seq - UNA) / MSS)
    }

    pub(super) fn time_out(&mut self) {
        self.recovery.on_rto(self.now, &mut self.cc);
    }

    /// In segments: pipe, quota for new data.
    pub(super) fn pipe_and_quota(&self) -> (u32, u32) {
        (
            self.recovery.in_flight() / MSS,
            self.recovery.quota(&self.cc) / MSS,
        )
    }

    pub(super) fn windows(&self) -> (u32, u32) {
        (self.cc.cwnd() / MSS, self.cc.ssthresh() / MSS)
    }
}
