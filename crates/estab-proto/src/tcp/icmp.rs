//! What routers and hosts report about our segments (RFC 9293 §3.9.2.2, RFC 5927, RFC 1191,
//! RFC 8201).

use crate::error::{ConnectionError, SoftError};
use crate::seq::SeqNumber;
use crate::tcp::connection::{Connection, Ctx, Notices};
use crate::tcp::negotiate::{TCP_HEADER, ip_header};

/// What an ICMP error means to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IcmpKind {
    /// Nobody listens, or the way is barred: ends an active open, is a hint otherwise.
    Hard(ConnectionError, SoftError),
    /// A hint.
    Soft(SoftError),
    /// A packet was too big; the link takes this many bytes.
    PathMtu(u32),
}

impl Connection {
    /// An ICMP error that quotes a segment of this connection. Returns whether the quote is
    /// credible: its sequence number must be in flight (RFC 5927 §4.1).
    // RFC 9293: MUST-56, SHLD-25, SHLD-26.
    pub(crate) fn icmp(&mut self, ctx: &mut Ctx<'_>, kind: IcmpKind, seq: SeqNumber) -> bool {
        if !seq.within(self.snd.una, self.snd.nxt - self.snd.una) {
            return false;
        }
        match kind {
            IcmpKind::Hard(error, _) if !self.state.is_synchronized() && !self.is_passive() => {
                self.finish(ctx, Some(error));
            }
            IcmpKind::Hard(_, soft) | IcmpKind::Soft(soft) => {
                self.soft_error = Some(soft);
                self.notices |= Notices::SOFT_ERROR;
            }
            // The stack keeps the path MTUs, and tells the connections once this quote proved credible.
            IcmpKind::PathMtu(_) => {}
        }
        true
    }

    /// Cuts segments to the path as it is known now. What is out and does not fit a smaller path is
    /// sent again, without taking it for congestion (RFC 1191 §6.4, RFC 8201 §5.4); a larger one
    /// is known only after the smaller was forgotten (RFC 1191 §6.3).
    pub(crate) fn set_path_mtu(&mut self, mtu: u32) {
        let least = ip_header(self.tuple.is_ipv6()) + TCP_HEADER;
        if mtu == self.path_mtu || mtu <= least {
            return;
        }
        let shrinks = mtu < self.path_mtu;
        self.path_mtu = mtu;
        if self.state.is_synchronized() {
            let mss = self.agreed_mss();
            self.recovery.set_mss(mss);
            self.cc.set_mss(mss);
            if shrinks {
                self.recovery.on_mtu_reduced();
            }
        }
    }
}
