//! What the examples share: a TUN between the kernel and an estab stack.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use estab::device::TunDevice;

/// The kernel's side of the TUN, IPv4 and IPv6.
pub const KERNEL: [IpAddr; 2] = addresses(1);

/// The stack's side of the TUN, IPv4 and IPv6.
pub const ESTAB: [IpAddr; 2] = addresses(2);

/// The prefix lengths of [`KERNEL`] and [`ESTAB`].
pub const PREFIXES: [u8; 2] = [24, 64];

const fn addresses(host: u8) -> [IpAddr; 2] {
    [
        IpAddr::V4(Ipv4Addr::new(10, 77, 0, host)),
        IpAddr::V6(Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, host as u16)),
    ]
}

/// `addrs` with their prefix lengths, as text.
pub fn cidrs(addrs: [IpAddr; 2]) -> [String; 2] {
    [0, 1].map(|family| format!("{}/{}", addrs[family], PREFIXES[family]))
}

/// Makes the TUN, with the kernel's addresses on it.
///
/// # Errors
///
/// Those of [`estab::device::TunBuilder::build`].
pub async fn tun() -> io::Result<TunDevice> {
    let [v4, v6] = cidrs(KERNEL);
    TunDevice::builder()
        .name("estab0")
        .addr(v4)
        .addr(v6)
        .build()
        .await
}

/// A stack on `device`, with the addresses of [`ESTAB`].
///
/// # Errors
///
/// Those of [`estab::StackBuilder::build`].
pub fn stack(device: impl estab::device::Device + 'static) -> io::Result<estab::Stack> {
    let [v4, v6] = cidrs(ESTAB);
    estab::Stack::builder().addr(v4).addr(v6).build(device)
}

/// The programs of the README, compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
