//! What a connection holds, and how much it may hold: windows that follow use, and the stack's budget
//! (`buffer/budget`), which every call brings along as the connection's [`Share`].

use super::connection::{Connection, Ctx, Is};
use crate::buffer::{SendTuner, Share};

impl Connection {
    /// Bytes that may be queued now without exceeding the send buffer, or what may wait in it.
    pub(crate) fn send_room(&self, share: Share) -> usize {
        let most = (self.send_limit as usize).min(share.bytes());
        let room = most.saturating_sub(self.send.len());
        match self.config.unsent_limit {
            Some(limit) => room.min(limit.saturating_sub(self.unsent()) as usize),
            None => room,
        }
    }

    /// Lets the send buffer follow the congestion window. A window that grows in recovery too wants
    /// half as much again, for what was delivered behind a hole stays in the buffer.
    pub(super) fn tune_send_buffer(&mut self) {
        let config = self.config.send_buffer;
        let tuner = SendTuner::new(config.initial as usize, config.max as usize);
        let cwnd = self.cc.cwnd();
        let extra = if self.cc.uses_prr() { 0 } else { cwnd / 2 };
        let target = tuner.target(cwnd.saturating_add(extra)) as u32;
        // While anything is outstanding the window may be small only for a while.
        if target > self.send_limit || self.send.is_empty() {
            self.send_limit = target;
        }
    }

    /// The application took `consumed` bytes: the receive buffer follows.
    pub(super) fn tune_recv_buffer(&mut self, ctx: &Ctx<'_>, consumed: u32) {
        let rtt = self.rtt.srtt();
        if ctx.share.is_unlimited() {
            let _ = self.tuner.on_consumed(ctx.now, consumed, rtt);
        }
        self.fit_recv_buffer(ctx.share);
    }

    /// Text that ends `span` bytes beyond RCV.NXT waits for a hole to be filled: the receive buffer
    /// grows meanwhile. Without SACK it does not, since acknowledgements that move the window are no
    /// duplicates (RFC 5681 §2). Half of the span at least must have arrived: a window shall cost who
    /// opens it what it costs us.
    pub(super) fn tune_beyond_hole(&mut self, ctx: &Ctx<'_>, span: u32) {
        if ctx.share.is_unlimited() && self.is.contains(Is::SACK) && self.recv.held() == 0 {
            let held = self.recv.allocated() - self.recv.allocated_in_order();
            let earned = u32::try_from(2 * held).unwrap_or(u32::MAX);
            self.tuner.on_beyond(span.min(earned));
            self.fit_recv_buffer(ctx.share);
        }
    }

    /// Gives the receive buffer the capacity that its use asks for and there is memory for: at least
    /// one unit of the window, so that it can open at all.
    pub(super) fn fit_recv_buffer(&mut self, share: Share) {
        let unit = 1 << self.rcv.scale.shift();
        let most = u32::try_from(share.bytes()).unwrap_or(u32::MAX).max(unit);
        self.recv.set_capacity(self.tuner.capacity().min(most));
    }

    /// How much of `len` bytes of received text there is memory for. What is in order is worth more:
    /// the application can take it, and what is held beyond a hole with it.
    pub(super) fn admit(&self, share: Share, in_order: bool, len: usize) -> usize {
        let room = if in_order {
            share.bytes().saturating_sub(self.recv.allocated_in_order())
        } else {
            share.beyond_reserve().saturating_sub(self.recv.allocated())
        };
        len.min(room)
    }

    /// Drops what is held beyond holes, for want of memory; returns how many bytes. The peer still
    /// has them (RFC 2018 §8).
    pub(crate) fn prune(&mut self) -> u64 {
        self.recv.drop_out_of_order()
    }

    /// Whether text is held beyond a hole.
    pub(crate) fn has_out_of_order(&self) -> bool {
        self.recv.has_out_of_order()
    }

    /// Heap bytes and record of this connection.
    pub(crate) fn memory(&self) -> usize {
        size_of::<Self>() + self.buffered()
    }

    /// Heap bytes of its two buffers, and of the records of what is outstanding.
    #[inline]
    pub(crate) fn buffered(&self) -> usize {
        self.send.allocated() + self.recv.allocated() + self.recovery.allocated()
    }

    /// Gives back memory that is kept for what may come. Nothing that is held is lost, and nothing a
    /// peer or an application can tell changes: meant for a connection that is quiet.
    pub(crate) fn shrink(&mut self) {
        self.send.shrink();
        self.recv.shrink();
        self.recovery.shrink();
    }
}
