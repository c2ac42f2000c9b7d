//! The interfaces.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use estab::IpCidr;
use estab::device::TunDevice;
use tokio_tun::Tun;

use crate::options::Serve;

/// An interface without offloads, as the peers use it.
pub(crate) fn plain(serve: &Serve) -> io::Result<Tun> {
    let IpAddr::V4(kernel) = serve.kernel else {
        let message = "this stack is used with an IPv4 address, if with others too";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    };
    let mut tuns = Tun::builder()
        .name(&serve.tun)
        .mtu(i32::from(serve.mtu))
        .address(kernel)
        .netmask(netmask(serve.addr.prefix))
        .close_on_exec()
        .up()
        .build()
        .map_err(io::Error::other)?;
    let tun = tuns.pop().ok_or(io::ErrorKind::NotFound)?;
    let name = tun.name();
    let queue = serve.queue.to_string();
    estab_netns::ip(&["link", "set", name, "txqueuelen", &queue])?;
    if let Some(addr) = kernel_v6(serve) {
        let addr = format!("{}/{}", addr.addr, addr.prefix);
        estab_netns::ip(&["-6", "addr", "add", &addr, "dev", name, "nodad"])?;
    }
    Ok(tun)
}

/// An interface as estab uses it.
pub(crate) async fn estab(serve: &Serve, offload: bool) -> io::Result<TunDevice> {
    let mut builder = TunDevice::builder()
        .name(&serve.tun)
        .mtu(serve.mtu.into())
        .addr(IpCidr::new(serve.kernel, serve.addr.prefix))
        .queue_len(serve.queue)
        .offload(offload);
    if let Some(addr) = kernel_v6(serve) {
        builder = builder.addr(addr);
    }
    builder.build().await
}

fn kernel_v6(serve: &Serve) -> Option<IpCidr> {
    let prefix = serve.v6?.prefix;
    Some(IpCidr::new(IpAddr::V6(serve.kernel_v6?), prefix))
}

fn netmask(prefix: u8) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0))
}
