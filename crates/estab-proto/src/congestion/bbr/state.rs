//! The states and what each of them does (draft-ietf-ccwg-bbr §5.6.1).

/// Where BBR is in its cycle (§5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// Looking for the bandwidth, twice as fast each round.
    #[default]
    Startup,
    /// Draining the queue that made.
    Drain,
    /// Sending less than the path delivers.
    ProbeBwDown,
    /// Sending what it delivers.
    ProbeBwCruise,
    /// Filling the pipe for a round, ready to probe.
    ProbeBwRefill,
    /// Sending more, to see whether there is more.
    ProbeBwUp,
    /// Nearly nothing in flight, to see the round trip without a queue.
    ProbeRtt,
}

impl State {
    /// BBR.pacing_gain, in hundredths.
    pub(super) fn pacing_gain(self) -> u64 {
        match self {
            Self::Startup => 277,
            Self::Drain => 50,
            Self::ProbeBwDown => 90,
            Self::ProbeBwCruise | Self::ProbeBwRefill | Self::ProbeRtt => 100,
            Self::ProbeBwUp => 125,
        }
    }

    /// BBR.cwnd_gain, in hundredths.
    pub(super) fn cwnd_gain(self) -> u64 {
        match self {
            Self::ProbeBwUp => 225,
            Self::ProbeRtt => 50,
            _ => 200,
        }
    }

    /// IsInAProbeBWState().
    pub(super) fn is_probe_bw(self) -> bool {
        matches!(
            self,
            Self::ProbeBwDown | Self::ProbeBwCruise | Self::ProbeBwRefill | Self::ProbeBwUp
        )
    }

    /// IsProbingBW(): the flow accelerates, so a loss says nothing of a path that has changed.
    pub(super) fn is_probing(self) -> bool {
        matches!(self, Self::Startup | Self::ProbeBwRefill | Self::ProbeBwUp)
    }
}
