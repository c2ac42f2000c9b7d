//! One connection.

use std::collections::VecDeque;
use std::io;
use std::task::Context;

use estab::device::TunDevice;

use super::wire::{ACK, Addresses, FIN, Link, Out, PSH, SYN, Segment};
use crate::service::PERIOD;

/// The first sequence number of every connection.
pub(super) const FIRST: u32 = 1000;

/// Bytes on their way out at most.
const IN_FLIGHT: u64 = 4 << 20;

/// Super-segments sent before answers are looked for.
const FEED: usize = 2;

/// Plain segments sent before answers are looked for.
const FEED_PLAIN: usize = 16;

/// What a connection is there for.
pub(super) enum Service {
    /// What came and was not sent back yet.
    Echo(VecDeque<u8>),
    Sink,
    /// The question so far; how many bytes are to be sent once it is known.
    Source(Vec<u8>, Option<u64>),
}

/// A connection.
pub(super) struct Flow {
    pub(super) addresses: Addresses,
    /// Something came for it in this burst.
    pub(super) touched: bool,
    /// It is listed as having something to send.
    pub(super) listed: bool,
    /// It can be forgotten.
    pub(super) over: bool,
    service: Service,
    mss: usize,
    rcv_nxt: u32,
    /// Bytes acknowledged, and sent, since the SYN; a FIN counts as one.
    acked: u64,
    sent: u64,
    /// Bytes acknowledged when somebody last looked whether it goes on.
    seen: u64,
    window: u64,
    shift: u8,
    syn_due: bool,
    ack_due: bool,
    fin_received: bool,
    fin_sent: bool,
}

impl Flow {
    /// The connection that `syn` opens.
    pub(super) fn new(syn: &Segment<'_>, service: Service, link: &Link) -> Self {
        let (mss, shift) = syn.offers();
        Self {
            addresses: syn.addresses,
            touched: false,
            listed: false,
            over: false,
            service,
            mss: link.mss(&syn.addresses, mss),
            rcv_nxt: syn.end(),
            acked: 0,
            sent: 0,
            seen: 0,
            window: 0,
            shift,
            syn_due: false,
            ack_due: false,
            fin_received: false,
            fin_sent: false,
        }
    }

    /// A segment came; whether that needs an answer, or may let something be sent.
    pub(super) fn input(
        &mut self,
        cx: &mut Context<'_>,
        segment: &Segment<'_>,
        link: &mut Link,
        device: &mut TunDevice,
    ) -> io::Result<bool> {
        if segment.flags & SYN != 0 {
            self.syn_due = true;
            return Ok(true);
        }
        let newly = u64::from(segment.ack.wrapping_sub(self.seq(self.acked)));
        if newly <= self.sent - self.acked {
            self.acked += newly;
        }
        self.window = u64::from(segment.window) << self.shift;
        if segment.end() == segment.seq {
            self.over = self.is_over();
            return Ok(self.over);
        }
        if segment.seq != self.rcv_nxt {
            // Three of these make the peer send what is missing.
            let out = self.out(ACK);
            link.send(cx, device, &out, &[])?;
            return Ok(false);
        }
        self.rcv_nxt = segment.end();
        self.fin_received |= segment.flags & FIN != 0;
        self.ack_due = true;
        self.take(cx, segment.payload, link, device)?;
        Ok(true)
    }

    /// Data came.
    fn take(
        &mut self,
        cx: &mut Context<'_>,
        payload: &[u8],
        link: &mut Link,
        device: &mut TunDevice,
    ) -> io::Result<()> {
        let room = self.room();
        let out = self.out(ACK | PSH);
        match &mut self.service {
            Service::Sink => {}
            Service::Source(question, total) => {
                question.extend_from_slice(payload);
                if let Some(&count) = question.first_chunk() {
                    *total = Some(u64::from_be_bytes(count));
                }
            }
            Service::Echo(pending) => {
                let now = pending.is_empty() && payload.len() as u64 <= room;
                if now && link.send_cut(cx, device, &out, &[payload], Some(self.mss))? {
                    self.sent += payload.len() as u64;
                    self.ack_due = false;
                } else {
                    pending.extend(payload);
                }
            }
        }
        Ok(())
    }

    /// Says what is due.
    pub(super) fn answer(
        &mut self,
        cx: &mut Context<'_>,
        link: &mut Link,
        device: &mut TunDevice,
    ) -> io::Result<()> {
        if self.syn_due {
            let mut out = self.out(SYN | ACK);
            (out.seq, out.syn) = (FIRST, true);
            self.syn_due = !link.send(cx, device, &out, &[])?;
            return Ok(());
        }
        let idle = match &self.service {
            Service::Echo(pending) => pending.is_empty(),
            Service::Sink => true,
            Service::Source(_, total) => total.is_none(),
        };
        if self.fin_received && idle && !self.fin_sent {
            return self.finish(cx, link, device);
        }
        if self.ack_due {
            let out = self.out(ACK);
            self.ack_due = !link.send(cx, device, &out, &[])?;
            self.over = self.is_over() && !self.ack_due;
        }
        Ok(())
    }

    /// Whether there is anything left to be sent or acknowledged.
    pub(super) fn wants_to_send(&self) -> bool {
        match &self.service {
            Service::Echo(pending) => !pending.is_empty() || (self.fin_received && !self.fin_sent),
            Service::Sink => false,
            Service::Source(_, total) => total.is_some_and(|total| self.acked <= total),
        }
    }

    /// Sends a little of what is to be sent; whether there was anything that could be.
    pub(super) fn feed(
        &mut self,
        cx: &mut Context<'_>,
        pattern: &[u8],
        link: &mut Link,
        device: &mut TunDevice,
    ) -> io::Result<bool> {
        let largest = link.payload(self.mss);
        let packets = if largest > self.mss { FEED } else { FEED_PLAIN };
        for nth in 0..packets {
            let left = match &self.service {
                Service::Echo(pending) => pending.len() as u64,
                Service::Sink | Service::Source(_, None) => 0,
                Service::Source(_, Some(total)) => total.saturating_sub(self.sent),
            };
            if left == 0 {
                if self.wants_to_send() && !self.fin_sent {
                    self.finish(cx, link, device)?;
                }
                return Ok(nth > 0);
            }
            let len = self.next(left, largest);
            let out = self.out(ACK | PSH);
            let sent = len > 0 && {
                let at = (self.sent % PERIOD as u64) as usize;
                let parts = match &self.service {
                    Service::Echo(pending) => first(pending, len),
                    _ => [&pattern[at..at + len], &[]],
                };
                link.send_cut(cx, device, &out, &parts, Some(self.mss))?
            };
            if !sent {
                return Ok(nth > 0);
            }
            if let Service::Echo(pending) = &mut self.service {
                pending.drain(..len);
            }
            self.sent += len as u64;
            self.ack_due = false;
        }
        Ok(true)
    }

    /// How much of `left` goes into the next packet: what is left, or whole segments, and not few of
    /// them if the peer will soon have acknowledged more.
    fn next(&self, left: u64, largest: usize) -> usize {
        let room = self.room();
        if left <= room && left <= largest as u64 {
            return left as usize;
        }
        let len = room.min(largest as u64) as usize / self.mss * self.mss;
        let soon = len < largest && self.sent - self.acked > self.window.min(IN_FLIGHT) / 2;
        if soon { 0 } else { len }
    }

    /// Everything sent since the last look seems to be lost: it is sent again.
    pub(super) fn start_over(&mut self) {
        let stuck = self.acked == self.seen && self.sent > self.acked;
        self.seen = self.acked;
        if stuck && matches!(self.service, Service::Source(..)) {
            self.sent = self.acked;
            self.fin_sent = false;
        }
    }

    fn finish(
        &mut self,
        cx: &mut Context<'_>,
        link: &mut Link,
        device: &mut TunDevice,
    ) -> io::Result<()> {
        let out = self.out(ACK | FIN);
        if link.send(cx, device, &out, &[])? {
            self.fin_sent = true;
            self.ack_due = false;
            self.sent += 1;
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.fin_received && self.fin_sent && self.acked == self.sent
    }

    /// How much more the peer has room for.
    fn room(&self) -> u64 {
        let window = self.window.min(IN_FLIGHT);
        window.saturating_sub(self.sent - self.acked)
    }

    fn out(&self, flags: u8) -> Out {
        Out {
            addresses: self.addresses,
            seq: self.seq(self.sent),
            ack: self.rcv_nxt,
            flags,
            syn: false,
        }
    }

    /// The sequence number of the byte at `offset`.
    fn seq(&self, offset: u64) -> u32 {
        FIRST.wrapping_add(1).wrapping_add(offset as u32)
    }
}

/// The first `len` bytes of `queue`.
fn first(queue: &VecDeque<u8>, len: usize) -> [&[u8]; 2] {
    let (head, tail) = queue.as_slices();
    let part = len.min(head.len());
    [&head[..part], &tail[..len - part]]
}
