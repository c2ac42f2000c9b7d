//! Making a TUN interface.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use estab_proto::IpCidr;
use tokio_tun::Tun;

use super::{TunDevice, into_io, netlink};
use crate::addr::ToCidr;

/// Describes a TUN interface to be made; from [`TunDevice::builder`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct TunBuilder {
    name: String,
    addrs: io::Result<Vec<IpCidr>>,
    mtu: u32,
    queue_len: Option<u32>,
    persist: bool,
}

impl Default for TunBuilder {
    fn default() -> Self {
        Self {
            name: String::new(),
            addrs: Ok(Vec::new()),
            mtu: 1500,
            queue_len: Some(4096),
            persist: false,
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

    /// Makes the interface and sets it up.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a setting out of range,
    /// [`PermissionDenied`](io::ErrorKind::PermissionDenied) without `CAP_NET_ADMIN`, `ResourceBusy`
    /// if another process holds an interface of this name, and what else the kernel reports.
    pub async fn build(self) -> io::Result<TunDevice> {
        if self.name.len() > 15 || self.name.contains(['/', '\0']) {
            return Err(invalid(
                "an interface name has 1 to 15 bytes, none of them a slash",
            ));
        }
        if !(68..=65_535).contains(&self.mtu) {
            return Err(invalid("the MTU of a TUN interface is 68 to 65535 bytes"));
        }
        let mut addrs = self.addrs?;
        let mut tun = Tun::builder().name(&self.name).mtu(self.mtu as i32).up();
        if let Some(first) = addrs.iter().position(|cidr| cidr.addr.is_ipv4()) {
            let cidr = addrs.remove(first);
            if let IpAddr::V4(addr) = cidr.addr {
                tun = tun.address(addr).netmask(netmask(cidr.prefix));
            }
        }
        if self.persist {
            tun = tun.persist();
        }
        let tun = tun
            .build()
            .map_err(into_io)?
            .pop()
            .ok_or(io::ErrorKind::Other)?;
        let device = TunDevice::new(tun)?;
        if !addrs.is_empty() || self.queue_len.is_some() {
            netlink::configure(device.index()?, &addrs, self.queue_len).await?;
        }
        Ok(device)
    }
}

fn netmask(prefix: u8) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

#[cfg(test)]
mod tests;
