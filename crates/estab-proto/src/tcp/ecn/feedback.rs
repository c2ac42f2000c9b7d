//! The data sender of accurate feedback: reads what the peer counted (RFC 9768 §3.2.2.5.2, §3.2.3).

use crate::tcp::ecn::marks::{FIRST_CEP, FIRST_ECT};
use crate::wire::tcp::AccEcn;

/// The counters of the ACE field repeat after this many packets.
const ACE_PERIOD: u32 = 8;

/// The counters of the option have so many bits.
const COUNTER_BITS: u32 = 24;

/// Bytes that must have been delivered before an option that never came counts as one that never
/// will: until then no counter can have gone round.
const SILENCE: u32 = 1 << (COUNTER_BITS - 1);

/// What one acknowledgement reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// There is congestion.
    pub(super) ece: bool,
    /// Packets newly marked.
    pub(super) packets: u32,
    /// Bytes newly marked: what the option says, or as many as those packets can have held.
    pub(super) bytes: u32,
    /// By the option nothing ever arrived that was ECN-capable.
    pub(super) cleared: bool,
}

/// Whether the peer's option is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Option24 {
    /// None came yet.
    Unseen,
    /// It came and made sense.
    Good,
    /// A path clears or changes it, or it came too late for its counters to mean anything.
    Bad,
}

/// What the peer has told so far: RFC 9768's s.cep, s.ceb, s.e0b and s.e1b.
#[derive(Clone, Debug)]
pub(super) struct Feedback {
    cep: u32,
    ceb: u32,
    e0b: u32,
    e1b: u32,
    option: Option24,
    /// Bytes delivered before the first option.
    silent: u32,
    /// TSval of the segment read last: what is older is not read.
    latest: Option<u32>,
}

impl Feedback {
    /// Before the first acknowledgement.
    pub(super) fn new() -> Self {
        Self {
            cep: FIRST_CEP,
            ceb: 0,
            e0b: FIRST_ECT,
            e1b: FIRST_ECT,
            option: Option24::Unseen,
            silent: 0,
            latest: None,
        }
    }

    /// The peer reports that our SYN-ACK came marked: its counter begins one further on (RFC 9768
    /// table 4).
    pub(super) fn on_marked_syn_ack(&mut self) {
        self.cep = FIRST_CEP + 1;
    }

    /// The SYN-ACK came, with the option or without: nothing can have been delivered yet.
    pub(super) fn on_syn_ack(&mut self, option: Option<&AccEcn>) {
        self.read_option(option, 0);
    }

    /// Whether a segment that acknowledges nothing new is later than all that were read: an old one,
    /// overtaken, would look like seven marks.
    pub(super) fn is_later(&self, ts_val: Option<u32>) -> bool {
        match (ts_val, self.latest) {
            (Some(val), Some(latest)) => (val.wrapping_sub(latest) as i32) > 0,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    /// Reads the ACE field and the option of an acknowledgement by which `delivered` bytes, in
    /// segments of `mss`, are known to have arrived.
    pub(super) fn read(
        &mut self,
        ace: u8,
        option: Option<&AccEcn>,
        ts_val: Option<u32>,
        delivered: u32,
        mss: u32,
    ) -> Report {
        self.latest = ts_val.or(self.latest);
        let ceb = self.read_option(option, delivered);
        let mss = mss.max(1);
        let packets = self.read_ace(ace, ceb, delivered, mss);
        self.cep = self.cep.wrapping_add(packets);
        let bytes = match ceb {
            Some(bytes) => bytes,
            None => packets.saturating_mul(mss),
        };
        Report {
            ece: packets > 0,
            packets,
            bytes: bytes.min(delivered),
            cleared: option.is_some_and(|option| self.knows_of_none(option)),
        }
    }

    /// How many packets are newly marked. If more arrived than the field can count, the most that
    /// is plausible, unless the option knows better (RFC 9768 §3.2.2.5.2, appendix A.2).
    fn read_ace(&self, ace: u8, ceb: Option<u32>, delivered: u32, mss: u32) -> u32 {
        let least = u32::from(ace).wrapping_sub(self.cep) % ACE_PERIOD;
        let arrived = delivered.div_ceil(mss);
        if arrived < ACE_PERIOD {
            return least;
        }
        let most = arrived - (arrived - least) % ACE_PERIOD;
        match ceb {
            Some(0) => least,
            // The marked bytes fit into so few packets, or would leave the rest half empty.
            Some(ceb) if ceb <= least.saturating_mul(mss) => least,
            Some(ceb) => {
                let beyond = ceb.div_ceil(mss).saturating_sub(least);
                most.min(least + beyond.div_ceil(ACE_PERIOD) * ACE_PERIOD)
            }
            None => most,
        }
    }

    /// Whether an option that is believed has all the counters that text of ours can have moved, and
    /// none has moved.
    fn knows_of_none(&self, option: &AccEcn) -> bool {
        let told = [option.e0b(), option.ceb()].iter().all(Option::is_some);
        let at_first = [self.e0b, self.ceb, self.e1b] == [FIRST_ECT, 0, FIRST_ECT];
        self.option == Option24::Good && told && at_first
    }

    /// The bytes newly marked by the option's account; `None` without one that makes sense.
    fn read_option(&mut self, option: Option<&AccEcn>, delivered: u32) -> Option<u32> {
        if self.option == Option24::Bad {
            return None;
        }
        let Some(option) = option else {
            if self.option == Option24::Unseen {
                self.silent = self.silent.saturating_add(delivered);
                if self.silent >= SILENCE {
                    self.option = Option24::Bad;
                }
            }
            return None;
        };
        if self.option == Option24::Unseen && [option.e0b(), option.e1b()].contains(&Some(0)) {
            // They begin at 1: somebody clears them (RFC 9768 §3.2.3.2.4).
            self.option = Option24::Bad;
            return None;
        }
        self.option = Option24::Good;
        let news = [
            (option.e0b(), self.e0b),
            (option.ceb(), self.ceb),
            (option.e1b(), self.e1b),
        ]
        .map(|(told, known)| told.map_or(Some(0), |told| ahead(known, told)));
        // A counter that went back is an old one, overtaken.
        let [Some(e0b), Some(ceb), Some(e1b)] = news else {
            return None;
        };
        self.e0b = self.e0b.wrapping_add(e0b);
        self.ceb = self.ceb.wrapping_add(ceb);
        self.e1b = self.e1b.wrapping_add(e1b);
        option.ceb().map(|_| ceb)
    }
}

/// How far `told`, modulo 2²⁴, is ahead of `known`; `None` if it is behind.
fn ahead(known: u32, told: u32) -> Option<u32> {
    let period = 1 << COUNTER_BITS;
    let step = told.wrapping_sub(known) % period;
    (step < period / 2).then_some(step)
}

#[cfg(test)]
mod tests;
