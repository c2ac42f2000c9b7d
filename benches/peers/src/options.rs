//! What the harness asks for.

use std::net::{IpAddr, Ipv6Addr};

use clap::{Args, Parser, ValueEnum};
use estab::IpCidr;

/// TCP stacks to compare estab with.
#[derive(Debug, Parser)]
pub(crate) enum Command {
    /// Print the names of the stacks
    List,
    /// Make a TUN interface and serve its other end until standard input ends
    Serve(Serve),
}

/// How to serve.
#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// By which stack
    #[arg(long)]
    pub(crate) stack: Stack,
    /// Name of the interface to be made
    #[arg(long)]
    pub(crate) tun: String,
    /// The stack's address and prefix length
    #[arg(long, value_parser = cidr)]
    pub(crate) addr: IpCidr,
    /// The kernel's address, with the same prefix
    #[arg(long)]
    pub(crate) kernel: IpAddr,
    /// The stack's IPv6 address and prefix length, beside an IPv4 one
    #[arg(long, value_parser = cidr, requires = "kernel_v6")]
    pub(crate) v6: Option<IpCidr>,
    /// The kernel's IPv6 address, with the same prefix
    #[arg(long, requires = "v6")]
    pub(crate) kernel_v6: Option<Ipv6Addr>,
    /// The interface's MTU, in bytes
    #[arg(long, default_value_t = 1500)]
    pub(crate) mtu: u16,
    /// Bytes of each connection's buffers, each way, where they can be set
    #[arg(long, default_value_t = 1 << 20)]
    pub(crate) buffer: usize,
    /// Packets that the kernel holds for the stack
    #[arg(long, default_value_t = 4096)]
    pub(crate) queue: u32,
    /// Threads of the runtime, 0 for one that lives on the main thread
    #[arg(long)]
    threads: Option<usize>,
}

impl Serve {
    /// Threads of the runtime: what was asked for, or what suits the stack.
    pub(crate) fn threads(&self) -> usize {
        self.threads.unwrap_or(self.stack.threads())
    }
}

fn cidr(text: &str) -> Result<IpCidr, String> {
    let parse = || {
        let (addr, prefix) = text.split_once('/')?;
        let addr: IpAddr = addr.parse().ok()?;
        let most = if addr.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.parse().ok().filter(|&prefix| prefix <= most)?;
        Some(IpCidr::new(addr, prefix))
    };
    parse().ok_or_else(|| "an address and a prefix length, such as 10.0.0.2/24".to_owned())
}

/// Who serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stack {
    /// The least a TCP can do, over an interface with offloads
    Limit,
    /// The same without offloads
    LimitPlain,
    /// smoltcp in a loop of its own
    Smoltcp,
    /// tokio-smoltcp
    TokioSmoltcp,
    /// netstack-smoltcp
    NetstackSmoltcp,
    /// ipstack
    Ipstack,
    /// tcp_ip
    #[value(name = "tcp_ip")]
    TcpIp,
}

impl Stack {
    /// Those with which it is fastest.
    fn threads(self) -> usize {
        match self {
            // It blocks a thread when a stream is dropped, which only this runtime allows.
            Self::Ipstack => 2,
            _ => 0,
        }
    }
}
