//! Pacing: text waits for its turn, acknowledgements do not.

use estab_timer::{Duration, Instant, Timer};

use crate::congestion::{Pacing, Rate, Sent, Window};
use crate::tcp::connection::Connection;

/// A window that is out within a burst cannot be spread.
const SHORT: Duration = Duration::from_millis(1);

impl Connection {
    /// Whether the pacer holds text back.
    #[inline]
    pub(super) fn is_held(&self) -> bool {
        self.timers.is_armed(Timer::Pacing)
    }

    /// To be called when an acknowledgement was processed: what it released need not wait for the
    /// timer if it is nearly due.
    #[inline]
    pub(in crate::tcp) fn release_text(&mut self, now: Instant) {
        if self.is_held() && self.pacer.is_due(now) {
            self.timers.cancel(Timer::Pacing);
        }
    }

    /// The rate at which text is sent; `None` if that is as fast as the windows allow.
    #[inline]
    pub(in crate::tcp) fn pacing_rate(&self) -> Option<Rate> {
        let paced = match self.config.pacing {
            Pacing::Off => false,
            Pacing::Auto => self.cc.is_paced(),
            Pacing::On => true,
        };
        paced.then(|| Rate::of(&self.cc, self.rtt.srtt(), self.config.max_pacing_rate))?
    }

    /// To be called before more is queued and before an acknowledgement or a timer is processed: tells
    /// recovery if the application leaves the window unused.
    #[inline]
    pub(in crate::tcp) fn note_app_limit(&mut self) {
        if self.unsent() == 0 && self.state.is_synchronized() {
            self.recovery.on_app_limited(&self.cc);
        }
    }

    /// `len` sequence numbers were sent, new or again.
    #[inline]
    pub(super) fn note_sent(&mut self, now: Instant, len: u32) {
        let sent = Sent {
            bytes: len,
            in_flight: self.recovery.in_flight(),
            is_app_limited: self.recovery.is_app_limited(),
        };
        self.cc.on_sent(now, &sent);
        self.pace(now, len);
    }

    /// `len` bytes of text left: what follows is held back if it would be too soon.
    ///
    /// The first window is not spread, so that a short answer is there a round trip after the
    /// question; nor is a later one that is no larger, so that a loss in it shows at once.
    #[inline]
    fn pace(&mut self, now: Instant, len: u32) {
        let mss = self.snd_mss();
        let is_first = self.figures.bytes_sent <= u64::from(Window::initial(mss));
        let is_small = self.cc.cwnd() <= Window::initial(mss);
        let is_short = self.rtt.srtt().is_some_and(|srtt| srtt < SHORT);
        let is_free = self.cc.pacing_rate().is_none() && self.config.max_pacing_rate.is_none();
        if is_first || (is_free && (is_small || is_short)) {
            return self.pacer.release();
        }
        match self.pacing_rate() {
            None => self.pacer.release(),
            Some(rate) => {
                if let Some(next) = self.pacer.on_sent(now, len, mss, rate) {
                    self.timers.arm(Timer::Pacing, next);
                }
            }
        }
    }
}
