//! Packets out: whose turn it is, and how a segment becomes a packet.

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;
use estab_timer::Instant;

use crate::buffer::SendBuffer;
use crate::ip::output::{self, Route, Scratch, write_headers};
use crate::stack::reply::Reply;
use crate::stack::settle::Held;
use crate::stack::tuple::TupleKey;
use crate::stack::{ConnId, Stack, isn};
use crate::tcp::{Control, Ctx, SegmentOut, State};
use crate::wire::Sum;
use crate::wire::tcp::Segment;

/// A packet to send: a header, followed by bytes that still lie in the connection's send buffer.
///
/// The checksums are complete, unless the stack was told that the device
/// [completes them](crate::config::StackConfig::checksum_offload).
#[derive(Clone)]
pub struct Transmit<'a> {
    header: &'a [u8],
    /// Where the payload lies, and at which place; `None` if there is none.
    text: Option<(&'a SendBuffer, usize)>,
    payload_len: usize,
    segment_size: Option<u16>,
}

impl<'a> Transmit<'a> {
    /// The IP and TCP headers, or the whole of a small packet without payload.
    #[inline]
    pub fn header(&self) -> &'a [u8] {
        self.header
    }

    /// The payload, in the pieces in which it is stored.
    #[inline]
    pub fn payload(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let len = self.payload_len;
        let slices = self.text.map(|(buffer, at)| buffer.slices(at, len));
        slices.into_iter().flatten()
    }

    /// The payload as it lies in the send buffer, to be handed on without a copy; `None` if there is
    /// none, if it is in several pieces, or if more is written to the block it is in.
    #[inline]
    pub fn shared_payload(&self) -> Option<Bytes> {
        let (buffer, at) = self.text?;
        buffer.share(at, self.payload_len)
    }

    /// The length of the packet in bytes.
    #[expect(
        clippy::len_without_is_empty,
        reason = "there is no packet without a header"
    )]
    #[inline]
    pub fn len(&self) -> usize {
        self.header.len() + self.payload_len
    }

    /// For a super-segment, the payload bytes of each segment the device is to cut it into; `None`
    /// for a packet that goes out as it is.
    #[inline]
    pub fn segment_size(&self) -> Option<u16> {
        self.segment_size
    }

    /// Appends the packet to `packet`.
    pub fn write_to(&self, packet: &mut Vec<u8>) {
        packet.reserve(self.len());
        packet.extend_from_slice(self.header);
        for piece in self.payload() {
            packet.extend_from_slice(piece);
        }
    }
}

impl fmt::Debug for Transmit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transmit")
            .field("len", &self.len())
            .field("segment_size", &self.segment_size)
            .finish_non_exhaustive()
    }
}

/// The text of the packet whose header is in the scratch buffer.
struct Text {
    id: ConnId,
    offset: usize,
    len: usize,
    segment_size: Option<u16>,
    segments: u32,
}

impl Stack {
    /// Whether [`poll_transmit`](Self::poll_transmit) may have something.
    #[inline]
    pub fn wants_transmit(&self) -> bool {
        self.replies.len() > 0 || self.ready.front().is_some()
    }

    /// Whether all that [`poll_transmit`](Self::poll_transmit) has, if anything, are acknowledgements of
    /// text that came in order. A driver that is about to read more may leave them until it has: the
    /// next ones say the same, and the peers have fewer to work off. It must not do so for long
    /// (RFC 9293 MUST-40).
    #[inline]
    pub fn can_wait(&self) -> bool {
        !self.hurries && self.replies.len() == 0
    }

    /// The device does not take the packets of
    /// [`link_segmentation`](crate::config::StackConfig::link_segmentation), for want of memory say:
    /// none is made any more, and what was lost with them goes out in shorter ones.
    pub fn refuse_long(&mut self) {
        self.config.link_segmentation = None;
        self.ip.renew_paths();
    }

    /// The next packet to send; `None` when there is nothing to send now.
    ///
    /// Replies to packets come first, then connections in turn, a burst of segments each.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit<'_>> {
        let now = self.advance(now);
        let text = if self.next_reply() {
            None
        } else {
            self.next_segment(now)?
        };
        let payload_len = text.as_ref().map_or(0, |text| text.len);
        self.stats.packets_out += 1;
        self.stats.bytes_out += (self.scratch.bytes().len() + payload_len) as u64;
        let source = text.as_ref().and_then(|text| {
            let held = self.conns.get(text.id)?;
            Some((held.conn.send_buffer(), text.offset))
        });
        Some(Transmit {
            header: self.scratch.bytes(),
            text: source,
            payload_len,
            segment_size: text.and_then(|text| text.segment_size),
        })
    }

    /// Puts the next reply into the scratch buffer; false when there is none.
    fn next_reply(&mut self) -> bool {
        while let Some(reply) = self.replies.pop() {
            match reply {
                Reply::Packet(packet) => {
                    self.scratch.set(&packet);
                    return true;
                }
                Reply::Control(control) => {
                    if self.write_control(control) {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Writes a segment without text.
    fn write_control(&mut self, control: Control) -> bool {
        let tuple = control.tuple;
        let flow_label = match tuple.is_ipv6() {
            true => isn::flow_label(&self.secrets, &TupleKey::new(&tuple)),
            false => 0,
        };
        let route = Route {
            tuple,
            ttl: control.ttl,
            tos: control.tos,
            flow_label,
            source_route: control.route.as_deref(),
        };
        let segment = Segment {
            src_port: tuple.local.port(),
            dst_port: tuple.remote.port(),
            seq: control.seq,
            ack: control.ack,
            ctl: control.ctl,
            wnd: control.wnd,
            up: 0,
            opts: control.opts,
            ecn: Default::default(),
            source_route: None,
            malformed_options: false,
            text: &[],
        };
        let sum = (!self.config.checksum_offload).then_some(Sum::ZERO);
        self.stats.segments_out += 1;
        write_headers(
            &mut self.scratch,
            &route,
            &segment,
            &output::Text { len: 0, sum },
        )
    }

    /// Lets the connections whose turn it is make a segment, and puts its header into the scratch
    /// buffer; `None` when none of them has one.
    fn next_segment(&mut self, now: Instant) -> Option<Option<Text>> {
        loop {
            let Some(id) = self.ready.front() else {
                self.hurries = false;
                return None;
            };
            let Some(held) = self.conns.get_mut(id) else {
                self.ready.pop();
                continue;
            };
            let mut ctx = Ctx {
                now,
                stats: &mut self.stats,
                replies: &mut self.replies,
                share: self.budget.share(),
                trials: &mut self.ecn_trials,
            };
            if held.path_epoch != self.ip.path_epoch() {
                held.path_epoch = self.ip.path_epoch();
                let remote = held.conn.tuple().remote.ip();
                held.conn.set_path_mtu(self.ip.path_mtu(remote));
                if let Some(longest) = self.config.longest_to(remote) {
                    held.conn.set_segmentation(longest);
                }
            }
            let any = held.conn.transmit(&mut ctx, &mut self.segment);
            held.is_ready = any && held.conn.may_transmit();
            let offload = self.config.checksum_offload;
            let written = match any {
                true => held.write(id, &self.segment, offload, &mut self.scratch),
                false => None,
            };
            if let Some(text) = &written {
                self.stats.segments_out += u64::from(text.segments);
            }
            if held.is_ready {
                self.ready
                    .spend(written.as_ref().map_or(1, |text| text.segments));
            } else {
                self.ready.pop();
            }
            let after = self.config.dormant_after;
            let (wheel, events, stats) = (&mut self.wheel, &mut self.events, &mut self.stats);
            let state = held.settle_lists(now, id, after, wheel, events, stats);
            if matches!(state, State::TimeWait | State::Closed) {
                self.leave(now, id, state);
            }
            if let Some(text) = written {
                return Some((text.len > 0).then_some(text));
            }
        }
    }
}

impl Held {
    /// Writes the headers of a segment; returns where its text is, or nothing if the packet would be
    /// longer than IP can say.
    #[inline]
    fn write(
        &self,
        id: ConnId,
        out: &SegmentOut,
        checksum_offload: bool,
        headers: &mut Scratch,
    ) -> Option<Text> {
        let route = Route {
            tuple: self.conn.tuple(),
            ttl: out.ttl,
            tos: out.tos,
            flow_label: self.flow_label,
            source_route: self.conn.source_route(),
        };
        let sum = match checksum_offload {
            true => None,
            false if out.len == 0 => Some(Sum::ZERO),
            false => Some(match self.conn.text_piece(out.offset, out.len) {
                Some(piece) => Sum::of(piece),
                None => output::sum_of(self.conn.text(out.offset, out.len)),
            }),
        };
        let (len, segments) = (out.len, out.segments());
        let fits = write_headers(headers, &route, &out.header, &output::Text { len, sum });
        debug_assert!(fits, "a segment longer than IP can say");
        fits.then_some(Text {
            id,
            offset: out.offset,
            len,
            segment_size: out.segment_size,
            segments,
        })
    }
}

#[cfg(test)]
mod tests;
