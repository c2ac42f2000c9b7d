//! Packets out: from the stack to the device.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use arrayvec::ArrayVec;
use estab_proto::{Stack, Transmit};
use estab_timer::Instant;

use crate::device::{Device, Packet};

/// Packets sent in one turn at most: no more than are received, so that their acknowledgements
/// cannot pile up unread.
const BURST: usize = 64;

/// Pieces of a packet handed to a gathering write; a packet in more pieces is copied into one.
const PIECES: usize = 30;

/// What waits for the device: at most one packet, which a full device has refused.
#[derive(Debug, Default)]
pub(super) struct Sender {
    waiting: Option<Waiting>,
    /// The memory of the last packet that waited or had too many pieces.
    spare: Vec<u8>,
    flushing: bool,
    sent: u64,
}

#[derive(Debug)]
struct Waiting {
    bytes: Vec<u8>,
    segment_size: Option<u16>,
}

impl Sender {
    /// Whether something was not handed to the device yet.
    pub(super) fn is_busy(&self) -> bool {
        self.waiting.is_some() || self.flushing
    }

    /// Packets handed to the device.
    pub(super) fn sent(&self) -> u64 {
        self.sent
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
        for _ in 0..BURST {
            let Some(transmit) = stack.poll_transmit(now) else {
                more = false;
                break;
            };
            if !self.send(cx, device, &transmit)? {
                more = false;
                break;
            }
        }
        if self.flushing {
            self.flushing = device.poll_flush(cx)?.is_pending();
        }
        Ok(more)
    }

    /// Offers the refused packet again; false if it is refused again.
    fn send_waiting(&mut self, cx: &mut Context<'_>, device: &mut impl Device) -> io::Result<bool> {
        let Some(Waiting {
            bytes,
            segment_size,
        }) = self.waiting.take()
        else {
            return Ok(true);
        };
        let slices = [IoSlice::new(&bytes)];
        let packet = Packet::new(&slices).with_segment_size(segment_size);
        let taken = self.offer(cx, device, &packet)?;
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
        let segment_size = transmit.segment_size();
        let mut slices = ArrayVec::<_, PIECES>::new();
        slices.push(IoSlice::new(transmit.header()));
        let fits = transmit
            .payload()
            .all(|piece| slices.try_push(IoSlice::new(piece)).is_ok());
        if fits {
            let packet = Packet::new(&slices).with_segment_size(segment_size);
            if self.offer(cx, device, &packet)? {
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

    fn offer(
        &mut self,
        cx: &mut Context<'_>,
        device: &mut impl Device,
        packet: &Packet<'_>,
    ) -> io::Result<bool> {
        match device.poll_send(cx, packet) {
            Poll::Ready(sent) => {
                sent?;
                self.sent += 1;
                self.flushing = true;
                Ok(true)
            }
            Poll::Pending => Ok(false),
        }
    }
}
