//! Peers that are not asked for ECN any more, since asking has not worked (RFC 9768 §3.1.4.1).
//!
//! A SYN that asks may be what a middlebox drops, and then each open waits for it in vain. One that
//! stays unanswered may have been lost like any other; but if a few in a row do, and those without
//! the flags do not, the flags are the reason. The path is tried anew after an hour.

use alloc::collections::BTreeMap;
use core::net::IpAddr;

use estab_timer::{Duration, Instant};

/// Unanswered in a row, so many SYNs that ask are enough: two opens with accurate feedback, four with
/// classic.
const ENOUGH: u8 = 4;

/// How long a peer is remembered after it was last tried.
const MAX_AGE: Duration = Duration::from_secs(3600);

/// The most peers that are remembered.
const MAX_PEERS: usize = 256;

/// What became of asking, by peer.
#[derive(Debug, Default)]
pub(crate) struct Trials(BTreeMap<IpAddr, Trial>);

#[derive(Clone, Copy, Debug)]
struct Trial {
    /// SYNs that asked and stayed unanswered since one was answered.
    unanswered: u8,
    /// Forgotten then.
    until: Instant,
}

impl Trials {
    /// Whether there is no use in asking this peer.
    pub(crate) fn is_hopeless(&self, now: Instant, peer: IpAddr) -> bool {
        self.get(now, peer) >= ENOUGH
    }

    /// So many SYNs that asked stayed unanswered, and one that did not ask was answered.
    pub(super) fn unanswered(&mut self, now: Instant, peer: IpAddr, syns: u8) {
        let unanswered = self.get(now, peer).saturating_add(syns);
        self.note(now, peer, unanswered);
    }

    /// A SYN that asks gets through.
    pub(super) fn answered(&mut self, peer: IpAddr) {
        self.0.remove(&peer);
    }

    /// The path to this peer marks everything, or takes marks away.
    pub(super) fn broken(&mut self, now: Instant, peer: IpAddr) {
        self.note(now, peer, ENOUGH);
    }

    fn get(&self, now: Instant, peer: IpAddr) -> u8 {
        let known = self.0.get(&peer).filter(|trial| trial.until > now);
        known.map_or(0, |trial| trial.unanswered)
    }

    fn note(&mut self, now: Instant, peer: IpAddr, unanswered: u8) {
        if self.0.len() >= MAX_PEERS && !self.0.contains_key(&peer) {
            let first = self.0.iter().min_by_key(|(_, trial)| trial.until);
            if let Some(first) = first.map(|(first, _)| *first) {
                self.0.remove(&first);
            }
        }
        let until = now.saturating_add(MAX_AGE);
        self.0.insert(peer, Trial { unanswered, until });
    }
}

#[cfg(test)]
mod tests;
