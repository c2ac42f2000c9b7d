//! Packets out: from the stack to the device.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use arrayvec::ArrayVec;
use estab_proto::{Stack, Transmit};
use estab_timer::Instant;

use super::gso::Cutter;
use crate::device::{Caps, Device, MAX_PACKET, Packet};

/// Packets sent in one turn at most, or a super-segment more: no more than are received, so that
/// their acknowledgements cannot pile up unread.
const BURST: u64 = 64;

/// The same, of segments that are cut here, each a small part of what a packet else is. Whenever nothing
/// is sent for a while, who receives on this machine falls asleep, and to wake him costs as much as to
/// send several.
const BURST_CUT: u64 = 256;

/// Pieces of a packet handed to a gathering write; a packet in more pieces is copied into one.
const PIECES: usize = 94;

/// What waits for the device: at most one packet, which a full device has refused.
#[derive(Debug)]
pub(super) struct Sender {
    port: Port,
    /// Cuts super-segments, if the stack makes them and the device does not cut them.
    cutter: Option<Cutter>,
    waiting: Option<Waiting>,
    /// The memory of the last packet that waited or had too many pieces.
    spare: Vec<u8>,
}

#[derive(Debug)]
struct Waiting {
    bytes: Vec<u8>,
    segment_size: Option<u16>,
}

/// What was handed to the device.
#[derive(Debug, Default)]
struct Port {
    flushing: bool,
    sent: u64,
    /// A packet longer than an IP header can say was dropped.
    refused_long: bool,
}

impl Sender {
    /// For a device that can do so much; `cuts` says that it gets plain segments of a stack that
    /// makes super-segments.
    pub(super) fn new(caps: Caps, cuts: bool) -> Self {
        Self {
            port: Port::default(),
            cutter: cuts.then(|| Cutter::new(caps.checksum_offload)),
            waiting: None,
            spare: Vec::new(),
        }
    }

    /// Whether something was not handed to the device yet.
    pub(super) fn is_busy(&self) -> bool {
        let cutting = self.cutter.as_ref().is_some_and(Cutter::is_busy);
        self.waiting.is_some() || cutting || self.port.flushing
    }

    /// Packets handed to the device.
    pub(super) fn sent(&self) -> u64 {
        self.port.sent
    }

    /// Sends until the stack has nothing more, the device is full, or the budget is used up: then
    /// there may be more, and the answer is true.
    pub(super) fn transmit(
        &mut self,
        cx: &mut Context<'_>,
        device: &mut impl Device,
        stack: &mut Stack,
        now: Instant,
    ) -> io::Result<bool> {
        if !self.send_waiting(cx, device)? {
            return Ok(false);
        }
        let mut more = true;
        let burst = self.cutter.as_ref().map_or(BURST, |_| BURST_CUT);
        let until = self.port.sent + burst;
        while more && self.port.sent < until {
            more = match stack.poll_transmit(now) {
                Some(transmit) => self.send(cx, device, &transmit)?,
                None => false,
            };
            if std::mem::take(&mut self.port.refused_long) {
                tracing::debug!("the device refuses packets longer than 64 KiB");
                stack.refuse_long();
            }
        }
        if self.port.flushing {
            self.port.flushing = device.poll_flush(cx)?.is_pending();
        }
        Ok(more)
    }

    /// Offers the refused packet again; false if it is refused again.
    fn send_waiting(&mut self, cx: &mut Context<'_>, device: &mut impl Device) -> io::Result<bool> {
        let Self { port, cutter, .. } = self;
        if let Some(cutter) = cutter {
            return cutter.resume(|frame| port.offer_whole(cx, device, frame));
        }
        let Some(Waiting {
            bytes,
            segment_size,
        }) = self.waiting.take()
        else {
            return Ok(true);
        };
        let slices = [IoSlice::new(&bytes)];
        let packet = Packet::new(&slices).with_segment_size(segment_size);
        let taken = port.offer(cx, device, &packet)?;
        if taken {
            self.spare = bytes;
        } else {
            self.waiting = Some(Waiting {
                bytes,
                segment_size,
            });
        }
        Ok(taken)
    }

    /// Sends a packet, or keeps it if the device is full: then the answer is false.
    fn send(
        &mut self,
        cx: &mut Context<'_>,
        device: &mut impl Device,
        transmit: &Transmit<'_>,
    ) -> io::Result<bool> {
        let Self { port, cutter, .. } = self;
        let (headers, segment_size) = (transmit.header(), transmit.segment_size());
        let pieces = || transmit.payload();
        if let Some(cutter) = cutter {
            let len = transmit.len() - headers.len();
            if let Some(whole) = cutter.whole(headers, pieces(), len, segment_size)
                && let Some(slices) = slices(&whole, pieces())
            {
                let taken = port.offer(cx, device, &Packet::new(&slices))?;
                if !taken {
                    cutter.keep(&whole, pieces());
                }
                return Ok(taken);
            }
            let offer = |frame: &[u8]| port.offer_whole(cx, device, frame);
            return cutter.send(headers, pieces(), len, segment_size, offer);
        }
        let mut fits = false;
        if let Some(slices) = slices(headers, pieces()) {
            fits = true;
            let packet = Packet::new(&slices).with_segment_size(segment_size);
            if port.offer(cx, device, &packet)? {
                return Ok(true);
            }
        }
        let mut bytes = std::mem::take(&mut self.spare);
        bytes.clear();
        transmit.write_to(&mut bytes);
        self.waiting = Some(Waiting {
            bytes,
            segment_size,
        });
        if fits {
            Ok(false)
        } else {
            self.send_waiting(cx, device)
        }
    }
}

/// A packet in the pieces it lies in, unless they are too many.
fn slices<'a, 'b: 'a>(
    headers: &'a [u8],
    pieces: impl Iterator<Item = &'b [u8]>,
) -> Option<ArrayVec<IoSlice<'a>, PIECES>> {
    let mut slices = ArrayVec::new();
    slices.push(IoSlice::new(headers));
    for piece in pieces {
        slices.try_push(IoSlice::new(piece)).ok()?;
    }
    Some(slices)
}

impl Port {
    /// Hands a packet in one piece to the device; false if it is full.
    fn offer_whole(
        &mut self,
        cx: &mut Context<'_>,
        device: &mut impl Device,
        packet: &[u8],
    ) -> io::Result<bool> {
        self.offer(cx, device, &Packet::new(&[IoSlice::new(packet)]))
    }

    /// Hands a packet to the device; false if it is full.
    fn offer(
        &mut self,
        cx: &mut Context<'_>,
        device: &mut impl Device,
        packet: &Packet<'_>,
    ) -> io::Result<bool> {
        let dropped = (packet.len() > MAX_PACKET).then(|| device.dropped());
        match device.poll_send(cx, packet) {
            Poll::Ready(sent) => {
                sent?;
                self.refused_long |= dropped.is_some_and(|before| device.dropped() > before);
                self.sent += 1;
                self.flushing = true;
                Ok(true)
            }
            Poll::Pending => Ok(false),
        }
    }
}
