//! What is recorded of a flow: its sender's variables at regular times, and what changed between
//! one look and the next.

use std::time::Duration;

use estab_proto::recovery::CaState;
use estab_proto::{Info, State};

/// A sender's variables at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Since the start of the transfer.
    pub at: Duration,
    /// Congestion window in bytes.
    pub cwnd: u32,
    /// Slow-start threshold in bytes; `None` while no congestion was seen.
    pub ssthresh: Option<u32>,
    /// Bytes believed to be on the way.
    pub in_flight: u32,
    /// Smoothed round-trip time; `None` before the first measurement.
    pub rtt: Option<Duration>,
    /// Smallest round-trip time seen of late.
    pub min_rtt: Option<Duration>,
    /// Bytes per second at which packets are spaced; `None` if they are not.
    pub pacing_rate: Option<u64>,
    /// State of loss recovery.
    pub ca_state: CaState,
    /// Segments retransmitted so far.
    pub retransmits: u64,
    /// Bytes the receiving application has read so far.
    pub delivered: u64,
}

/// Something that happens to a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Happening {
    /// The connection is established.
    Opened,
    /// Loss was found by acknowledgements: recovery begins.
    RecoveryBegan,
    /// The network reported congestion by marks: the window is reduced.
    ReductionBegan,
    /// All that was outstanding when recovery or the reduction began is acknowledged.
    RecoveryEnded,
    /// The retransmission timer expired.
    TimedOut,
    /// The last segment was probed for before the retransmission timer expired.
    Probed,
    /// A reduction proved to be unnecessary and was undone.
    Undone,
    /// Segments were retransmitted.
    Retransmitted,
    /// The last byte was delivered.
    Completed,
}

/// Something that happened, and the sender's variables just after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Since the start of the transfer.
    pub at: Duration,
    /// What happened.
    pub what: Happening,
    /// How many segments, of a retransmission; otherwise 1.
    pub count: u64,
    /// Congestion window in bytes.
    pub cwnd: u32,
    /// Slow-start threshold in bytes; `None` while no congestion was seen.
    pub ssthresh: Option<u32>,
    /// Bytes believed to be on the way.
    pub in_flight: u32,
}

/// Keeps the samples and moments of one flow.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    pub(super) samples: Vec<Sample>,
    pub(super) moments: Vec<Moment>,
    last: Option<Info>,
}

impl Recorder {
    pub(super) fn sample(&mut self, at: Duration, info: &Info, delivered: u64) {
        self.samples.push(Sample {
            at,
            cwnd: info.cwnd,
            ssthresh: ssthresh(info),
            in_flight: info.in_flight,
            rtt: info.rtt,
            min_rtt: info.min_rtt,
            pacing_rate: info.pacing_rate,
            ca_state: info.ca_state,
            retransmits: info.retransmits,
            delivered,
        });
    }

    /// Compares the sender with what it was at the last look; `probed` says that one of the host's
    /// senders has probed since.
    pub(super) fn look(&mut self, at: Duration, info: Info, probed: bool) {
        if info.state == State::SynSent {
            return;
        }
        match self.last.take() {
            Some(last) => self.compare(at, &last, &info, probed),
            None => self.note(at, Happening::Opened, 1, &info),
        }
        self.last = Some(info);
    }

    fn compare(&mut self, at: Duration, last: &Info, info: &Info, probed: bool) {
        // Who sent something when a probe was sent, sent it.
        let probes = u64::from(probed && info.bytes_sent > last.bytes_sent);
        for (what, now, then) in [
            (
                Happening::TimedOut,
                info.back_offs.into(),
                last.back_offs.into(),
            ),
            (Happening::Probed, probes, 0),
            (
                Happening::Undone,
                info.reductions_undone.into(),
                last.reductions_undone.into(),
            ),
            (Happening::Retransmitted, info.retransmits, last.retransmits),
        ] {
            if now > then {
                self.note(at, what, now - then, info);
            }
        }
        if let Some(what) = change(last.ca_state, info.ca_state) {
            self.note(at, what, 1, info);
        }
    }

    pub(super) fn note(&mut self, at: Duration, what: Happening, count: u64, info: &Info) {
        self.moments.push(Moment {
            at,
            what,
            count,
            cwnd: info.cwnd,
            ssthresh: ssthresh(info),
            in_flight: info.in_flight,
        });
    }
}

/// What it means that recovery went from one state to the other.
fn change(from: CaState, to: CaState) -> Option<Happening> {
    let is_episode = |state| !matches!(state, CaState::Open | CaState::Disorder);
    match to {
        _ if from == to => None,
        CaState::Recovery => Some(Happening::RecoveryBegan),
        CaState::Cwr => Some(Happening::ReductionBegan),
        CaState::Open | CaState::Disorder if is_episode(from) => Some(Happening::RecoveryEnded),
        // A timeout the sender counts itself.
        _ => None,
    }
}

fn ssthresh(info: &Info) -> Option<u32> {
    Some(info.ssthresh).filter(|ssthresh| *ssthresh != u32::MAX)
}
