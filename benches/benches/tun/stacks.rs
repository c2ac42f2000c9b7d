//! Who is measured: a column of the tables each.

use crate::rows::{Family, Load, Row, Wire};

/// A contestant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stack {
    /// The kernel's, over a veth pair to another namespace: the reference.
    Veth,
    /// The kernel's, over loopback.
    Loopback,
    /// The kernel's, over loopback, with a thread that blocks in place of tokio.
    Threads,
    /// A TCP that does only what the measurement needs, over one TUN and tokio: the bound.
    Limit,
    /// Ours, on a runtime with one thread.
    Estab,
    /// Ours, on a runtime with a thread for each core.
    EstabMulti,
    /// Ours, over two queues with a thread each.
    EstabQueues,
    Smoltcp,
    TokioSmoltcp,
    NetstackSmoltcp,
    Ipstack,
    TcpIp,
    /// Go's, with offload: the one peer that has it.
    Gvisor,
}

/// All of them, in the order of the columns.
pub(crate) const STACKS: [Stack; 13] = [
    Stack::Veth,
    Stack::Loopback,
    Stack::Threads,
    Stack::Limit,
    Stack::Estab,
    Stack::EstabMulti,
    Stack::EstabQueues,
    Stack::Smoltcp,
    Stack::TokioSmoltcp,
    Stack::NetstackSmoltcp,
    Stack::Ipstack,
    Stack::TcpIp,
    Stack::Gvisor,
];

/// Those of other Rust crates.
pub(crate) const PEERS: [Stack; 5] = [
    Stack::Smoltcp,
    Stack::TokioSmoltcp,
    Stack::NetstackSmoltcp,
    Stack::Ipstack,
    Stack::TcpIp,
];

/// Which program its server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// This one.
    Own,
    /// That of the package beside this one.
    Peers,
    /// That in Go.
    Gvisor,
}

/// Where a server stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Loopback,
    Veth,
    Tun,
}

impl Stack {
    /// In the tables, and what `--stacks` looks in.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Veth => "kernel veth",
            Self::Loopback => "kernel lo",
            Self::Threads => "kernel lo, blocking",
            Self::Limit => "limit",
            Self::Estab => "estab",
            Self::EstabMulti => "estab, multi-thread",
            Self::EstabQueues => "estab, 2 queues",
            Self::Smoltcp => "smoltcp",
            Self::TokioSmoltcp => "tokio-smoltcp",
            Self::NetstackSmoltcp => "netstack-smoltcp",
            Self::Ipstack => "ipstack",
            Self::TcpIp => "tcp_ip",
            Self::Gvisor => "gvisor",
        }
    }

    pub(crate) const fn place(self) -> Place {
        match self {
            Self::Loopback | Self::Threads => Place::Loopback,
            Self::Veth => Place::Veth,
            _ => Place::Tun,
        }
    }

    pub(crate) fn program(self) -> Program {
        match self {
            Self::Gvisor => Program::Gvisor,
            Self::Limit => Program::Peers,
            _ if PEERS.contains(&self) => Program::Peers,
            _ => Program::Own,
        }
    }

    /// Whether it uses more than one processor.
    pub(crate) const fn has_threads(self) -> bool {
        matches!(self, Self::EstabMulti | Self::EstabQueues)
    }

    /// What its server is told to be.
    pub(crate) const fn argument(self, wire: Wire) -> &'static str {
        let plain = matches!(wire, Wire::Plain | Wire::PlainJumbo);
        match self {
            Self::Veth | Self::Loopback => "kernel",
            Self::Threads => "kernel-threads",
            Self::Limit if plain => "limit-plain",
            Self::Estab if plain => "estab-plain",
            Self::EstabMulti if plain => "estab-multi-plain",
            Self::EstabMulti => "estab-multi",
            Self::EstabQueues => "estab-queues",
            Self::Gvisor if plain => "gvisor-plain",
            _ => self.name(),
        }
    }

    /// Whether the row says something about it.
    pub(crate) fn takes_part(self, row: &Row) -> bool {
        let headline = row.wire == Wire::Offload && row.family == Family::V4;
        match self {
            Self::Veth | Self::Estab => true,
            Self::Loopback => row.wire == Wire::Offload,
            Self::Threads => headline && matches!(row.load, Load::Echo | Load::Connect(_)),
            Self::Limit => !matches!(row.load, Load::Idle(_)),
            Self::EstabMulti => headline && !matches!(row.load, Load::Idle(_)),
            Self::EstabQueues => headline && matches!(row.load, Load::Bulk(..)),
            // But for the last they have no offload: what they do without is what they do.
            _ => row.family == Family::V4,
        }
    }
}
