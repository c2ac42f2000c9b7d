//! The source route of a connection (RFC 9293 §3.9.2.1): the application's of an active open, the
//! reverse of the peer's of a passive one.

use alloc::sync::Arc;

use crate::tcp::connection::Connection;
use crate::tcp::negotiate::Handshake;
use crate::wire::SourceRoute;
use crate::wire::tcp::Segment;

/// The way back that a segment shows, to be kept.
pub(crate) fn route_of(seg: &Segment<'_>) -> Option<Arc<SourceRoute>> {
    seg.source_route.map(|route| Arc::new(route.clone()))
}

impl Handshake {
    /// The peer sends its SYN again: the way it took now counts.
    // RFC 9293: SHLD-24.
    pub(crate) fn take_route(&mut self, seg: &Segment<'_>) {
        self.route = route_of(seg).or(self.route.take());
    }
}

impl Connection {
    /// The way its segments take.
    pub(crate) fn source_route(&self) -> Option<&SourceRoute> {
        self.route.as_deref()
    }

    /// An acceptable segment came along another route than the one before: from now on its reverse
    /// is taken, but never instead of what the application of an active open said.
    // RFC 9293: MUST-52, MUST-53, SHLD-24.
    pub(super) fn take_route(&mut self, route: &SourceRoute) {
        if !self.is_passive() || self.source_route() == Some(route) {
            return;
        }
        self.route = Some(Arc::new(route.clone()));
        let mss = self.agreed_mss();
        self.recovery.set_mss(mss);
        self.cc.set_mss(mss);
    }

    /// Bytes of IP options in each segment. Where the peer may change the route there is room for the
    /// longest: the MSS must not follow whatever it sends.
    pub(super) fn route_len(&self) -> u32 {
        let len = match &self.route {
            None => 0,
            Some(_) if self.is_passive() => SourceRoute::MAX_OPTION_LEN,
            Some(route) => route.option_len(),
        };
        len as u32
    }
}
