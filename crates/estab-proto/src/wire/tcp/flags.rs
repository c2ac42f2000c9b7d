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

/// How far the ACE field stands from the lowest control bit.
const ACE_SHIFT: u32 = 6;

impl Flags {
    /// The three bits that Accurate ECN reads as one number, the ACE field (RFC 9768 §3.2.2).
    pub const ACE: Self = Self::AE.union(Self::CWR).union(Self::ECE);

    /// The ACE field, 0 to 7: AE is its highest bit.
    pub const fn ace(self) -> u8 {
        (self.intersection(Self::ACE).bits() >> ACE_SHIFT) as u8
    }

    /// These control bits with the low three bits of `ace` in the ACE field.
    ///
    /// ```
    /// use estab_proto::wire::Flags;
    ///
    /// assert_eq!(Flags::SYN.with_ace(7), Flags::SYN | Flags::AE | Flags::CWR | Flags::ECE);
    /// assert_eq!(Flags::ACK.with_ace(5).ace(), 5);
    /// ```
    #[must_use]
    pub const fn with_ace(self, ace: u8) -> Self {
        let field = Self::from_bits_truncate((ace as u16) << ACE_SHIFT).intersection(Self::ACE);
        self.difference(Self::ACE).union(field)
    }
}

#[cfg(test)]
mod tests;
