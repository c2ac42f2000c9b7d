//! Why a call or a connection failed.
//!
//! Every error is typed, says what happened, and the async face maps each to the
//! `std::io::ErrorKind` a kernel socket would report.

use core::fmt;

/// Why a connection ended other than by an orderly close, or could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The peer answered the SYN with a RST (RFC 9293 §3.10.7.3), or a hard ICMP error said that
    /// nobody listens (RFC 9293 SHLD-26).
    Refused,
    /// The peer reset an established connection (RFC 9293 §3.10.7.4).
    Reset,
    /// This side aborted the connection (RFC 9293 §3.10.5).
    Aborted,
    /// Retransmissions reached R2 or the user timeout passed (RFC 9293 §3.8.3), or keepalive
    /// probes stayed unanswered (§3.8.4).
    TimedOut,
    /// ICMP said during the open that the host cannot be reached.
    HostUnreachable,
    /// ICMP said during the open that the network cannot be reached.
    NetworkUnreachable,
    /// The packet device failed or the stack was shut down.
    DeviceLost,
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "connection refused by the peer",
            Self::Reset => "connection reset by the peer",
            Self::Aborted => "connection aborted locally",
            Self::TimedOut => "connection timed out: the peer stopped answering",
            Self::HostUnreachable => "host unreachable",
            Self::NetworkUnreachable => "network unreachable",
            Self::DeviceLost => "the packet device of this stack is gone",
        })
    }
}

impl core::error::Error for ConnectionError {}

/// Why [`connect`](crate::Stack::connect) could not start an open (RFC 9293 §3.10.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectError {
    /// The remote address is unspecified, multicast or broadcast, or the port is 0 (MUST-46).
    InvalidRemote,
    /// The source route leads over what is not one other host's address, or to an IPv6 remote: IPv6
    /// has no source routes (RFC 5095).
    InvalidSourceRoute,
    /// The stack has no address of the remote's family to send from (MUST-44).
    NoLocalAddress,
    /// The local address asked for is not one of the stack's.
    LocalAddressNotOurs,
    /// Local and remote endpoint name a connection that exists.
    AddressInUse,
    /// Every local port towards this remote is taken.
    PortsExhausted,
    /// The stack holds as many connections as it may; raise
    /// [`Limits::max_connections`](crate::config::Limits::max_connections).
    TooManyConnections,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidRemote => "the remote address does not name one host and port",
            Self::InvalidSourceRoute => "the source route cannot be followed to this remote",
            Self::NoLocalAddress => "the stack has no address of the remote's family",
            Self::LocalAddressNotOurs => "the local address is not one of the stack's addresses",
            Self::AddressInUse => "a connection between these two endpoints exists",
            Self::PortsExhausted => "every local port towards this remote is in use",
            Self::TooManyConnections => "the stack's limit on connections is reached",
        })
    }
}

impl core::error::Error for ConnectError {}

/// Why [`listen`](crate::Stack::listen) failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ListenError {
    /// Another listener holds this address and port (RFC 9293 MUST-41).
    AddressInUse,
    /// The address is not one of the stack's; add it or let the stack accept any address.
    AddressNotAvailable,
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AddressInUse => "another listener holds this address and port",
            Self::AddressNotAvailable => "the address is not one of the stack's addresses",
        })
    }
}

impl core::error::Error for ListenError {}

/// Why a user call on a connection did nothing (RFC 9293 §3.10.2 to §3.10.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallError {
    /// Nothing to read, or no room to send: wait for the matching event.
    WouldBlock,
    /// The sending direction is closed: by [`shutdown`](crate::Stack::shutdown), or by the end of
    /// the connection.
    Closing,
    /// The connection ended with this error, which every later call reports too.
    Ended(ConnectionError),
    /// The handle is stale: the connection was released.
    NoSuchConnection,
    /// The stack holds as many connections as it may; raise
    /// [`Limits::max_connections`](crate::config::Limits::max_connections).
    TooManyConnections,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WouldBlock => f.write_str("the call would block"),
            Self::Closing => f.write_str("the sending direction of the connection is closed"),
            Self::Ended(error) => fmt::Display::fmt(error, f),
            Self::NoSuchConnection => f.write_str("no such connection"),
            Self::TooManyConnections => f.write_str("the stack's limit on connections is reached"),
        }
    }
}

impl core::error::Error for CallError {}

impl From<ConnectionError> for CallError {
    fn from(error: ConnectionError) -> Self {
        Self::Ended(error)
    }
}

/// A report that does not end the connection (RFC 9293 §3.9.1.8, MUST-47).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SoftError {
    /// R1 retransmissions went unanswered (RFC 9293 SHLD-9).
    DeliveryTrouble,
    /// ICMP: network unreachable.
    NetworkUnreachable,
    /// ICMP: host unreachable.
    HostUnreachable,
    /// ICMP: the port or protocol is unreachable; in a synchronized state only a hint
    /// (RFC 5927 §5.2).
    PortUnreachable,
    /// ICMP: the hop limit ran out on the way.
    TimeExceeded,
    /// ICMP: a router objects to a header field.
    ParameterProblem,
}
