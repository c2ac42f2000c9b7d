//! Packets as bytes: parsing, building, checksums and a one-line rendering.
//!
//! Parsers borrow from the packet and return values that can only describe what the bytes really
//! hold: every length has been checked against the slice it was found in. Malformed input is a
//! [`WireError`], never a panic. Emitters write into the caller's buffer and return the number of
//! bytes written, which is 0 when the buffer is too short.
//!
//! ```
//! use core::net::{IpAddr, Ipv4Addr};
//! use estab_proto::wire::{IpPacket, IpRepr, protocol};
//!
//! let repr = IpRepr {
//!     src: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)),
//!     dst: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)),
//!     protocol: protocol::TCP,
//!     hop_limit: 64,
//!     traffic_class: 0,
//!     ident: 0,
//!     dont_fragment: true,
//!     flow_label: 0,
//! };
//! let mut buf = [0; 64];
//! let len = repr.emit(12, &mut buf);
//! assert_eq!(len, 20);
//!
//! let packet = IpPacket::parse(&buf[..len + 12])?;
//! assert_eq!(packet.dst(), repr.dst);
//! assert_eq!(packet.payload().len(), 12);
//! # Ok::<(), estab_proto::wire::WireError>(())
//! ```
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::arithmetic_side_effects,
        clippy::panic
    )
)]

pub mod checksum;
pub mod icmpv4;
pub mod icmpv6;
pub mod ipv4;
pub mod ipv6;
pub mod ipv6_ext;
pub mod pretty;
pub mod source_route;
pub mod tcp;

mod ecn;
mod error;
mod packet;
mod quoted;
mod repr;
mod writer;

pub use checksum::Sum;
pub use ecn::EcnCodepoint;
pub use error::WireError;
pub use icmpv4::Icmpv4;
pub use icmpv6::Icmpv6;
pub use ipv4::{Ipv4Header, Ipv4Packet};
pub use ipv6::{Ipv6Header, Ipv6Packet};
pub use packet::IpPacket;
pub use pretty::Pretty;
pub use quoted::{QuotedTcp, quoted_tcp};
pub use repr::IpRepr;
pub use source_route::{RouteOption, SourceRoute};
pub use tcp::{AccEcn, AccEcnOrder, Flags, SackBlock, Segment, TcpOptions, Timestamps};

/// The protocol numbers this crate names, in IPv4's protocol and IPv6's next header field.
pub mod protocol {
    /// IPv6 hop-by-hop options (RFC 8200 §4.3).
    pub const HOP_BY_HOP: u8 = 0;
    /// ICMP (RFC 792).
    pub const ICMP: u8 = 1;
    /// TCP (RFC 9293).
    pub const TCP: u8 = 6;
    /// UDP (RFC 768).
    pub const UDP: u8 = 17;
    /// IPv6 routing header (RFC 8200 §4.4).
    pub const ROUTING: u8 = 43;
    /// IPv6 fragment header (RFC 8200 §4.5).
    pub const FRAGMENT: u8 = 44;
    /// ICMPv6 (RFC 4443).
    pub const ICMPV6: u8 = 58;
    /// IPv6 "no next header": nothing follows that anyone may look at (RFC 8200 §4.7).
    pub const NO_NEXT_HEADER: u8 = 59;
    /// IPv6 destination options (RFC 8200 §4.6).
    pub const DESTINATION_OPTIONS: u8 = 60;
}

#[cfg(test)]
pub(crate) mod tests;
