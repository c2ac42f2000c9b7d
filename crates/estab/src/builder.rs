//! How a stack is set up.

use std::io;
use std::sync::Arc;

use estab_proto::config::{Limits, StackConfig, TcpConfig};

use crate::addr::ToCidr;
use crate::device::Device;
use crate::shard::{Driver, Shard};
use crate::stack::Stack;

/// Settings of a stack, from [`Stack::builder`].
///
/// ```
/// use estab::Stack;
/// use estab::config::TcpConfig;
/// use estab::device::Link;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (device, _peer) = Link::pair();
/// let mut tcp = TcpConfig::modern();
/// tcp.nodelay = true;
/// let stack = Stack::builder().addr("10.0.0.2/24").addr("fd00::2/64").tcp(tcp).build(device)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct StackBuilder {
    config: StackConfig,
    mtu: Option<u32>,
    invalid: Option<io::Error>,
}

impl StackBuilder {
    pub(crate) fn new(config: StackConfig) -> Self {
        Self {
            config,
            mtu: None,
            invalid: None,
        }
    }

    /// Gives the stack an address, such as `"10.0.0.2/24"`; may be called several times, for IPv4
    /// and IPv6.
    pub fn addr(mut self, addr: impl ToCidr) -> Self {
        match addr.to_cidr() {
            Ok(addr) => self.config.addrs.push(addr),
            Err(error) => self.invalid = self.invalid.or(Some(error)),
        }
        self
    }

    /// Accepts packets for every destination address. A listener on any address then sees the
    /// original destination as [`local_addr`](crate::TcpStream::local_addr): what transparent
    /// proxies and VPN apps need.
    pub fn any_ip(mut self, any_ip: bool) -> Self {
        self.config.any_ip = any_ip;
        self
    }

    /// Sends packets of at most this many bytes, IP header included, instead of the device's MTU.
    pub fn mtu(mut self, mtu: u32) -> Self {
        self.mtu = Some(mtu);
        self
    }

    /// Sets what connections start with, unless they or their listener bring settings of their own.
    pub fn tcp(mut self, config: TcpConfig) -> Self {
        self.config.tcp = config;
        self
    }

    /// Sets the caps on everything a peer can make grow.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.config.limits = limits;
        self
    }

    /// Whether the stack answers pings; it does if not set.
    pub fn echo_replies(mut self, echo_replies: bool) -> Self {
        self.config.echo_replies = echo_replies;
        self
    }

    /// Whether packets that came along a completed IPv4 source route are taken, and answered along
    /// its reverse; they are not if not set: see
    /// [`StackConfig::source_routes`](estab_proto::config::StackConfig::source_routes).
    pub fn source_routes(mut self, source_routes: bool) -> Self {
        self.config.source_routes = source_routes;
        self
    }

    /// The first and the last local port that `connect` picks from.
    pub fn ephemeral_ports(mut self, first: u16, last: u16) -> Self {
        self.config.ephemeral_ports = (first, last);
        self
    }

    /// Makes the stack and spawns its driver on the current runtime.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for an address that does not parse or an MTU
    /// below 68 bytes (1280 with an IPv6 address); the operating system's, if it has no randomness
    /// to give.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with time enabled.
    pub fn build<D: Device + 'static>(self, device: D) -> io::Result<Stack> {
        let (stack, driver) = self.build_with_driver(device)?;
        tokio::spawn(driver);
        Ok(stack)
    }

    /// Makes the stack and hands out its driver, to be spawned or polled by the caller on a runtime
    /// with time enabled. Until then nothing happens.
    ///
    /// # Errors
    ///
    /// As of [`build`](Self::build).
    pub fn build_with_driver<D: Device>(mut self, device: D) -> io::Result<(Stack, Driver<D>)> {
        if let Some(error) = self.invalid {
            return Err(error);
        }
        let caps = device.caps();
        self.config.mtu = self.mtu.unwrap_or(caps.mtu);
        self.config.checksum_offload = caps.checksum_offload;
        self.config.segmentation = caps.segmentation;
        let is_v6 = self.config.addrs.iter().any(|cidr| cidr.addr.is_ipv6());
        let least = if is_v6 { 1280 } else { 68 };
        if self.config.mtu < least {
            let message = format!(
                "an MTU of {} bytes; at least {least} are needed",
                self.config.mtu
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(io::Error::other)?;
        let shard = Arc::new(Shard::new(self.config.tcp.clone()));
        let stack = Stack::new(Arc::clone(&shard));
        Ok((stack, Driver::new(self.config, secret, device, shard)))
    }
}
