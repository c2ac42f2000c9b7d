//! The send window (RFC 9293 §3.10.7.4 fifth, §3.8.6).

use estab_timer::Timer;

use super::Arrival;
use crate::tcp::connection::{Connection, Is};

impl Connection {
    /// Takes the segment's window unless an older segment overtook a newer one. Returns whether it
    /// differs from the one before.
    pub(super) fn update_window(&mut self, arrival: &Arrival<'_, '_>) -> bool {
        let seg = arrival.seg;
        let newer = self.snd.wl1.before(seg.seq)
            || (self.snd.wl1 == seg.seq && self.snd.wl2.before_eq(seg.ack));
        if !newer {
            return false;
        }
        let wnd = seg.wnd.bytes(self.snd.scale);
        let changed = wnd != self.snd.wnd;
        self.snd.wnd = wnd;
        self.snd.max_wnd = self.snd.max_wnd.max(wnd);
        self.snd.wl1 = seg.seq;
        self.snd.wl2 = seg.ack;
        if changed && wnd > 0 {
            self.persist.stop();
            self.timers.cancel(Timer::Persist);
            self.is.remove(Is::OVERRIDE);
        }
        changed
    }
}
