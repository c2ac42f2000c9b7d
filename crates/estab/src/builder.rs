//! How a stack is set up.

use std::io;
use std::sync::Arc;

use estab_proto::config::{Limits, StackConfig, TcpConfig};
use tokio::runtime::Handle;

use crate::addr::ToCidr;
use crate::clock::Clock;
use crate::device::{Caps, Device, MAX_PACKET};
use crate::shard::{self, Driver, Owners, Role, Shard};
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
    segmentation: bool,
    invalid: Option<io::Error>,
}

impl StackBuilder {
    pub(crate) fn new(config: StackConfig) -> Self {
        Self {
            config,
            mtu: None,
            segmentation: true,
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

    /// Whether the protocol works with super-segments of up to 64 KiB where the device has only plain
    /// ones: they are cut right before they go to the device, and plain segments of one connection
    /// that came in one burst are joined. Less work for the processor, and the same on the network.
    /// It is so if not set; a device with [segmentation](crate::device::Caps::segmentation) of its own
    /// uses that in any case, and one whose own packets are half as long has no need of it.
    pub fn segmentation(mut self, segmentation: bool) -> Self {
        self.segmentation = segmentation;
        self
    }

    /// Sets what connections start with, unless they or their listener bring settings of their own.
    pub fn tcp(mut self, config: TcpConfig) -> Self {
        self.config.tcp = config;
        self
    }

    /// Sets the caps on everything a peer can make grow.
    ///
    /// They are for the whole stack: of several shards, each has an equal share of connections,
    /// half-open and TIME-WAIT records, memory for buffers and rates.
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
        self.build_sharded(vec![device])
    }

    /// Makes a stack over several queues of one device, such as those of
    /// [`TunBuilder::build_queues`](crate::device::TunBuilder::build_queues), and spawns a driver for
    /// each on the current runtime.
    ///
    /// To the application it is one stack. Each connection belongs to one queue, which a keyed hash
    /// of its four-tuple tells; what arrives on another one is handed over. On a multi-thread runtime
    /// the connections of different queues are worked on at the same time.
    ///
    /// ```
    /// use estab::Stack;
    /// use estab::device::Link;
    ///
    /// # #[tokio::main]
    /// # async fn main() -> std::io::Result<()> {
    /// let (queues, _peers): (Vec<_>, Vec<_>) = (0..2).map(|_| Link::pair()).unzip();
    /// let stack = Stack::builder().addr("10.0.0.2/24").build_sharded(queues)?;
    /// assert_eq!(stack.shards().count(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As of [`build`](Self::build); `InvalidInput` without a queue.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with time enabled.
    pub fn build_sharded<D: Device + 'static>(self, queues: Vec<D>) -> io::Result<Stack> {
        let (stack, drivers) = self.assemble(queues)?;
        for (driver, shard) in drivers.into_iter().zip(&*stack.shards) {
            let _ = shard.runtime.set(Handle::current());
            tokio::spawn(driver);
        }
        Ok(stack)
    }

    /// Makes a stack over several queues of one device, as [`build_sharded`](Self::build_sharded)
    /// does, with a thread for each of them: its driver, and what is
    /// [spawned](crate::ShardHandle::spawn) on its shard, run there on a current-thread runtime. The
    /// threads end with the stack.
    ///
    /// The caller may be on a runtime of its own, of either flavor, and so may the tasks that use the
    /// stack.
    ///
    /// # Errors
    ///
    /// As of [`build_sharded`](Self::build_sharded); the operating system's, if it cannot spawn a
    /// thread or have its runtime wait for the queue.
    pub fn build_threads<D: Device + 'static>(self, queues: Vec<D>) -> io::Result<Stack> {
        let (stack, drivers) = self.assemble(queues)?;
        for (driver, shard) in drivers.into_iter().zip(&*stack.shards) {
            shard::spawn(shard, driver)?;
        }
        Ok(stack)
    }

    /// Makes the stack and hands out its driver, to be spawned or polled by the caller on a runtime
    /// with time enabled. Until then nothing happens.
    ///
    /// # Errors
    ///
    /// As of [`build`](Self::build).
    pub fn build_with_driver<D: Device>(self, device: D) -> io::Result<(Stack, Driver<D>)> {
        let (stack, mut drivers) = self.assemble(vec![device])?;
        let driver = drivers.pop().ok_or(io::ErrorKind::InvalidInput)?;
        Ok((stack, driver))
    }

    /// A stack and the drivers of its queues.
    fn assemble<D: Device>(mut self, queues: Vec<D>) -> io::Result<(Stack, Vec<Driver<D>>)> {
        if let Some(error) = self.invalid.take() {
            return Err(error);
        }
        if queues.is_empty() {
            return Err(invalid("a stack needs a queue".to_owned()));
        }
        self.config.limits = share(self.config.limits, queues.len());
        let mut key = [0; 16];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        let shards = Shard::all(queues.len(), &self.config.tcp);
        let owners = Owners::new(&key, queues.len());
        let clock = Clock::new();
        let stack = Stack::new(Arc::clone(&shards));
        let drive = |(index, device): (usize, D)| {
            let config = self.config_for(device.caps())?;
            let mut secret = [0; 32];
            getrandom::fill(&mut secret).map_err(io::Error::other)?;
            let role = Role {
                shards: Arc::clone(&shards),
                index,
                owners,
                clock,
            };
            Ok(Driver::new(config, secret, device, role))
        };
        let drivers = queues.into_iter().enumerate().map(drive);
        let drivers = drivers.collect::<io::Result<_>>()?;
        Ok((stack, drivers))
    }

    /// The settings of the protocol over a device.
    fn config_for(&self, caps: Caps) -> io::Result<StackConfig> {
        let mut config = self.config.clone();
        config.mtu = self.mtu.unwrap_or(caps.mtu);
        // There is nothing to be cut if a packet may be longer than half a super-segment.
        let is_short = config.mtu <= MAX_PACKET as u32 / 2;
        let cuts = self.segmentation && is_short && caps.segmentation.is_none();
        config.checksum_offload = caps.checksum_offload || cuts;
        config.segmentation = if cuts {
            Some(MAX_PACKET as u32)
        } else {
            caps.segmentation
        };
        config.link_segmentation = caps.link_segmentation;
        let is_v6 = config.addrs.iter().any(|cidr| cidr.addr.is_ipv6());
        let least = if is_v6 { 1280 } else { 68 };
        if config.mtu < least {
            let mtu = config.mtu;
            return Err(invalid(format!(
                "an MTU of {mtu} bytes; at least {least} are needed"
            )));
        }
        Ok(config)
    }
}

/// What each of `shards` has of the limits of a stack.
fn share(mut limits: Limits, shards: usize) -> Limits {
    for limit in [
        &mut limits.max_connections,
        &mut limits.max_half_open,
        &mut limits.max_time_wait,
        &mut limits.buffer_bytes,
    ] {
        *limit = limit.div_ceil(shards);
    }
    for rate in [
        &mut limits.icmp_errors_per_second,
        &mut limits.resets_per_second,
    ] {
        *rate = rate.div_ceil(shards as u32);
    }
    limits
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}
