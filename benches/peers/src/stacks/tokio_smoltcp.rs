//! tokio-smoltcp.
//!
//! One of its listeners can hold one connection that nobody accepted yet, and every socket costs time
//! for each packet: so one is bound when a SYN arrives, and for that SYN alone.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, ready};

use futures::{FutureExt, Sink, Stream};
use smoltcp::iface::Config;
use smoltcp::phy::{DeviceCapabilities, Medium};
use smoltcp::wire::{HardwareAddress, IpCidr};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_smoltcp::device::{AsyncDevice, Packet};
use tokio_smoltcp::{BufferSize, Net, NetConfig, TcpListener, TcpStream};
use tokio_tun::Tun;

use super::smoltcp::opens;
use crate::options::Serve;
use crate::service::{Held, Manners, PORTS};
use crate::{ready, tun};

/// Packets read before the sockets are polled.
const BURST: usize = 100;

/// Serves until the interface is gone.
pub(crate) async fn serve(serve: &Serve) -> io::Result<()> {
    if serve.v6.is_some() {
        // It has one address.
        return Err(io::Error::other("tokio-smoltcp serves one family alone"));
    }
    let mut capabilities = DeviceCapabilities::default();
    capabilities.medium = Medium::Ip;
    capabilities.max_transmission_unit = serve.mtu.into();
    capabilities.max_burst_size = Some(BURST);
    let net = Arc::new(OnceLock::new());
    let device = Wire {
        tun: tun::plain(serve)?,
        net: net.clone(),
        held: Arc::new(Mutex::new(Held::new())),
        packet: vec![0; usize::from(serve.mtu)],
        capabilities,
    };
    let addr = IpCidr::new(serve.addr.addr.into(), serve.addr.prefix);
    let mut config = NetConfig::new(Config::new(HardwareAddress::Ip), addr, Vec::new());
    config.buffer_size = BufferSize {
        tcp_rx_size: serve.buffer,
        tcp_tx_size: serve.buffer,
        ..BufferSize::default()
    };
    net.get_or_init(|| Net::new(device, config));
    ready();
    std::future::pending().await
}

/// Serves the one connection for which `listener` was bound.
async fn accept(mut listener: TcpListener, port: u16, held: Arc<Mutex<Held<TcpStream>>>) {
    let manners = Manners {
        block: 64 << 10,
        asks_shutdown: false,
    };
    if let Ok((stream, _)) = listener.accept().await {
        drop(listener);
        if let Ok(mut held) = held.lock() {
            held.take(stream, port, manners);
        }
    }
}

/// The interface as a device of tokio-smoltcp.
struct Wire {
    tun: Tun,
    net: Arc<OnceLock<Net>>,
    held: Arc<Mutex<Held<TcpStream>>>,
    packet: Vec<u8>,
    capabilities: DeviceCapabilities,
}

impl Wire {
    /// Binds a listener for a SYN to one of the ports, before the stack sees it.
    fn expect(&self, packet: &[u8]) -> io::Result<()> {
        let port = opens(packet).filter(|port| PORTS.contains(port));
        let (Some(port), Some(net)) = (port, self.net.get()) else {
            return Ok(());
        };
        let bind = net.tcp_bind(([0, 0, 0, 0], port).into());
        if let Some(listener) = bind.now_or_never() {
            tokio::spawn(accept(listener?, port, self.held.clone()));
        }
        Ok(())
    }
}

impl AsyncDevice for Wire {
    fn capabilities(&self) -> &DeviceCapabilities {
        &self.capabilities
    }
}

impl Stream for Wire {
    type Item = io::Result<Packet>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let mut packet = ReadBuf::new(&mut this.packet);
        ready!(Pin::new(&mut this.tun).poll_read(cx, &mut packet))?;
        let packet = packet.filled().to_vec();
        this.expect(&packet)?;
        Poll::Ready(Some(Ok(packet)))
    }
}

impl Sink<Packet> for Wire {
    type Error = io::Error;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, packet: Packet) -> io::Result<()> {
        // The kernel takes what it is given; if not, that is like a loss.
        let _ = self.tun.try_send(&packet);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
