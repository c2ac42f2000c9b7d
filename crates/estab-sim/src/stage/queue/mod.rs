//! Packets that wait for the transmitter.

use std::collections::VecDeque;

use bytes::Bytes;
use estab_timer::{Duration, Instant};

use super::Port;
use crate::{Queue, packet};

mod codel;

use codel::{CoDel, Verdict};

#[cfg(test)]
mod tests;

/// The queue of a transmitter, by whatever discipline.
pub(super) struct Waiting {
    packets: VecDeque<(Instant, Bytes)>,
    bytes: u64,
    limit: u64,
    /// Above so many bytes an arriving packet is marked.
    threshold: u64,
    codel: Option<CoDel>,
}

impl Waiting {
    pub(super) fn new(queue: Option<&Queue>) -> Self {
        let (limit, threshold, codel) = match queue {
            None => (u64::MAX, u64::MAX, None),
            Some(Queue::DropTail { bytes }) => (*bytes, u64::MAX, None),
            Some(Queue::Threshold { bytes, threshold }) => (*bytes, *threshold, None),
            Some(Queue::CoDel {
                bytes,
                target,
                interval,
                ecn,
            }) => (*bytes, u64::MAX, Some(CoDel::new(*target, *interval, *ecn))),
        };
        Self {
            packets: VecDeque::new(),
            bytes: 0,
            limit,
            threshold,
            codel,
        }
    }

    /// A packet that finds the transmitter idle, and so nothing in the queue: it always fits.
    pub(super) fn bypass(&mut self, at: Instant, packet: Bytes, port: &mut Port<'_>) {
        self.bytes += packet.len() as u64;
        port.stats.queued_bytes = self.bytes;
        self.packets.push_back((at, packet));
    }

    /// A packet that has to wait, or is dropped.
    pub(super) fn push(&mut self, at: Instant, packet: Bytes, port: &mut Port<'_>) {
        let len = packet.len() as u64;
        if self.bytes.saturating_add(len) > self.limit {
            port.stats.held -= 1;
            port.stats.dropped.overflow += 1;
            return;
        }
        let packet = if self.bytes > self.threshold {
            mark_or_keep(packet, port)
        } else {
            packet
        };
        self.bypass(at, packet, port);
        port.stats.peak_bytes = port.stats.peak_bytes.max(self.bytes);
    }

    /// The next packet to be sent.
    pub(super) fn pop(&mut self, at: Instant, port: &mut Port<'_>) -> Option<Bytes> {
        loop {
            let Some((packet, waited)) = self.take(at, port) else {
                if let Some(codel) = &mut self.codel {
                    codel.on_empty();
                }
                return None;
            };
            let Some(codel) = &mut self.codel else {
                return Some(packet);
            };
            let ect = codel.marks() && packet::is_ect(&packet);
            match codel.judge(at, waited, self.bytes, packet.len() as u64, ect) {
                Verdict::Send => return Some(packet),
                Verdict::Mark => return Some(mark_or_keep(packet, port)),
                Verdict::Drop => {
                    port.stats.held -= 1;
                    port.stats.dropped.early += 1;
                }
            }
        }
    }

    fn take(&mut self, at: Instant, port: &mut Port<'_>) -> Option<(Bytes, Duration)> {
        let (since, packet) = self.packets.pop_front()?;
        self.bytes -= packet.len() as u64;
        let waited = at - since;
        port.stats.queued_bytes = self.bytes;
        port.stats.waited = port.stats.waited.saturating_add(waited);
        port.stats.longest_wait = port.stats.longest_wait.max(waited);
        Some((packet, waited))
    }
}

/// Marks the packet if it is capable of ECN.
fn mark_or_keep(packet: Bytes, port: &mut Port<'_>) -> Bytes {
    if packet::is_ect(&packet) {
        port.stats.marked += 1;
        packet::mark(packet)
    } else {
        packet
    }
}
