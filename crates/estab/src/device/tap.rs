//! A trace of everything that passes a device.

use std::borrow::Cow;
use std::io::{self, Write};
use std::task::{Context, Poll, ready};

use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::{DataLink, PcapError};

use super::{Caps, Device, Packet, Received};
use crate::clock::WallClock;

/// Passes packets on to the device inside and writes each, with its direction and the time in
/// nanoseconds, as pcapng: Wireshark and tcpdump read it.
///
/// The writer is called on the task of the driver and should be quick: a [`BufWriter`] over a file,
/// or a `Vec`. It is flushed whenever the driver has nothing more to send, so the file can be read
/// while the stack runs. If it fails, the trace ends, with a `tracing` event; the traffic goes on.
///
/// ```no_run
/// use std::fs::File;
/// use std::io::BufWriter;
///
/// use estab::Stack;
/// use estab::device::{Tap, TunDevice};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let tun = TunDevice::builder().name("estab0").addr("10.0.0.1/24").build().await?;
/// let trace = BufWriter::new(File::create("estab.pcapng")?);
/// let stack = Stack::builder().addr("10.0.0.2/24").build(Tap::new(tun, trace)?)?;
/// # Ok(())
/// # }
/// ```
///
/// [`BufWriter`]: std::io::BufWriter
pub struct Tap<D, W: Write> {
    device: D,
    trace: Option<PcapNgWriter<W>>,
    clock: WallClock,
    packet: Vec<u8>,
}

/// Bits 0 and 1 of the packet flags (pcapng §4.3.1).
#[derive(Clone, Copy)]
enum Direction {
    Inbound = 1,
    Outbound = 2,
}

impl<D: Device, W: Write + Send> Tap<D, W> {
    /// Traces `device` into `writer`.
    ///
    /// # Errors
    ///
    /// The writer's, from writing the file header.
    pub fn new(device: D, writer: W) -> io::Result<Self> {
        let mut trace = PcapNgWriter::new(writer).map_err(into_io)?;
        let interface = InterfaceDescriptionBlock {
            linktype: DataLink::RAW,
            // What goes out may be longer than a packet; this is as much as libpcap takes.
            snaplen: 256 << 10,
            // Timestamps count 10^-9 s.
            options: vec![InterfaceDescriptionOption::IfTsResol(9)],
        };
        trace.write_pcapng_block(interface).map_err(into_io)?;
        Ok(Self {
            device,
            trace: Some(trace),
            clock: WallClock::new(),
            packet: Vec::new(),
        })
    }

    /// The device inside and, unless it failed, the writer.
    pub fn into_inner(self) -> (D, Option<W>) {
        (self.device, self.trace.map(PcapNgWriter::into_inner))
    }

    fn record(&mut self, packet: &[u8], direction: Direction) {
        let Some(trace) = &mut self.trace else { return };
        let block = EnhancedPacketBlock {
            interface_id: 0,
            timestamp: self.clock.now(),
            original_len: packet.len() as u32,
            data: Cow::Borrowed(packet),
            options: vec![EnhancedPacketOption::Flags(direction as u32)],
        };
        if let Err(error) = trace.write_pcapng_block(block) {
            tracing::warn!(%error, "the packet trace ends here");
            self.trace = None;
        }
    }
}

fn into_io(error: PcapError) -> io::Error {
    match error {
        PcapError::IoError(error) => error,
        error => io::Error::other(error),
    }
}

impl<D: Device, W: Write + Send> Device for Tap<D, W> {
    fn caps(&self) -> Caps {
        self.device.caps()
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        let received = ready!(self.device.poll_recv(cx, buf))?;
        self.record(&buf[..received.len()], Direction::Inbound);
        Poll::Ready(Ok(received))
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
        ready!(self.device.poll_send(cx, packet))?;
        if self.trace.is_some() {
            let mut whole = std::mem::take(&mut self.packet);
            whole.resize(packet.len(), 0);
            packet.copy_to_slice(&mut whole);
            self.record(&whole, Direction::Outbound);
            self.packet = whole;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(Err(error)) = self.trace.as_mut().map(|trace| trace.get_mut().flush()) {
            tracing::warn!(%error, "the packet trace ends here");
            self.trace = None;
        }
        self.device.poll_flush(cx)
    }

    fn dropped(&self) -> u64 {
        self.device.dropped()
    }

    fn malformed(&self) -> u64 {
        self.device.malformed()
    }
}

impl<D: std::fmt::Debug, W: Write> std::fmt::Debug for Tap<D, W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tap")
            .field("device", &self.device)
            .field("tracing", &self.trace.is_some())
            .finish_non_exhaustive()
    }
}
