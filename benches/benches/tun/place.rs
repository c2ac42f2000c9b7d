//! Where a server stands: in a network of its own, made for one measurement.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::process::Command;

use estab_netns::{Namespace, disable_dad, ip, loopback_up, sysctl};
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::child::Server;
use crate::evidence::{self, Evidence};
use crate::rows::{Cores, Family, Row, Wire};
use crate::stacks::{Place, Program, Stack};
use crate::usage;

/// The interface of the client's side, and that of the server's if there are two.
const INTERFACES: [&str; 2] = ["bench0", "bench1"];

/// What servers are made with.
pub(crate) struct Means {
    /// This program.
    pub(crate) own: PathBuf,
    /// That of the other stacks, or why there is none.
    pub(crate) peers: Result<PathBuf, String>,
    /// That of the stack in Go.
    pub(crate) gvisor: Result<PathBuf, String>,
    /// How many processors there are.
    pub(crate) cores: usize,
}

impl Means {
    /// What the contestant's server is run by, or why it does not take part.
    pub(crate) fn program(&self, stack: Stack) -> Result<&Path, &str> {
        match stack.program() {
            Program::Own => Ok(&self.own),
            Program::Peers => self.peers.as_deref().map_err(String::as_str),
            Program::Gvisor => self.gvisor.as_deref().map_err(String::as_str),
        }
    }
}

/// A server, as the client sees it.
pub(crate) struct Target {
    pub(crate) addr: IpAddr,
    /// The server's process.
    pub(crate) process: u32,
}

/// Runs `body` beside a server of the contestant's, on the core and in the namespace of the client.
/// What the two of them counted meanwhile goes to `evidence`.
pub(crate) fn beside<R: Send>(
    (program, stack, row): (&Path, Stack, &Row),
    cores: usize,
    evidence: &mut Evidence,
    body: impl FnOnce(&Target) -> io::Result<R> + Send,
) -> io::Result<R> {
    let here = Namespace::new()?;
    let there = Namespace::new()?;
    here.run(|| {
        settle()?;
        pin(server_core(stack, row))?;
        let command = command(program, stack, row);
        let (addr, mut server) = match stack.place() {
            Place::Loopback => (loopback(row.family), Server::start(command)?),
            Place::Tun => (row.addrs()[1], Server::start(command)?),
            Place::Veth => {
                let server = there.run(|| {
                    settle()?;
                    pin(server_core(stack, row))?;
                    Server::start(command)
                })?;
                cable(&there, server.id(), row)?;
                (row.addrs()[1], server)
            }
        };
        pin(Some(client_core(row, cores)))?;
        let process = server.id();
        let (shares, result) = usage::shares(process, || body(&Target { addr, process }));
        let result = result.map_err(|error| server.explain(error));
        evidence.shares = shares;
        evidence.kernel = evidence::kernel();
        evidence.stack = server.end();
        result
    })
}

/// Makes this thread's namespace fit for many connections.
fn settle() -> io::Result<()> {
    loopback_up()?;
    disable_dad()?;
    sysctl("ipv4.ip_local_port_range", "1024 65535")?;
    sysctl("ipv4.tcp_max_syn_backlog", "8192")?;
    sysctl("core.somaxconn", "4096")
}

const fn loopback(family: Family) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Family::V6 => IpAddr::V6(Ipv6Addr::LOCALHOST),
    }
}

fn command(program: &Path, stack: Stack, row: &Row) -> Command {
    let [kernel, addr] = row.addrs();
    let mut command = Command::new(program);
    command.arg("serve");
    for (option, value) in [
        ("--stack", stack.argument(row.wire).to_owned()),
        ("--tun", INTERFACES[0].to_owned()),
        ("--addr", format!("{addr}/{}", row.prefix())),
        ("--kernel", kernel.to_string()),
        ("--mtu", row.mtu().to_string()),
        ("--buffer", row.buffer().to_string()),
    ] {
        command.arg(option).arg(value);
    }
    command
}

/// Joins this namespace to the one of the server.
fn cable(there: &Namespace, server: u32, row: &Row) -> io::Result<()> {
    let ([client_addr, server_addr], [near, far]) = (row.addrs(), INTERFACES);
    let (mtu, pid) = (row.mtu().to_string(), server.to_string());
    ip(&[
        "link", "add", near, "mtu", &mtu, "type", "veth", "peer", "name", far, "mtu", &mtu,
        "netns", &pid,
    ])?;
    let up = |interface, addr: IpAddr| {
        if matches!(row.wire, Wire::Plain | Wire::PlainJumbo) {
            without_offload(interface)?;
        }
        let addr = format!("{addr}/{}", row.prefix());
        ip(&["addr", "add", &addr, "dev", interface])?;
        ip(&["link", "set", interface, "up"])
    };
    up(near, client_addr)?;
    there.run(|| up(far, server_addr))?;
    Ok(())
}

/// Turns off what saves the kernel work on the interface.
fn without_offload(interface: &str) -> io::Result<()> {
    let mut command = Command::new("ethtool");
    command.args(["-K", interface]);
    for feature in ["tso", "gso", "gro", "tx"] {
        command.args([feature, "off"]);
    }
    let output = command
        .output()
        .map_err(|error| io::Error::new(error.kind(), format!("cannot run `ethtool`: {error}")))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(io::Error::other("`ethtool -K` failed")),
    }
}

fn server_core(stack: Stack, row: &Row) -> Option<usize> {
    let everywhere = stack.has_threads() && row.cores == Cores::Across;
    (!everywhere).then_some(0)
}

fn client_core(row: &Row, cores: usize) -> usize {
    match row.cores {
        Cores::Same => 0,
        Cores::Across => 1 % cores,
    }
}

/// Binds this thread, and what it starts from now on, to a core, or to none.
fn pin(core: Option<usize>) -> io::Result<()> {
    let mut set = CpuSet::new();
    match core {
        Some(core) => set.set(core),
        None => (0..CpuSet::MAX_CPU).for_each(|core| set.set(core)),
    }
    Ok(sched_setaffinity(None, &set)?)
}
