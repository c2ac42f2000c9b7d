//! The eleven states and the one table that changes them (RFC 9293 §3.3.2, figure 5).
//!
//! ```text
//!                             +---------+ ---------\      active OPEN
//!                             |  CLOSED |            \    -----------
//!                             +---------+<---------\   \   create TCB
//!                               |     ^              \   \  snd SYN
//!                  passive OPEN |     |   CLOSE        \   \
//!                  ------------ |     | ----------       \   \
//!                   create TCB  |     | delete TCB         \   \
//!                               V     |                      \   \
//!           rcv RST (passive) +---------+            CLOSE    |    \
//!          ------------------>|  LISTEN |          ---------- |     |
//!         /                   +---------+          delete TCB |     |
//!        /           rcv SYN      |                           |     |
//!       /           -----------   |                           |     |
//!  +---------+      snd SYN,ACK  /                           +---------+
//!  |   SYN   |<-----------------                             |   SYN   |
//!  |   RCVD  |<----------------------------------------------|   SENT  |
//!  |         |              rcv SYN, snd SYN,ACK             |         |
//!  |         |------------------           ------------------|         |
//!  +---------+   rcv ACK of SYN  \       /  rcv SYN,ACK      +---------+
//!       |         --------------  |     |   -----------
//!       |                x        |     |     snd ACK
//!       |                         V     V
//!       |  CLOSE               +---------+
//!       | -------              |  ESTAB  |
//!       | snd FIN              +---------+
//!       |               CLOSE    |     |    rcv FIN
//!       V              -------   |     |    -------
//!  +---------+         snd FIN  /       \   snd ACK         +---------+
//!  |  FIN    |<----------------          ------------------>|  CLOSE  |
//!  | WAIT-1  |------------------                            |   WAIT  |
//!  +---------+          rcv FIN  \                          +---------+
//!    | rcv ACK of FIN   -------   |                          CLOSE  |
//!    | --------------   snd ACK   |                         ------- |
//!    V        x                   V                         snd FIN V
//!  +---------+               +---------+                    +---------+
//!  |FINWAIT-2|               | CLOSING |                    | LAST-ACK|
//!  +---------+               +---------+                    +---------+
//!    |              rcv ACK of FIN |                 rcv ACK of FIN |
//!    |  rcv FIN     -------------- |    Timeout=2MSL -------------- |
//!    |  -------            x       V    ------------        x       V
//!     \ snd ACK              +---------+delete TCB          +---------+
//!       -------------------->|TIME-WAIT|------------------->| CLOSED  |
//!                            +---------+                    +---------+
//! ```

use core::fmt;

/// A connection's state (RFC 9293 §3.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// No connection.
    Closed,
    /// Waiting for a SYN from any peer.
    Listen,
    /// Our SYN is out; waiting for the peer's.
    SynSent,
    /// Both SYNs were seen; waiting for the acknowledgement of ours.
    SynReceived,
    /// Data flows both ways.
    Established,
    /// We closed; our FIN is not yet acknowledged.
    FinWait1,
    /// We closed and the peer acknowledged it; it may still send.
    FinWait2,
    /// The peer closed; we may still send.
    CloseWait,
    /// Both closed at once; our FIN is not yet acknowledged.
    Closing,
    /// The peer closed first, then we; our FIN is not yet acknowledged.
    LastAck,
    /// Both FINs are acknowledged; waiting 2MSL for old segments to die (RFC 9293 §3.4.2).
    TimeWait,
}

/// What moves a connection from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transition {
    /// OPEN, passive.
    OpenPassive,
    /// OPEN, active: our SYN is about to be sent.
    OpenActive,
    /// A SYN arrived that does not acknowledge ours.
    Syn,
    /// A SYN arrived that acknowledges ours.
    SynAck,
    /// An acknowledgement of our SYN arrived.
    SynAcked,
    /// CLOSE by the application, half or full.
    Close,
    /// The peer's FIN arrived in order.
    Fin,
    /// Our FIN was acknowledged.
    FinAcked,
    /// The end without ceremony: valid RST, ABORT, R2, user timeout, device lost.
    Abort,
    /// 2MSL passed.
    TimeWaitOver,
}

impl State {
    /// Every state, in the order of the RFC.
    pub const ALL: [Self; 11] = [
        Self::Closed,
        Self::Listen,
        Self::SynSent,
        Self::SynReceived,
        Self::Established,
        Self::FinWait1,
        Self::FinWait2,
        Self::CloseWait,
        Self::Closing,
        Self::LastAck,
        Self::TimeWait,
    ];

    /// The table: where `transition` leads from here, `None` if it has no meaning here.
    pub(crate) const fn on(self, transition: Transition) -> Option<Self> {
        use State::*;
        use Transition as T;
        Some(match (self, transition) {
            (Closed, T::OpenPassive) => Listen,
            (Closed | Listen, T::OpenActive) => SynSent,
            (Listen | SynSent, T::Syn) => SynReceived,
            (SynSent, T::SynAck) | (SynReceived, T::SynAcked) => Established,
            (Listen | SynSent, T::Close) => Closed,
            (SynReceived | Established, T::Close) => FinWait1,
            (CloseWait, T::Close) => LastAck,
            (SynReceived | Established, T::Fin) => CloseWait,
            (FinWait1, T::Fin) => Closing,
            (FinWait2, T::Fin) => TimeWait,
            (FinWait1, T::FinAcked) => FinWait2,
            (Closing, T::FinAcked) => TimeWait,
            (LastAck, T::FinAcked) => Closed,
            (Closed, T::Abort) => return None,
            (_, T::Abort) => Closed,
            (TimeWait, T::TimeWaitOver) => Closed,
            _ => return None,
        })
    }

    /// Whether both SYNs are acknowledged: ESTABLISHED or any later state but CLOSED.
    pub const fn is_synchronized(self) -> bool {
        !matches!(
            self,
            Self::Closed | Self::Listen | Self::SynSent | Self::SynReceived
        )
    }

    /// Whether the application may still queue bytes to send.
    pub const fn may_send(self) -> bool {
        matches!(
            self,
            Self::SynSent | Self::SynReceived | Self::Established | Self::CloseWait
        )
    }

    /// Whether bytes may still arrive from the peer.
    pub const fn may_receive(self) -> bool {
        matches!(
            self,
            Self::SynSent | Self::SynReceived | Self::Established | Self::FinWait1 | Self::FinWait2
        )
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Closed => "CLOSED",
            Self::Listen => "LISTEN",
            Self::SynSent => "SYN-SENT",
            Self::SynReceived => "SYN-RECEIVED",
            Self::Established => "ESTABLISHED",
            Self::FinWait1 => "FIN-WAIT-1",
            Self::FinWait2 => "FIN-WAIT-2",
            Self::CloseWait => "CLOSE-WAIT",
            Self::Closing => "CLOSING",
            Self::LastAck => "LAST-ACK",
            Self::TimeWait => "TIME-WAIT",
        })
    }
}

#[cfg(test)]
mod tests;
