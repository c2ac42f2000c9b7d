//! The window we announce (RFC 9293 §3.8.6, §3.8.6.2.2; RFC 7323 §2.3, §2.4).

use crate::seq::WireWindow;
use crate::tcp::connection::Connection;

impl Connection {
    /// The window field of the segment about to be sent; moves the right edge along.
    ///
    /// The edge moves right only by a worthwhile step, half the buffer or one segment (receiver
    /// SWS avoidance, MUST-39), and never left: what the shift cannot express is rounded up, and the
    /// few bytes that promises are taken when they come. Only where that has come to more than a
    /// quarter of the buffer, because the application reads nothing, it is rounded down, and what was
    /// announced before is still taken (RFC 7323 §2.4): the promises would have no end.
    #[inline]
    pub(super) fn select_window(&mut self) -> WireWindow {
        let current = self.rcv.wnd();
        let up = self.rcv.scale.round_up(current);
        let capacity = self.recv.capacity();
        let most = capacity.saturating_add(capacity / 4);
        let wnd = match self.window_step() {
            Some(larger) => larger,
            None if self.recv.held().saturating_add(up) <= most => up,
            None => current,
        };
        let field = self.rcv.scale.to_wire(wnd);
        let announced = field.bytes(self.rcv.scale);
        self.rcv.edge = self.rcv.edge.max(self.rcv.nxt + announced);
        field
    }

    /// The larger window that could be announced, if the step is worthwhile. After the peer's FIN
    /// none is: nothing more will come, and the record of TIME-WAIT keeps the edge as it is.
    // RFC 9293: MAY-8.
    #[inline]
    fn window_step(&self) -> Option<u32> {
        if !self.state.may_receive() {
            return None;
        }
        let current = self.rcv.wnd();
        let scale = self.rcv.scale;
        let free = scale.to_wire(self.recv.window()).bytes(scale);
        let step = (self.recv.capacity() / 2).min(u32::from(self.rcv.mss));
        (free > current && free - current >= step).then_some(free)
    }

    /// The application took bytes: the peer is told if its view of our window is small and can be
    /// at least doubled, so that a fast reader does not send an update per read.
    pub(in crate::tcp) fn consider_window_update(&mut self) {
        let current = self.rcv.wnd();
        if current > self.recv.capacity() / 2 {
            return;
        }
        if self
            .window_step()
            .is_some_and(|larger| larger >= current.saturating_mul(2))
        {
            self.acks_due = self.acks_due.max(1);
        }
    }
}
