//! When new data may go: windows, Nagle's algorithm, sender SWS avoidance
//! (RFC 9293 §3.7.4, §3.8.6.2.1).

use crate::tcp::connection::{Connection, Is};

/// New data that may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tcp) struct NewData {
    /// Bytes of text; 0 only with `fin`.
    pub(in crate::tcp) len: u32,
    /// Whether the FIN goes with them.
    pub(in crate::tcp) fin: bool,
}

impl Connection {
    /// The next segment of new data, if the rules let it go.
    // RFC 9293: MUST-38, SHLD-15, SHLD-28.
    pub(in crate::tcp) fn next_data(&self) -> Option<NewData> {
        if !self.has_unsent() {
            return None;
        }
        let unsent = self.unsent();
        let usable = self.snd.usable();
        let full = self.text_room();
        let offered = unsent.min(usable).min(full);
        let len = offered.min(self.recovery.quota(&self.cc));
        let all = len == unsent;
        // The FIN takes a number of its own in the peer's window, but none in cwnd: it would only
        // be in the way of the acknowledgements it waits for.
        let fin = self.fin_due() && all && usable > len;
        if len == 0 {
            return fin.then_some(NewData { len, fin });
        }
        let may_go = len == full
            || fin
            || self.is.contains(Is::OVERRIDE)
            || (self.is_pushed(all) && len == offered)
            || (self.nagle_permits() && len == offered && len >= self.snd.max_wnd / 2);
        may_go.then_some(NewData { len, fin })
    }

    /// Whether a small segment with the last queued bytes may leave now: Nagle holds it while
    /// anything is unacknowledged, but neither urgent bytes nor the end of the stream.
    // RFC 9293: MUST-60, SHLD-7, MAY-16.
    fn is_pushed(&self, all: bool) -> bool {
        all && (self.nagle_permits() || self.fin_due() || self.snd.up.is_some())
    }

    fn nagle_permits(&self) -> bool {
        self.is.contains(Is::NODELAY) || self.snd.una == self.snd.nxt
    }

    /// Bytes of text that fit a segment with the options it will carry.
    pub(in crate::tcp) fn text_room(&self) -> u32 {
        let blocks = self.sack_blocks_len();
        self.snd_mss().saturating_sub(blocks).max(1)
    }
}
