//! Where this stack means to differ from the letter of RFC 9293 §3.10.7, and why. Nothing else may.

/// A deliberate difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Leniency {
    /// A SYN that carries FIN opens nothing.
    SynWithFin,
    /// An empty segment exactly at the right edge of the window is acceptable.
    EmptyAtRightEdge,
    /// A segment that begins before the window and ends behind it is acceptable.
    SpansTheWindow,
    /// A FIN directly behind the last number of the window is taken.
    FinAtRightEdge,
    /// The acknowledgement and the urgent pointer of a segment at RCV.NXT−1 that is at most one
    /// number long count, although the segment is not acceptable.
    OneStaleNumber,
    /// A SYN-ACK that crosses ours completes a simultaneous open, although its SYN is old.
    CrossingSynAck,
    /// A repeated SYN is answered by the SYN-ACK again instead of a bare ACK.
    RepeatedSyn,
    /// A segment with a higher acknowledgement brings its window even if its sequence number is
    /// lower than that of the last update.
    WindowOfNewerAck,
    /// In CLOSING, a second FIN is acknowledged although the segment does not acknowledge ours.
    FinInClosing,
    /// In TIME-WAIT, whatever is in the window but an empty segment in place gets the last ACK
    /// again, once in 500 ms.
    TimeWaitAnswers,
    /// In TIME-WAIT, a FIN other than the one that was taken does not start 2MSL anew.
    TimeWaitOtherFin,
    /// Once timestamps are agreed, a segment without one is taken like any other.
    MissingTimestamp,
}

impl Leniency {
    /// All of them: each must be met by a case of the grid, or it is to be struck off.
    pub(crate) const ALL: [Self; 12] = [
        Self::SynWithFin,
        Self::EmptyAtRightEdge,
        Self::SpansTheWindow,
        Self::FinAtRightEdge,
        Self::OneStaleNumber,
        Self::CrossingSynAck,
        Self::RepeatedSyn,
        Self::WindowOfNewerAck,
        Self::FinInClosing,
        Self::TimeWaitAnswers,
        Self::TimeWaitOtherFin,
        Self::MissingTimestamp,
    ];

    /// Why it is better than the letter.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::SynWithFin => {
                "no sane peer opens and closes in one segment; scanners do, and Linux drops it too"
            }
            Self::EmptyAtRightEdge => {
                "all that a peer can send which filled our window and lost a segment of it: its \
                 acknowledgements would be refused until its retransmission timeout"
            }
            Self::SpansTheWindow => {
                "table 6 tests the ends only; what lies between them is in the window and is taken, \
                 cut to it"
            }
            Self::FinAtRightEdge => {
                "a FIN takes no buffer; refused, it would hold up the close until somebody reads, \
                 and nobody reads a stream that is known to have ended"
            }
            Self::OneStaleNumber => {
                "RFC 9293 §A.2: crossing probes, keepalives and simultaneous opens stall otherwise"
            }
            Self::CrossingSynAck => "RFC 9293 §A.2, as above: it saves a round trip of refusals",
            Self::RepeatedSyn => {
                "the peer did not get our SYN-ACK; a bare ACK would tell it nothing it can use"
            }
            Self::WindowOfNewerAck => {
                "a retransmission carries an old sequence number; with its acknowledgement but \
                 without its window, the right edge would move beyond what was offered"
            }
            Self::FinInClosing => {
                "the letter ignores the whole segment; one ACK more tells a lost peer where we are"
            }
            Self::TimeWaitAnswers => {
                "a peer that sends into TIME-WAIT has lost its place: the ACK tells it ours, as in \
                 Linux, and no more often than two ends may answer each other"
            }
            Self::TimeWaitOtherFin => {
                "the wait is for the peer's own FIN (RFC 9293 §3.6.1); any other is forged, and \
                 would keep the record alive for ever"
            }
            Self::MissingTimestamp => {
                "old peers leave timestamps out of some segments; Linux takes them, and \
                 `require_timestamps` brings the letter back"
            }
        }
    }
}
