//! Settings of one connection.

use estab_timer::{Duration, Instant, KeepaliveConfig, Timer, UserTimeout};

use crate::config::variants::{Change, Variants};
use crate::tcp::connection::{Connection, Is, Notices};

impl Connection {
    /// Whether Nagle's algorithm is off.
    pub(crate) fn nodelay(&self) -> bool {
        self.is.contains(Is::NODELAY)
    }

    /// Switches Nagle's algorithm (RFC 9293 MUST-17). Switching it off lets go what a cork holds.
    pub(crate) fn set_nodelay(&mut self, nodelay: bool) {
        if nodelay && !self.nodelay() && self.cork() && self.unsent() > 0 {
            self.is |= Is::OVERRIDE;
        }
        self.is.set(Is::NODELAY, nodelay);
    }

    /// Whether only full segments go.
    pub(crate) fn cork(&self) -> bool {
        self.is.contains(Is::CORK)
    }

    /// Holds back what does not fill a segment, or lets it go. The timeout of sender SWS avoidance
    /// bounds the wait (RFC 9293 §3.8.6.2.1).
    pub(crate) fn set_cork(&mut self, cork: bool) {
        self.is.set(Is::CORK, cork);
    }

    /// Sends the acknowledgement that waits, and those of the next segments at once; or lets all
    /// wait for company again.
    pub(crate) fn set_quick_ack(&mut self, quick: bool) {
        self.delayed_ack.set_interactive(!quick);
        if quick {
            self.delayed_ack
                .enter_quick(self.config.delayed_ack.quick_segments);
            if self.delayed_ack.pending() {
                self.acks_due = self.acks_due.max(1);
            }
        }
    }

    /// Bytes that may wait for their first transmission.
    pub(crate) fn unsent_limit(&self) -> Option<u32> {
        self.config.unsent_limit
    }

    /// Sets it.
    pub(crate) fn set_unsent_limit(&mut self, variants: &mut Variants, bytes: Option<u32>) {
        variants.change(&mut self.config, Change::UnsentLimit(bytes));
        self.notices |= Notices::WRITABLE;
    }

    /// The most to send at, in bytes per second, where sending is paced.
    pub(crate) fn max_pacing_rate(&self) -> Option<u64> {
        self.config.max_pacing_rate
    }

    /// Sets it. What waits for its turn at the old rate waits no more.
    pub(crate) fn set_max_pacing_rate(&mut self, variants: &mut Variants, rate: Option<u64>) {
        if rate != self.config.max_pacing_rate {
            variants.change(&mut self.config, Change::MaxPacingRate(rate));
            self.timers.cancel(Timer::Pacing);
            self.pacer.release();
        }
    }

    /// The keepalive setting.
    pub(crate) fn keepalive(&self) -> Option<&KeepaliveConfig> {
        self.config.keepalive.as_ref()
    }

    /// Switches keepalive (RFC 9293 MUST-24, MUST-27).
    pub(crate) fn set_keepalive(
        &mut self,
        variants: &mut Variants,
        now: Instant,
        keepalive: Option<KeepaliveConfig>,
    ) {
        variants.change(&mut self.config, Change::Keepalive(keepalive));
        self.rearm_keepalive(now);
    }

    /// The time-to-live or hop limit of our packets.
    pub(crate) fn ttl(&self) -> u8 {
        self.ttl
    }

    /// Sets it (RFC 9293 MUST-49); 0 counts as 1.
    pub(crate) fn set_ttl(&mut self, ttl: u8) {
        self.ttl = ttl.max(1);
    }

    /// The Diffserv field of our packets.
    pub(crate) fn tos(&self) -> u8 {
        self.tos
    }

    /// Sets it (RFC 9293 MUST-48, SHLD-21); the low two bits belong to ECN and stay clear.
    // RFC 9293: SHLD-22.
    pub(crate) fn set_tos(&mut self, tos: u8) {
        self.tos = tos & !0b11;
    }

    /// What happens to unsent bytes on [`close`](Self::close).
    pub(crate) fn linger(&self) -> Option<Duration> {
        self.config.linger
    }

    /// Sets it.
    pub(crate) fn set_linger(&mut self, variants: &mut Variants, linger: Option<Duration>) {
        variants.change(&mut self.config, Change::Linger(linger));
    }

    /// How long something may stay unacknowledged.
    pub(crate) fn user_timeout(&self) -> UserTimeout {
        self.config.give_up.user_timeout
    }

    /// Sets it (RFC 9293 MUST-21).
    pub(crate) fn set_user_timeout(&mut self, variants: &mut Variants, timeout: UserTimeout) {
        variants.change(&mut self.config, Change::UserTimeout(timeout));
        self.rearm_user_timeout();
    }

    /// Fixes the receive buffer at `bytes` and switches its autotuning off. The window already
    /// announced stays good.
    pub(crate) fn set_recv_buffer(&mut self, bytes: u32) {
        self.recv.set_capacity(bytes);
        self.tuner = crate::buffer::RecvTuner::new(bytes, bytes);
    }

    /// Fixes the send buffer at `bytes` and switches its autotuning off.
    pub(crate) fn set_send_buffer(&mut self, variants: &mut Variants, bytes: u32) {
        variants.change(&mut self.config, Change::SendBuffer(bytes));
        self.send_limit = bytes;
    }
}
