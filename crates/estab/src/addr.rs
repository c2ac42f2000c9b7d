//! What may name an endpoint or an interface address in a call.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use estab_proto::IpCidr;

/// An endpoint: a [`SocketAddr`], an address with a port, or text such as `"10.0.0.1:80"` and
/// `"[fd00::1]:80"`.
///
/// Unlike [`tokio::net::ToSocketAddrs`], text is parsed and never looked up: the stack has no
/// resolver of its own, and the system's would ask over another network than the stack's.
pub trait ToAddr: sealed::ToAddr {}

impl<T: sealed::ToAddr + ?Sized> ToAddr for T {}

/// An interface address with its prefix length: an [`IpCidr`] or text such as `"10.0.0.2/24"`; an
/// address without a length stands for itself alone (`/32`, `/128`).
pub trait ToCidr: sealed::ToCidr {}

impl<T: sealed::ToCidr + ?Sized> ToCidr for T {}

pub(crate) mod sealed {
    use super::*;

    pub trait ToAddr {
        fn to_addr(&self) -> io::Result<SocketAddr>;
    }

    pub trait ToCidr {
        fn to_cidr(&self) -> io::Result<IpCidr>;
    }

    impl<T: ToAddr + ?Sized> ToAddr for &T {
        fn to_addr(&self) -> io::Result<SocketAddr> {
            (**self).to_addr()
        }
    }

    impl<T: ToCidr + ?Sized> ToCidr for &T {
        fn to_cidr(&self) -> io::Result<IpCidr> {
            (**self).to_cidr()
        }
    }
}

macro_rules! endpoints {
    ($($type:ty),*) => {
        $(impl sealed::ToAddr for $type {
            fn to_addr(&self) -> io::Result<SocketAddr> {
                Ok(SocketAddr::from(*self))
            }
        })*
    };
}

endpoints!(
    SocketAddr,
    SocketAddrV4,
    SocketAddrV6,
    (IpAddr, u16),
    (Ipv4Addr, u16),
    (Ipv6Addr, u16)
);

impl sealed::ToAddr for str {
    fn to_addr(&self) -> io::Result<SocketAddr> {
        self.parse()
            .map_err(|_| invalid("an address with a port", self))
    }
}

impl sealed::ToAddr for String {
    fn to_addr(&self) -> io::Result<SocketAddr> {
        self.as_str().to_addr()
    }
}

impl sealed::ToAddr for (&str, u16) {
    fn to_addr(&self) -> io::Result<SocketAddr> {
        let addr: IpAddr = self
            .0
            .parse()
            .map_err(|_| invalid("an IP address", self.0))?;
        Ok(SocketAddr::new(addr, self.1))
    }
}

impl sealed::ToCidr for IpCidr {
    fn to_cidr(&self) -> io::Result<IpCidr> {
        Ok(*self)
    }
}

impl sealed::ToCidr for IpAddr {
    fn to_cidr(&self) -> io::Result<IpCidr> {
        Ok(IpCidr::new(*self, u8::MAX))
    }
}

impl sealed::ToCidr for (IpAddr, u8) {
    fn to_cidr(&self) -> io::Result<IpCidr> {
        Ok(IpCidr::new(self.0, self.1))
    }
}

impl sealed::ToCidr for str {
    fn to_cidr(&self) -> io::Result<IpCidr> {
        let (addr, prefix) = self.split_once('/').unwrap_or((self, ""));
        let addr: IpAddr = addr.parse().map_err(|_| invalid("an IP address", self))?;
        let width = if addr.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            "" if !self.contains('/') => width,
            digits => digits
                .parse()
                .map_err(|_| invalid("a prefix length", self))?,
        };
        if prefix > width {
            return Err(invalid("a prefix length", self));
        }
        Ok(IpCidr::new(addr, prefix))
    }
}

impl sealed::ToCidr for String {
    fn to_cidr(&self) -> io::Result<IpCidr> {
        self.as_str().to_cidr()
    }
}

fn invalid(expected: &str, found: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("expected {expected}, found {found:?}"),
    )
}

#[cfg(test)]
mod tests;
