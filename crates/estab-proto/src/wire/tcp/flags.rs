//! The control bits of a segment.

use bitflags::bitflags;

bitflags! {
    /// The control bits of the TCP header (RFC 9293 §3.1), with AE above them (RFC 9768 §3.1).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Flags: u16 {
        /// No more data from the sender.
        const FIN = 0x001;
        /// Synchronise sequence numbers.
        const SYN = 0x002;
        /// Reset the connection.
        const RST = 0x004;
        /// Push: deliver what came so far.
        const PSH = 0x008;
        /// The acknowledgement field is significant.
        const ACK = 0x010;
        /// The urgent pointer is significant.
        const URG = 0x020;
        /// ECN echo (RFC 3168 §6.1).
        const ECE = 0x040;
        /// Congestion window reduced (RFC 3168 §6.1).
        const CWR = 0x080;
        /// Accurate ECN, once the nonce sum (RFC 9768 §3.1).
        const AE = 0x100;
    }
}
