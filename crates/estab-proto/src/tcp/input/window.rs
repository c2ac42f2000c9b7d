//! The send window (RFC 9293 §3.10.7.4 fifth, §3.8.6).

use estab_timer::Timer;

use super::Arrival;
use crate::seq::WindowScale;
use crate::tcp::connection::{Connection, Is};
use crate::wire::tcp::{Flags, Segment};

impl Connection {
    /// Takes the segment's window unless a newer segment overtook it. Returns whether it differs
    /// from the one before.
    ///
    /// A higher acknowledgement is newer whatever the sequence number: a retransmission carries an
    /// old one. By SEG.SEQ alone, as the RFC has it, SND.UNA would move on under the old window,
    /// and the edge beyond what the peer offered.
    #[inline]
    pub(super) fn update_window(&mut self, arrival: &Arrival<'_, '_>) -> bool {
        let seg = arrival.seg;
        let newer = self.snd.wl2.before(seg.ack)
            || self.snd.wl1.before(seg.seq)
            || (self.snd.wl1 == seg.seq && self.snd.wl2.before_eq(seg.ack));
        if !newer {
            return false;
        }
        let wnd = self.offered_window(seg);
        let changed = wnd != self.snd.wnd;
        let opened = self.snd.wnd == 0 && wnd > 0;
        self.snd.wnd = wnd;
        self.snd.max_wnd = self.snd.max_wnd.max(wnd);
        self.snd.wl1 = seg.seq;
        self.snd.wl2 = seg.ack;
        if opened {
            // Probing is over. What is too small still waits for no more than the override
            // timeout, which other small windows do not put off.
            self.persist.stop();
            self.timers.cancel(Timer::Persist);
            self.is.remove(Is::OVERRIDE);
        }
        changed
    }
    /// The window a segment offers, in bytes: that of a SYN is never scaled (RFC 7323 §2.2), not
    /// even when it comes once more.
    #[inline]
    pub(super) fn offered_window(&self, seg: &Segment<'_>) -> u32 {
        let scaled = !seg.has(Flags::SYN);
        seg.wnd.bytes(if scaled {
            self.snd.scale
        } else {
            WindowScale::NONE
        })
    }
}
