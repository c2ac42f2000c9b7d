//! A device that prints the segments it carries.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use console::style;
use estab::device::{Caps, Device, Packet, Received};
use estab_proto::wire::{IpPacket, Pretty, protocol};

/// Turns the printing on and off.
#[derive(Default)]
pub(crate) struct Switch(AtomicBool);

impl Switch {
    pub(crate) fn on(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn off(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn print(&self, sender: &str, packet: &[u8]) {
        // The kernel also looks for IPv6 routers and neighbours.
        if !IpPacket::parse(packet).is_ok_and(|packet| packet.protocol() == protocol::TCP) {
            return;
        }
        let pretty = Pretty(packet).to_string();
        println!(
            "  {} {}",
            style(format!("{sender:>6}")).cyan(),
            style(pretty).dim()
        );
    }
}

/// `device`, showing what it carries while the switch is on.
pub(crate) struct Show<D> {
    device: D,
    switch: Arc<Switch>,
}

impl<D> Show<D> {
    pub(crate) fn new(device: D, switch: Arc<Switch>) -> Self {
        Self { device, switch }
    }

    fn is_on(&self) -> bool {
        self.switch.0.load(Ordering::Relaxed)
    }
}

impl<D: Device> Device for Show<D> {
    fn caps(&self) -> Caps {
        self.device.caps()
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        let received = ready!(self.device.poll_recv(cx, buf))?;
        if self.is_on() {
            self.switch.print("kernel", &buf[..received.len()]);
        }
        Poll::Ready(Ok(received))
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
        ready!(self.device.poll_send(cx, packet))?;
        if self.is_on() {
            self.switch.print("estab", &packet.to_bytes());
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.device.poll_flush(cx)
    }

    fn dropped(&self) -> u64 {
        self.device.dropped()
    }
}
