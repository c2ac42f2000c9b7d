//! When new data may go: windows, Nagle's algorithm, sender SWS avoidance
//! (RFC 9293 §3.7.4, §3.8.6.2.1).

use crate::recovery::Supply;
use crate::tcp::connection::{Connection, Is};
use crate::tcp::negotiate::{TCP_HEADER, ip_header};
use crate::wire::tcp::MAX_OPTIONS_LEN;

/// New data that may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tcp) struct NewData {
    /// Bytes of text; 0 only with `fin`.
    pub(in crate::tcp) len: u32,
    /// Whether the FIN goes with them.
    pub(in crate::tcp) fin: bool,
    /// Bytes of text that a segment of the network has room for.
    pub(in crate::tcp) full: u32,
}

impl Connection {
    /// The next segment of new data, if the rules let it go; as many full-sized ones in one, and
    /// what may follow them, as the device is ready to cut.
    // RFC 9293: MUST-38, SHLD-15, SHLD-28.
    #[inline]
    pub(in crate::tcp) fn next_data(&self) -> Option<NewData> {
        let (unsent, fin_due) = (self.unsent(), self.fin_due());
        if (unsent == 0 && !fin_due) || self.holds_new_data() {
            return None;
        }
        let (usable, full) = (self.snd.usable(), self.text_room());
        let offered = unsent.min(usable);
        let most = offered.min(self.longest_text(full));
        let len = self.recovery.quota_of(&self.cc, most);
        // The FIN takes a number of its own in the peer's window, but none in cwnd: it would only
        // be in the way of the acknowledgements it waits for.
        let fin = fin_due && len == unsent && usable > len;
        let tail = match len {
            short if short < full => short,
            single if single == full => 0,
            several => several % full,
        };
        let whole = len - tail;
        let tail_is_cut = tail < full.min(offered - whole);
        if tail == 0 {
            (len > 0 || fin).then_some(NewData { len, fin, full })
        } else if fin || self.small_may_go(tail, whole, len == unsent, tail_is_cut) {
            Some(NewData { len, fin, full })
        } else {
            (whole > 0).then_some(NewData {
                len: whole,
                fin: false,
                full,
            })
        }
    }

    /// Whether a segment of `len` bytes, less than a full one, may leave now, after `before` bytes
    /// that do so too. It ends the stream so far if `all`; `is_cut` says that it is so small because
    /// of the congestion window.
    #[inline]
    fn small_may_go(&self, len: u32, before: u32, all: bool, is_cut: bool) -> bool {
        let nagle_permits = !self.is.contains(Is::CORK)
            && (self.is.contains(Is::NODELAY) || (before == 0 && self.snd.una == self.snd.nxt));
        let worthwhile = (all && self.is_pushed(nagle_permits))
            || (nagle_permits && len >= self.snd.max_wnd / 2);
        (worthwhile && !is_cut) || (before == 0 && self.is.contains(Is::OVERRIDE))
    }

    /// What limits the flight beside the congestion window, if a segment has room for `full` bytes.
    #[inline]
    pub(super) fn supply(&self, full: u32) -> Supply {
        let another = self.unsent().min(self.snd.usable()) >= full;
        if another || self.next_data().is_some() {
            Supply::Plenty
        } else if self.send.len() >= self.send_limit as usize {
            Supply::Buffered
        } else {
            Supply::Exhausted
        }
    }

    /// Whether a small segment with the last queued bytes may leave now: Nagle holds it while
    /// anything is unacknowledged, a cork in any case, but neither urgent bytes nor the end of the
    /// stream, nor what shall tell whether a timeout was spurious (RFC 5682 §2.1 step 2b).
    // RFC 9293: MUST-60, SHLD-7, MAY-16.
    #[inline]
    fn is_pushed(&self, nagle_permits: bool) -> bool {
        nagle_permits || self.fin_due() || self.snd.up.is_some() || self.recovery.wants_new_data()
    }

    /// Bytes of text that the next segment may have, if each one of the network has `full`: more
    /// than that only where the device cuts it. The urgent pointer counts from each segment, and CWR
    /// is for one alone: a segment with either stays single. So does one that options make shorter
    /// than the MSS, by which recovery tells where a super-segment was cut, and one with a source
    /// route, which no device need know how to cut.
    #[inline]
    fn longest_text(&self, full: u32) -> u32 {
        let headers = ip_header(self.tuple.is_ipv6()) + TCP_HEADER + MAX_OPTIONS_LEN as u32;
        let longest = self.longest_packet.saturating_sub(headers);
        let longest = longest.min(self.pacer.quantum());
        let is_single = longest < full
            || full != self.snd_mss()
            || self.snd.up.is_some()
            || self.sends_cwr_bit()
            || self.route.is_some();
        if is_single {
            full
        } else {
            longest - longest % full
        }
    }

    /// Bytes of text in the longest segment that may be sent now.
    pub(crate) fn send_unit(&self) -> usize {
        self.longest_text(self.text_room()) as usize
    }

    /// Bytes of text that fit a segment with the options it will carry.
    #[inline]
    pub(in crate::tcp) fn text_room(&self) -> u32 {
        if self.ecn.is_none() && !self.has_sack() {
            return self.snd_mss().max(1);
        }
        let options = self.changing_options_len(self.next_accecn_option().as_ref());
        self.snd_mss().saturating_sub(options).max(1)
    }
}
