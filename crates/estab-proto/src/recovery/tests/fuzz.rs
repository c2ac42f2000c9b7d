//! Anything may arrive in any order: nothing panics, the sums hold, and the transfer can be finished.

use alloc::vec;
use alloc::vec::Vec;

use estab_timer::{Duration, Instant};
use proptest::prelude::*;

use super::seeded;
use crate::SeqNumber;
use crate::config::RecoveryConfig;
use crate::congestion::{Algorithm, Controller};
use crate::recovery::{AckInput, CaState, Recovery};
use crate::wire::tcp::SackBlock;

#[derive(Clone, Debug)]
enum Step {
    Send(u32),
    Resend {
        as_asked: bool,
        offset: u32,
        len: u32,
    },
    Ack {
        advance: u32,
        sack: Vec<(u32, u32)>,
        text: bool,
        wait: u16,
        /// How many milliseconds ago the clock read what is echoed.
        echo: Option<u16>,
        ece: bool,
        /// How far below its end the acknowledgment reports a duplicate, and how long.
        duplicate: Option<(u32, u32)>,
    },
    Forged {
        ack: u32,
        sack: Vec<(u32, u32)>,
    },
    TimeOut,
    Mss(u32),
    Idle,
    Probe,
    Reorder,
}

fn step() -> impl Strategy<Value = Step> {
    let near = prop::collection::vec((0u32..60_000, 0u32..20_000), 0..4);
    let far = prop::collection::vec((any::<u32>(), any::<u32>()), 0..4);
    prop_oneof![
        6 => (1u32..9_000).prop_map(Step::Send),
        1 => Just(Step::Send(1)),
        4 => (any::<bool>(), 0u32..60_000, 0u32..3_000)
            .prop_map(|(as_asked, offset, len)| Step::Resend { as_asked, offset, len }),
        6 => (
            prop_oneof![Just(0), 0u32..4_000],
            near,
            any::<bool>(),
            any::<u16>(),
            prop::option::of(0u16..200),
            prop::bool::weighted(0.05),
            prop::option::weighted(0.2, (0u32..9_000, 0u32..4_000)),
        )
            .prop_map(|(advance, sack, text, wait, echo, ece, duplicate)| Step::Ack {
                advance, sack, text, wait, echo, ece, duplicate
            }),
        1 => (any::<u32>(), far).prop_map(|(ack, sack)| Step::Forged { ack, sack }),
        1 => Just(Step::TimeOut),
        1 => (48u32..3_000).prop_map(Step::Mss),
        1 => Just(Step::Idle),
        1 => Just(Step::Probe),
        1 => Just(Step::Reorder),
    ]
}

struct Run {
    recovery: Recovery,
    cc: Controller,
    now: Instant,
    nxt: SeqNumber,
}

impl Run {
    fn take(&mut self, step: Step) {
        match step {
            Step::Send(len) => {
                self.recovery.on_sent(self.now, self.nxt, len);
                self.nxt += len;
            }
            Step::Resend {
                as_asked,
                offset,
                len,
            } => {
                let asked = self.recovery.next_retransmit(&self.cc);
                match asked.or_else(|| self.recovery.next_rescue(&self.cc)) {
                    Some(lost) if as_asked => {
                        assert!(
                            lost.seq
                                .within(self.recovery.una(), self.recovery.outstanding())
                        );
                        self.recovery.on_retransmitted(self.now, lost.seq, lost.len);
                    }
                    _ => {
                        let seq = self.recovery.una() + offset;
                        self.recovery.on_retransmitted(self.now, seq, len);
                    }
                }
            }
            Step::Ack {
                advance,
                sack,
                text,
                wait,
                echo,
                ece,
                duplicate,
            } => {
                self.now += Duration::from_micros(u64::from(wait));
                let una = self.recovery.una();
                let ack = una + advance.min(self.recovery.outstanding());
                let report = duplicate.map(|(below, len)| SackBlock {
                    left: ack.back(below),
                    right: ack.back(below) + len.min(below),
                });
                let blocks = sack.into_iter().map(|(left, len)| SackBlock {
                    left: una + left,
                    right: una + left + len,
                });
                let sack: Vec<_> = report.into_iter().chain(blocks).collect();
                let clock = self.now.as_millis() as u32;
                self.input(&AckInput {
                    sack: &sack,
                    text,
                    ece,
                    ts_echo: echo.map(|ago| clock.wrapping_sub(ago.into())),
                    ts_rtt: echo.map(|ago| Duration::from_millis(ago.into())),
                    ..AckInput::new(self.now, ack)
                });
            }
            Step::Forged { ack, sack } => {
                let block = |(left, right)| SackBlock {
                    left: SeqNumber::new(left),
                    right: SeqNumber::new(right),
                };
                let sack: Vec<_> = sack.into_iter().map(block).collect();
                // An acknowledgment of what was not sent; if it happens to be acceptable, fine.
                self.ack(SeqNumber::new(ack), &sack, false);
            }
            Step::TimeOut => self.recovery.on_rto(self.now, &mut self.cc),
            Step::Mss(mss) => {
                self.recovery.set_mss(mss);
                self.cc.set_mss(mss);
                self.recovery.on_mtu_reduced();
            }
            Step::Idle => self
                .cc
                .on_idle(self.now, Duration::from_secs(9), Duration::from_secs(1)),
            Step::Probe => {
                self.recovery.on_probe_timeout(self.now);
                if let Some(last) = self.recovery.next_probe() {
                    self.recovery.on_retransmitted(self.now, last.seq, last.len);
                }
            }
            Step::Reorder => {
                if self.recovery.reorder_deadline().is_some() {
                    self.recovery.on_reorder_timeout(self.now, &mut self.cc);
                }
            }
        }
    }

    fn ack(&mut self, ack: SeqNumber, sack: &[SackBlock], text: bool) {
        self.input(&AckInput {
            sack,
            text,
            ..AckInput::new(self.now, ack)
        });
    }

    fn input(&mut self, input: &AckInput<'_>) {
        let before = self.recovery.delivered();
        let sample = self.recovery.on_ack(input, &mut self.cc);
        if let Some(spurious) = sample.spurious {
            assert!(!(spurious.undone && input.ece));
        }
        assert!(sample.delivered >= before);
        assert_eq!(sample.in_flight, self.recovery.in_flight());
    }

    fn check(&self) {
        let recovery = &self.recovery;
        recovery.board.check();
        assert!(recovery.sacked() + recovery.lost() <= recovery.outstanding());
        assert!(recovery.in_flight() <= 2 * recovery.outstanding());
        assert!(recovery.quota(&self.cc) <= self.cc.cwnd());
        assert_eq!(
            recovery.oldest_unacked_sent_at().is_none(),
            recovery.outstanding() == 0
        );
        assert!(self.cc.cwnd() >= 1);
    }

    /// Time out, resend what is asked for, acknowledge it, until nothing is left.
    fn finish(&mut self) {
        while self.recovery.outstanding() > 0 {
            self.recovery.on_rto(self.now, &mut self.cc);
            assert_eq!(self.recovery.state(), CaState::Loss);
            self.recovery.keep_estimate(None);
            let lost = self
                .recovery
                .next_retransmit(&self.cc)
                .expect("SND.UNA is always sent again");
            assert_eq!(lost.seq, self.recovery.una());
            self.recovery.on_retransmitted(self.now, lost.seq, lost.len);
            self.ack(lost.seq + lost.len, &[], false);
            self.check();
        }
    }
}

proptest! {
    #![proptest_config(seeded(300, 6675))]

    #[test]
    fn nothing_breaks_the_books(
        iss in prop::sample::select(vec![0, 1, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, u32::MAX, u32::MAX - 9_000]),
        sack in any::<bool>(),
        mss in prop::sample::select(vec![48u32, 536, 1460, 9000, u32::MAX]),
        cubic in any::<bool>(),
        modern in any::<bool>(),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let algorithm = if cubic { Algorithm::Cubic } else { Algorithm::NewReno };
        let nxt = SeqNumber::new(iss);
        let rules = if modern { RecoveryConfig::MODERN } else { RecoveryConfig::RFC_STRICT };
        let mut run = Run {
            recovery: Recovery::new(nxt, mss, sack).with_rules(&rules),
            cc: Controller::new(algorithm, mss),
            now: Instant::from_secs(1),
            nxt,
        };
        for step in steps {
            run.take(step);
            run.check();
        }
        run.recovery.set_mss(1460);
        run.cc.set_mss(1460);
        run.finish();
        prop_assert_eq!(run.recovery.in_flight(), 0);
    }
}
