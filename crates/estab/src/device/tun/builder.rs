//! Making a TUN interface.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use estab_proto::IpCidr;
use tokio_tun::Tun;

use super::watch::duplicate;
use super::{Io, TunDevice, index, into_io, netlink};
use crate::addr::ToCidr;
use crate::device::offload;

/// Describes a TUN interface to be made; from [`TunDevice::builder`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct TunBuilder {
    name: String,
    addrs: io::Result<Vec<IpCidr>>,
    mtu: u32,
    queue_len: Option<u32>,
    persist: bool,
    offload: bool,
    long_packets: bool,
}

impl Default for TunBuilder {
    fn default() -> Self {
        Self {
            name: String::new(),
            addrs: Ok(Vec::new()),
            mtu: 1500,
            queue_len: Some(4096),
            persist: false,
            offload: true,
            long_packets: true,
        }
    }
}

impl TunBuilder {
    /// The interface's name, 1 to 15 bytes; the default lets the kernel pick (`tun0` and so on).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Gives the *kernel's* side of the interface an address, such as `"10.0.0.1/24"`; may be called
    /// several times. The kernel then routes the rest of the prefix to the stack.
    pub fn addr(mut self, addr: impl ToCidr) -> Self {
        if let Ok(addrs) = &mut self.addrs {
            match addr.to_cidr() {
                Ok(addr) => addrs.push(addr),
                Err(error) => self.addrs = Err(error),
            }
        }
        self
    }

    /// The MTU in bytes, 68 to 65,535; 1500 if not set. IPv6 needs at least 1280.
    pub fn mtu(mut self, mtu: u32) -> Self {
        self.mtu = mtu;
        self
    }

    /// How many packets the kernel holds for the stack before it drops; 4096 if not set. `None`
    /// leaves the kernel's default of 500, which a window of 1 MiB overruns.
    pub fn queue_len(mut self, packets: impl Into<Option<u32>>) -> Self {
        self.queue_len = packets.into();
        self
    }

    /// Lets the interface outlive the device.
    pub fn persist(mut self, persist: bool) -> Self {
        self.persist = persist;
        self
    }

    /// Whether super-segments and checksums are left to the kernel where it can; they are if not
    /// set.
    pub fn offload(mut self, offload: bool) -> Self {
        self.offload = offload;
        self
    }

    /// Whether super-segments to the kernel itself may be longer than 64 KiB, where it takes them;
    /// they may if not set. An IPv4 header says that such a packet has a length of 0, and an IPv6
    /// packet is a jumbogram: turn it off if rules or programs on the interface (nftables, eBPF) read
    /// the length, or cannot pass jumbograms.
    pub fn long_packets(mut self, long: bool) -> Self {
        self.long_packets = long;
        self
    }

    /// Makes the interface and sets it up.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a setting out of range,
    /// [`PermissionDenied`](io::ErrorKind::PermissionDenied) without `CAP_NET_ADMIN`, `ResourceBusy`
    /// if another process holds an interface of this name, and what else the kernel reports.
    pub async fn build(self) -> io::Result<TunDevice> {
        let mut devices = self.build_queues(1).await?;
        devices.pop().ok_or_else(|| io::ErrorKind::Other.into())
    }

    /// Makes the interface with a number of queues, 1 to 256, and sets it up: a device each, to be
    /// driven by a stack of its own.
    ///
    /// The kernel keeps a connection on the queue that was last written to for it.
    ///
    /// # Errors
    ///
    /// As of [`build`](Self::build).
    pub async fn build_queues(self, queues: usize) -> io::Result<Vec<TunDevice>> {
        if self.name.len() > 15 || self.name.contains(['/', '\0']) {
            return Err(invalid(
                "an interface name has 1 to 15 bytes, none of them a slash",
            ));
        }
        if !(68..=65_535).contains(&self.mtu) {
            return Err(invalid("the MTU of a TUN interface is 68 to 65535 bytes"));
        }
        if !(1..=256).contains(&queues) {
            return Err(invalid("a TUN interface has 1 to 256 queues"));
        }
        let mut addrs = self.addrs?;
        let first = addrs.iter().position(|cidr| cidr.addr.is_ipv4());
        let first = first.map(|first| addrs.remove(first));
        let make = |name: &str, lasts: bool| {
            let mut tun = Tun::builder()
                .name(name)
                .mtu(self.mtu as i32)
                .queues(queues)
                .close_on_exec()
                .up();
            if let Some((IpAddr::V4(addr), prefix)) = first.map(|cidr| (cidr.addr, cidr.prefix)) {
                tun = tun.address(addr).netmask(netmask(prefix));
            }
            if lasts {
                tun = tun.persist();
            }
            tun.build().map_err(into_io)
        };
        // An interface that somebody made to last is not ours to take away.
        let existed = exists(&self.name);
        let persist = self.persist || existed;
        let offload = self.offload && offload::is_granted();
        let tuns = make(&self.name, persist || offload)?;
        let devices = if offload {
            let name = tuns.first().map_or("", Tun::name).to_owned();
            let takes_long = self.long_packets && offload::takes_long();
            let tried = hand_over(tuns, self.mtu, persist, takes_long);
            tried.or_else(|error| {
                tracing::debug!(%error, "the kernel grants no offload: packets go one by one");
                plain(make(&name, persist)?, true, persist)
            })?
        } else {
            plain(tuns, existed, persist)?
        };
        if let Some(device) = devices.first()
            && (!addrs.is_empty() || self.queue_len.is_some())
        {
            netlink::configure(index(device.name())?, &addrs, self.queue_len).await?;
        }
        Ok(devices)
    }
}

/// Devices without offload. The interface is kept from giving super-segments if it `existed`, and
/// goes with them unless `persist` says that it stays.
fn plain(tuns: Vec<Tun>, existed: bool, persist: bool) -> io::Result<Vec<TunDevice>> {
    if let Some(tun) = tuns.first().filter(|_| existed) {
        let tun = duplicate(tun)?;
        offload::clear_offloads(&tun)?;
        offload::set_persistent(&tun, persist)?;
    }
    tuns.into_iter().map(TunDevice::new).collect()
}

/// `tokio-tun` cannot ask for virtio headers, which are settled when a descriptor attaches: it makes
/// the interface and sets it up, and leaves it to descriptors of ours.
fn hand_over(
    tuns: Vec<Tun>,
    mtu: u32,
    persist: bool,
    takes_long: bool,
) -> io::Result<Vec<TunDevice>> {
    let name = tuns
        .first()
        .map_or_else(String::new, |tun| tun.name().to_owned());
    let queues = tuns.len();
    drop(tuns);
    let devices = offload::Queue::attach(&name, queues, persist)?.into_iter();
    let device = |queue| TunDevice {
        name: name.clone(),
        mtu,
        takes_long,
        io: Io::Offloaded(queue),
    };
    Ok(devices.map(device).collect())
}

/// Whether there is an interface of this name.
fn exists(name: &str) -> bool {
    !name.is_empty() && index(name).is_ok()
}

fn netmask(prefix: u8) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

#[cfg(test)]
mod tests;
