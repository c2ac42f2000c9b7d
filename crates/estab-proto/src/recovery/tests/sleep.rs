//! Recovery and its controller put away between two exchanges, whatever happened before: nobody can tell
//! the difference.

extern crate std;

use alloc::format;

use proptest::prelude::*;

use super::seeded;
use super::sender::{MSS, Sender, UNA};
use crate::config::RecoveryConfig;
use crate::congestion::{Algorithm, Controller, Paced};
use crate::dormant::{Dormant, Reader, Writer};
use crate::recovery::Recovery;

/// What happens to a flight.
#[derive(Clone, Copy, Debug)]
enum Step {
    Send(u32),
    Wait(u64),
    /// So many arrive in order, and after a gap so many more.
    Ack(u32, u32, u32),
    Timeout,
    Resend,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1u32..30).prop_map(Step::Send),
        prop_oneof![0u64..300, 0u64..100_000].prop_map(Step::Wait),
        (0u32..20, 0u32..3, 0u32..8).prop_map(|(all, gap, more)| Step::Ack(all, gap, more)),
        Just(Step::Timeout),
        Just(Step::Resend),
    ]
}

fn apply(s: &mut Sender, acked: &mut u32, step: Step) {
    match step {
        Step::Send(segments) => s.send(segments.min(60_000 - s.sent)),
        Step::Wait(millis) => s.wait(millis),
        Step::Ack(all, gap, more) => {
            *acked = (*acked + all).min(s.sent);
            let left = (*acked + gap).min(s.sent);
            let right = (left + more).min(s.sent);
            let reports = [(left, right)];
            let any = left > *acked && right > left;
            s.ack(*acked, if any { &reports } else { &[] });
        }
        Step::Timeout => s.time_out(),
        Step::Resend => {
            for _ in 0..3 {
                if let Some(lost) = s.recovery.next_retransmit(&s.cc) {
                    s.recovery.on_retransmitted(s.now, lost.seq, lost.len);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(seeded(256, 0x51ee9))]

    #[test]
    fn what_sleeps_wakes_as_it_was(
        steps in prop::collection::vec(step(), 1..60),
        modern in any::<bool>(),
        cubic in any::<bool>(),
        hystart in any::<bool>(),
        fast_convergence in any::<bool>(),
    ) {
        let mut s = Sender::new(true, 0);
        let algorithm = if cubic { Algorithm::Cubic } else { Algorithm::NewReno };
        s.cc = Controller::with_hystart(algorithm, MSS, hystart.then_some(Paced::Yes))
            .with_fast_convergence(fast_convergence);
        let rules = if modern { RecoveryConfig::MODERN } else { RecoveryConfig::RFC_STRICT };
        s.recovery = Recovery::new(UNA, MSS, true).with_rules(&rules);
        let mut acked = 0;
        for step in steps {
            apply(&mut s, &mut acked, step);
        }
        // Everything arrives in the end; then as many exchanges as an episode is remembered for.
        for _ in 0..40 {
            s.wait(100);
            s.ack(s.sent, &[]);
            s.send(1);
        }
        s.wait(100);
        s.ack(s.sent, &[]);
        s.recovery.shrink();
        prop_assert!(s.recovery.is_at_rest() && s.cc.may_rest());
        let _ = s.recovery.take_reduced();

        let mut to = Writer::default();
        s.recovery.dormant(&mut to);
        s.cc.dormant(&mut to);
        let (bytes, _) = to.finish();
        let mut from = Reader::new(&bytes);
        let (recovery, cc): (Recovery, Controller) = Dormant::wake(&mut from);
        prop_assert!(from.is_empty());
        prop_assert_eq!(format!("{recovery:?}"), format!("{:?}", s.recovery));
        prop_assert_eq!(format!("{cc:?}"), format!("{:?}", s.cc));
    }
}
