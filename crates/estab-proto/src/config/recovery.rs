//! Which rules find and repair losses.

/// The rules of loss recovery, each with its switch.
///
/// The default has all of them; [`RFC_STRICT`](Self::RFC_STRICT) none, which leaves RFC 6675, or
/// NewReno for peers without SACK, and the retransmission timer of RFC 6298.
///
/// ```
/// use estab_proto::config::{RecoveryConfig, TcpConfig};
///
/// let mut config = TcpConfig::modern();
/// config.recovery = RecoveryConfig::RFC_STRICT;
/// assert!(TcpConfig::modern().recovery.rack);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveryConfig {
    /// Tell losses by time, not by counting duplicates (RFC 8985 §6). Takes a peer with SACK.
    pub rack: bool,
    /// Probe for a lost tail after two round trips of silence (RFC 8985 §7). Takes `rack`.
    pub tail_loss_probe: bool,
    /// Reduce the window in proportion to what arrives rather than at once (RFC 9937).
    pub prr: bool,
    /// Find out whether a retransmission timeout was spurious (RFC 5682).
    pub frto: bool,
    /// Take a reduction back that proves to have had no cause (RFC 3522, RFC 3708, RFC 4015).
    pub undo: bool,
}

impl RecoveryConfig {
    /// Everything on.
    pub const MODERN: Self = Self {
        rack: true,
        tail_loss_probe: true,
        prr: true,
        frto: true,
        undo: true,
    };

    /// The plain rules: RFC 6675 or RFC 6582, and RFC 6298.
    pub const RFC_STRICT: Self = Self {
        rack: false,
        tail_loss_probe: false,
        prr: false,
        frto: false,
        undo: false,
    };
}

impl Default for RecoveryConfig {
    fn default() -> Self {
        Self::MODERN
    }
}
