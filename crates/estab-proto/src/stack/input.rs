//! A TCP segment comes in: who holds its four-tuple?

use core::net::{IpAddr, SocketAddr};

use estab_timer::Instant;

use crate::addr::FourTuple;
use crate::stack::demux::Slot;
use crate::stack::recent::Recent;
use crate::stack::{RxMeta, Stack};
use crate::tcp::Control;
use crate::wire::tcp::{Flags, Segment};
use crate::wire::{EcnCodepoint, SourceRoute, WireError};

impl Stack {
    /// A TCP segment arrives, addressed to us by one host.
    #[inline]
    pub(crate) fn tcp_input(
        &mut self,
        now: Instant,
        (src, dst): (IpAddr, IpAddr),
        ecn: EcnCodepoint,
        route: Option<&SourceRoute>,
        bytes: &[u8],
        meta: RxMeta<'_>,
    ) {
        let Some(mut seg) = self.read_segment((src, dst), ecn, bytes, meta) else {
            return;
        };
        seg.source_route = route;
        let tuple = FourTuple {
            local: SocketAddr::new(dst, seg.dst_port),
            remote: SocketAddr::new(src, seg.src_port),
        };
        let last = self.recent.id;
        if self.conns.get(last).is_some_and(|it| it.holds(&tuple)) {
            self.with_conn(now, last, |conn, ctx| conn.input(ctx, &seg, meta));
            return;
        }
        self.stats.flow_lookups += 1;
        match self.holder(&tuple) {
            Some(Slot::Connection(id)) => {
                self.recent = Recent::new(id, &tuple);
                self.with_conn(now, id, |conn, ctx| conn.input(ctx, &seg, meta));
            }
            Some(Slot::HalfOpen(id)) => self.half_open_input(now, id, tuple, &seg, meta),
            Some(Slot::TimeWait(id)) => self.time_wait_input(now, id, tuple, &seg),
            Some(Slot::Incoming(id)) => self.incoming_input(now, id, tuple, &seg),
            None => self.unclaimed_input(now, tuple, &seg, meta),
        }
    }

    /// Reads and counts a segment; `None` if it is not sound.
    #[inline]
    pub(super) fn read_segment<'a>(
        &mut self,
        (src, dst): (IpAddr, IpAddr),
        ecn: EcnCodepoint,
        bytes: &'a [u8],
        meta: RxMeta<'a>,
    ) -> Option<Segment<'a>> {
        let apart = meta.payload.map_or(&[][..], |payload| payload);
        let verify = !meta.checksum_verified;
        let mut seg = match Segment::parse_with(bytes, apart, src, dst, verify) {
            Ok(seg) => seg,
            Err(WireError::BadChecksum) => {
                self.stats.drop_tcp_checksum += 1;
                return None;
            }
            Err(_) => {
                self.stats.drop_tcp_malformed += 1;
                return None;
            }
        };
        seg.ecn = ecn;
        self.stats.segments_in += u64::from(meta.segments(seg.text.len()));
        self.stats.tcp_bad_options += u64::from(seg.malformed_options);
        Some(seg)
    }

    /// Nobody holds the four-tuple: it is a listener's, or it is refused.
    fn unclaimed_input(
        &mut self,
        now: Instant,
        tuple: FourTuple,
        seg: &Segment<'_>,
        meta: RxMeta<'_>,
    ) {
        // Port 0 names nobody (RFC 9293 §3.1 leaves it, RFC 6335 §6 reserves it).
        if tuple.local.port() == 0 || tuple.remote.port() == 0 {
            self.stats.drop_tcp_no_connection += 1;
            return;
        }
        match self.listeners.find(tuple.local) {
            Some(listener) => {
                if !self.cookie_input(now, listener, tuple, seg, meta) {
                    self.listen_input(now, listener, tuple, seg, None);
                }
            }
            None => {
                self.stats.drop_tcp_no_connection += 1;
                self.reset(tuple, seg);
            }
        }
    }

    /// Answers a segment that belongs to no connection with a RST, unless it is one itself
    /// (RFC 9293 §3.10.7.1).
    pub(super) fn reset(&mut self, tuple: FourTuple, seg: &Segment<'_>) {
        let Some(mut reset) = Control::reset_for(tuple, seg) else {
            return;
        };
        if !self.ip.resets.take(self.now, &mut self.secrets) {
            self.stats.resets_limited += 1;
            return;
        }
        reset.ttl = self.config.tcp.ttl;
        self.push_reset(reset);
    }

    /// Queues a RST.
    pub(super) fn push_reset(&mut self, reset: Control) {
        debug_assert!(reset.ctl.contains(Flags::RST));
        self.stats.resets_out += 1;
        self.replies.push_control(reset);
    }
}

#[cfg(test)]
mod tests;
