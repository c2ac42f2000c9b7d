//! What a connection does about marks.

/// Explicit congestion notification: routers mark packets instead of dropping them, and the receiver
/// tells the sender (RFC 3168, RFC 9768).
///
/// Once it is agreed, new data goes out as ECT(0), and a mark the peer reports lowers the congestion
/// window as the [algorithm](crate::congestion::Algorithm) has it for marks, at most once per round
/// trip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ecn {
    /// Neither ask for it nor agree to it.
    Off,
    /// Ask for nothing and agree to what the peer asks for, accurate or classic. DCTCP, which is
    /// worth nothing without marks, asks for classic feedback all the same.
    #[default]
    Passive,
    /// Ask for the feedback of RFC 3168, one bit per round trip, and agree to that alone. A SYN
    /// that stays unanswered is repeated without asking (RFC 3168 §6.1.1.1).
    Classic,
    /// Ask for the feedback of RFC 9768, which counts marks, and fall back to RFC 3168 where the
    /// peer knows no other. The first repetition of the SYN still asks, later ones do not
    /// (RFC 9768 §3.1.4.1).
    Accurate,
}
