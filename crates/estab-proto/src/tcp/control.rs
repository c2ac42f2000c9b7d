//! A segment without text: SYN-ACK, RST, challenge ACK and their like.

use alloc::sync::Arc;

use crate::addr::FourTuple;
use crate::seq::{SeqNumber, WireWindow};
use crate::tcp::source_route::route_of;
use crate::wire::SourceRoute;
use crate::wire::tcp::{Flags, Segment, TcpOptions};

/// A segment without text, complete but for its checksum.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    /// Who sends it to whom: `local` is the source.
    pub(crate) tuple: FourTuple,
    pub(crate) seq: SeqNumber,
    /// Sent only if `ctl` has ACK.
    pub(crate) ack: SeqNumber,
    pub(crate) ctl: Flags,
    pub(crate) wnd: WireWindow,
    pub(crate) opts: TcpOptions,
    pub(crate) ttl: u8,
    pub(crate) tos: u8,
    pub(crate) route: Option<Arc<SourceRoute>>,
}

impl Control {
    /// The answer to `seg`, which belongs to no connection (RFC 9293 §3.10.7.1); `None` if it is
    /// a RST itself. `tuple` is seen from us: the segment came from `tuple.remote`.
    pub(crate) fn reset_for(tuple: FourTuple, seg: &Segment<'_>) -> Option<Self> {
        if seg.has(Flags::RST) {
            return None;
        }
        let (seq, ack, ctl) = if seg.has(Flags::ACK) {
            (seg.ack, SeqNumber::default(), Flags::RST)
        } else {
            (
                SeqNumber::default(),
                seg.seq + seg.len(),
                Flags::RST | Flags::ACK,
            )
        };
        Some(Self {
            tuple,
            seq,
            ack,
            ctl,
            wnd: WireWindow(0),
            opts: TcpOptions::default(),
            ttl: 64,
            tos: 0,
            route: route_of(seg),
        })
    }
}
