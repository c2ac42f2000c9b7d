//! What is under test: a host that listens, connects and answers packets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

/// The version of IP of a run. Probes name all addresses in IPv4; over IPv6 those of one prefix
/// stand for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Net {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Net {
    /// The address on the wire.
    pub(crate) fn addr(self, name: Ipv4Addr) -> IpAddr {
        match self {
            Self::V4 => name.into(),
            Self::V6 => six(name).into(),
        }
    }

    /// The end on the wire.
    pub(crate) fn end(self, name: SocketAddrV4) -> SocketAddr {
        SocketAddr::new(self.addr(*name.ip()), name.port())
    }

    /// The MTU with which segments of both versions have the same size.
    pub(crate) fn mtu(self) -> u32 {
        match self {
            Self::V4 => 1500,
            Self::V6 => 1520,
        }
    }
}

/// The address that stands for another over IPv6.
pub(crate) fn six(name: Ipv4Addr) -> Ipv6Addr {
    let low = u128::from(name.to_bits());
    Ipv6Addr::from_bits(0xfd77 << 112 | low)
}

/// The prefix length of the network of [`six`].
pub(crate) const PREFIX_V6: u8 = 64;

/// The address of the host under test, in a network of 16 bits.
pub(crate) const HOST: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

/// The prefix length of [`HOST`]'s network.
pub(crate) const PREFIX: u8 = 16;

/// How long a host may take to answer: more than Linux delays an acknowledgement, less than it waits
/// before it sends anything again.
pub(crate) const SETTLE: Duration = Duration::from_millis(60);

/// The two ends of the connection of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ends {
    /// The host's end.
    pub(crate) host: SocketAddrV4,
    /// The end the test plays.
    pub(crate) peer: SocketAddrV4,
}

/// A host under test. Each probe has one listener and one connection at most, named by its number;
/// results are told in the words of `errno(3)`.
pub(crate) trait Target {
    /// Listens on the host's port of the probe.
    fn listen(&mut self, probe: usize, ends: Ends);
    /// Starts to connect.
    fn connect(&mut self, probe: usize, ends: Ends);
    /// Takes what the listener has, and whether there was something.
    fn accept(&mut self, probe: usize) -> bool;
    /// Closes the listener.
    fn unlisten(&mut self, probe: usize);
    /// Writes bytes of the stream: how many were taken, or why none.
    fn write(&mut self, probe: usize, bytes: &[u8]) -> String;
    /// Reads all there is: the bytes, and what came behind them.
    fn read(&mut self, probe: usize) -> (Vec<u8>, String);
    /// Closes the sending direction.
    fn shutdown(&mut self, probe: usize) -> String;
    /// Drops the connection.
    fn close(&mut self, probe: usize);
    /// Drops the connection with a linger time of zero.
    fn abort(&mut self, probe: usize);
    /// A packet arrives.
    fn inject(&mut self, packet: &[u8]);
    /// Lets [`SETTLE`] pass and returns what was sent meanwhile.
    fn settle(&mut self) -> Vec<Vec<u8>>;
    /// The states of the connections between these ends, `CLOSED` where there is none.
    fn states(&mut self, ends: &[Ends]) -> Vec<String>;
}
