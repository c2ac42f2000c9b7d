use alloc::format;
use alloc::vec::Vec;

use estab_timer::{Duration, Instant};

use super::*;
use crate::SeqNumber;
use crate::config::RecoveryConfig;
use crate::congestion::Algorithm;
use crate::wire::tcp::SackBlock;

const MSS: u32 = 1000;

/// Numbers that look random and are the same in every run (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % u64::from(bound)) as u32
    }
}

/// A sender, and whether it takes the short way.
struct Sender {
    recovery: Recovery,
    cc: Controller,
    short: bool,
}

impl Sender {
    fn new(algorithm: Algorithm, short: bool) -> Self {
        let cc = Controller::new(algorithm, MSS);
        let recovery = Recovery::new(SeqNumber::new(u32::MAX - 5000), MSS, true)
            .with_rules(&RecoveryConfig::MODERN)
            .with_rate_samples(cc.wants_rate());
        Self {
            recovery,
            cc,
            short,
        }
    }

    fn send(&mut self, now: Instant, segments: u32) {
        while let Some(lost) = self.recovery.next_retransmit(&self.cc) {
            self.recovery.on_retransmitted(now, lost.seq, lost.len);
        }
        let len = self.recovery.quota(&self.cc).min(segments * MSS);
        let nxt = self.recovery.una() + self.recovery.outstanding();
        self.recovery.on_sent(now, nxt, len);
    }

    fn hear(&mut self, input: &AckInput<'_>) -> AckSample {
        if self.short {
            self.recovery.on_ack(input, &mut self.cc)
        } else {
            self.recovery.on_any_ack(input, &mut self.cc)
        }
    }

    fn state(&self) -> alloc::string::String {
        format!("{:?} {:?}", self.recovery, self.cc)
    }
}

/// Two senders that hear the same, in which now and then something is lost, late or marked.
fn compare(algorithm: Algorithm, seed: u64, trouble: u32) -> u32 {
    let mut numbers = Numbers(seed);
    let mut pair = [true, false].map(|short| Sender::new(algorithm, short));
    let mut now = Instant::from_secs(1);
    let mut plain = 0;
    for step in 0..2000 {
        now += Duration::from_micros(u64::from(1 + numbers.below(3000)));
        let segments = numbers.below(6);
        pair.iter_mut().for_each(|it| it.send(now, segments));
        now += Duration::from_micros(u64::from(numbers.below(3000)));
        let (una, out) = (pair[0].recovery.una(), pair[0].recovery.outstanding());
        let mut sack = Vec::new();
        let mut ack = una + numbers.below(out / MSS + 1) * MSS + numbers.below(2) * (out % MSS);
        if out > 3 * MSS && numbers.below(100) < trouble {
            let left = una + MSS * (1 + numbers.below(out / MSS - 1));
            sack.push(SackBlock {
                left,
                right: left + MSS,
            });
            ack = una;
        }
        let late = numbers.below(1000) < trouble;
        let input = AckInput {
            sack: &sack,
            ece: numbers.below(1000) < trouble,
            srtt: Some(Duration::from_millis(3)),
            ts_rtt: Some(Duration::from_millis(4)),
            ..AckInput::new(now, ack)
        };
        plain += u32::from(pair[0].recovery.is_plain(&input));
        let [a, b] = pair.each_mut().map(|it| {
            if late {
                it.recovery.on_rto(now, &mut it.cc);
            }
            it.hear(&input)
        });
        assert_eq!(a, b, "{algorithm:?}, seed {seed}, step {step}");
        let [a, b] = pair.each_ref().map(Sender::state);
        assert_eq!(a, b, "{algorithm:?}, seed {seed}, step {step}");
    }
    plain
}

#[test]
fn the_short_way_leads_to_the_same() {
    for algorithm in [Algorithm::Cubic, Algorithm::NewReno, Algorithm::Bbr] {
        for seed in 1..=8 {
            assert!(compare(algorithm, seed, 0) > 1000);
            compare(algorithm, seed, 1);
            compare(algorithm, seed, 8);
        }
    }
}
