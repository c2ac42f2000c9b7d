//! What is measured: a line of the tables each.

use std::net::IpAddr;

use crate::figures::Figure;

/// What the harness does to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// Bytes one way, as many as go, over so many connections.
    Bulk(Way, usize),
    /// One byte there and back, again and again.
    Echo,
    /// Connections, one after the other.
    Connect(Talk),
    /// So many connections that nobody uses.
    Idle(usize),
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Into the server's stack.
    Up,
    /// Out of it.
    Down,
}

/// What happens on a short connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Talk {
    /// Nothing.
    None,
    /// A byte there and back; then the client closes.
    Request,
    /// A byte there and back; then the server closes.
    ServerCloses,
}

/// The version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

/// What packets are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// An MTU of 1500, and super-segments where the contestant can.
    Offload,
    /// An MTU of 1500 without any offload.
    Plain,
    /// An MTU of 65535, and super-segments where the contestant can.
    Jumbo,
    /// An MTU of 65535 without any offload.
    PlainJumbo,
}

/// Where client and server run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cores {
    /// Both on the first.
    Same,
    /// The server on the first, the client on the second.
    Across,
}

/// One line of the tables.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// What `--rows` looks in.
    pub(crate) name: &'static str,
    pub(crate) load: Load,
    pub(crate) family: Family,
    pub(crate) wire: Wire,
    pub(crate) cores: Cores,
    /// The row it is compared with, contestant by contestant: the two are measured one after the other.
    pub(crate) beside: Option<&'static str>,
}

const fn row(name: &'static str, load: Load) -> Row {
    let cores = match load {
        Load::Bulk(..) => Cores::Across,
        Load::Echo | Load::Connect(_) | Load::Idle(_) => Cores::Same,
    };
    Row {
        name,
        load,
        family: Family::V4,
        wire: Wire::Offload,
        cores,
        beside: None,
    }
}

impl Row {
    const fn plain(self) -> Self {
        let wire = Wire::Plain;
        Self { wire, ..self }
    }

    const fn jumbo(self) -> Self {
        let wire = Wire::Jumbo;
        Self { wire, ..self }
    }

    const fn plain_jumbo(self) -> Self {
        let wire = Wire::PlainJumbo;
        Self { wire, ..self }
    }

    const fn v6(self) -> Self {
        let family = Family::V6;
        Self { family, ..self }
    }

    const fn across(self) -> Self {
        let cores = Cores::Across;
        Self { cores, ..self }
    }

    const fn beside(self, name: &'static str) -> Self {
        let beside = Some(name);
        Self { beside, ..self }
    }

    /// Bytes of an IP packet at most.
    pub(crate) const fn mtu(&self) -> u32 {
        match self.wire {
            Wire::Offload | Wire::Plain => 1500,
            Wire::Jumbo | Wire::PlainJumbo => 65_535,
        }
    }

    /// What it is mainly about.
    pub(crate) const fn figure(&self) -> Figure {
        match self.load {
            Load::Bulk(..) => Figure::Goodput,
            Load::Echo => Figure::Median,
            Load::Connect(_) => Figure::Rate,
            Load::Idle(_) => Figure::Memory,
        }
    }

    /// The client's address, and the server's.
    pub(crate) fn addrs(&self) -> [IpAddr; 2] {
        match self.family {
            Family::V4 => [[10, 99, 0, 1].into(), [10, 99, 0, 2].into()],
            Family::V6 => [1, 2].map(|host| [0xfd99, 0, 0, 0, 0, 0, 0, host].into()),
        }
    }

    /// The bits of an address that both have in common.
    pub(crate) const fn prefix(&self) -> u8 {
        match self.family {
            Family::V4 => 24,
            Family::V6 => 64,
        }
    }

    /// Bytes that a server should hold for a connection, where that must be said: generous, and
    /// little where it would be paid for a thousandfold.
    pub(crate) const fn buffer(&self) -> usize {
        match self.load {
            Load::Bulk(..) => 1 << 20,
            Load::Echo | Load::Connect(_) => 64 << 10,
            Load::Idle(_) => 16 << 10,
        }
    }
}

const UP: Load = Load::Bulk(Way::Up, 1);
const DOWN: Load = Load::Bulk(Way::Down, 1);

/// All of them.
pub(crate) static ROWS: [Row; 23] = [
    row("up, 1 flow", UP),
    row("up, 8 flows", Load::Bulk(Way::Up, 8)),
    row("up, 64 flows", Load::Bulk(Way::Up, 64)).beside("up, 1 flow"),
    row("down, 1 flow", DOWN),
    row("down, 8 flows", Load::Bulk(Way::Down, 8)),
    row("down, 64 flows", Load::Bulk(Way::Down, 64)).beside("down, 1 flow"),
    row("up, IPv6", UP).v6().beside("up, 1 flow"),
    row("down, IPv6", DOWN).v6().beside("down, 1 flow"),
    row("up, no offload", UP).plain(),
    row("down, no offload", DOWN).plain(),
    row("up, MTU 65535, offload", UP).jumbo(),
    row("down, MTU 65535, offload", DOWN).jumbo(),
    row("up, MTU 65535, no offload", UP).plain_jumbo(),
    row("down, MTU 65535, no offload", DOWN).plain_jumbo(),
    row("echo", Load::Echo),
    row("echo, IPv6", Load::Echo).v6().beside("echo"),
    row("echo, across cores", Load::Echo).across(),
    row("connect, close", Load::Connect(Talk::None)),
    row("connect, request, close", Load::Connect(Talk::Request)),
    row(
        "connect, request, server closes",
        Load::Connect(Talk::ServerCloses),
    ),
    row(
        "connect, request, close, IPv6",
        Load::Connect(Talk::Request),
    )
    .v6()
    .beside("connect, request, close"),
    row("1,000 idle", Load::Idle(1_000)),
    row("10,000 idle", Load::Idle(10_000)),
];

/// The row of that name.
///
/// # Panics
///
/// If there is none.
pub(crate) fn named(name: &str) -> &'static Row {
    let row = ROWS.iter().find(|row| row.name == name);
    row.unwrap_or_else(|| panic!("no row is named {name}"))
}

/// Rows in groups: each with those that are compared with it.
pub(crate) fn groups(rows: &[&'static Row]) -> Vec<Vec<&'static Row>> {
    let base = |row: &&'static Row| {
        let named = rows.iter().find(|base| Some(base.name) == row.beside);
        *named.unwrap_or(row)
    };
    let group = |this: &'static Row| {
        rows.iter()
            .copied()
            .filter(|row| base(row) == this)
            .collect()
    };
    let bases = rows.iter().copied().filter(|row| base(row) == *row);
    bases.map(group).collect()
}
