//! What one end of one connection may send, given what it received.

use super::view::{ACK, FIN, RST, SYN, View};

/// Sent bytes are kept to be compared with their retransmissions, up to this many.
const KEPT: usize = 4 << 20;

/// One incarnation of a connection, seen from the end under test. Numbers are offsets from the
/// initial sequence numbers, unwrapped.
#[derive(Debug)]
pub(super) struct Flow {
    iss: u32,
    irs: Option<u32>,
    ipv6: bool,
    /// What our SYN and the peer's offered.
    ours: Offer,
    peers: Option<Offer>,
    /// The end of what was sent, SYN and FIN counted.
    snd_end: u64,
    fin_at: Option<u64>,
    text: Vec<u8>,
    /// The right edge of the peer's window, as far as it ever was.
    snd_edge: u64,
    /// The last acknowledgement sent, the right edge announced, and the end of what was received.
    rcv_ack: u64,
    rcv_edge: u64,
    rcv_end: u64,
    tsval: Option<u32>,
    /// Our SYN was ECN-capable: then everything may be (RFC 8257 §3.6).
    ect_on_all: bool,
    /// Our FIN was acknowledged, or the connection was reset.
    is_over: bool,
}

/// What a SYN says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer {
    pub(super) seq: u32,
    mss: Option<u16>,
    shift: Option<u8>,
    sack: bool,
    timestamps: bool,
    wnd: u16,
    /// What the flags ask or agree to of ECN.
    pub(super) ace: u8,
}

impl Offer {
    pub(super) fn of(view: &View) -> Self {
        Self {
            seq: view.seq,
            // None at all, if it is 0.
            mss: view.options.mss.filter(|mss| *mss > 0),
            shift: view.options.shift.map(|shift| shift.min(14)),
            sack: view.options.sack_permitted,
            timestamps: view.options.tsval.is_some(),
            wnd: view.wnd,
            ace: view.ace,
        }
    }
}

/// The offset of `number` from `base`, on the turn of 2³² that is nearest to `near`.
fn unwrap(number: u32, base: u32, near: u64) -> i64 {
    near as i64 + i64::from(number.wrapping_sub(base.wrapping_add(near as u32)) as i32)
}

macro_rules! ensure {
    ($condition:expr, $($what:tt)+) => {
        if !$condition {
            return Err(format!($($what)+));
        }
    };
}

impl Flow {
    /// A connection that begins with the SYN in `view`; `peer` is the SYN it answers, if any.
    pub(super) fn new(view: &View, peer: Option<Offer>, ipv6: bool) -> Self {
        Self {
            iss: view.seq,
            irs: peer.map(|peer| peer.seq),
            ipv6,
            ours: Offer::of(view),
            peers: peer,
            snd_end: 1,
            fin_at: None,
            text: Vec::new(),
            snd_edge: peer.map_or(1, |peer| 1 + u64::from(peer.wnd)),
            rcv_ack: 0,
            rcv_edge: 0,
            rcv_end: u64::from(peer.is_some()),
            tsval: None,
            ect_on_all: view.ecn != 0,
            is_over: false,
        }
    }

    /// The ECN flags of our SYN if `view` repeats it, perhaps without, even after a RST to something
    /// that was not acceptable.
    pub(super) fn asked_by(&self, view: &View) -> u8 {
        if self.iss == view.seq {
            self.ours.ace
        } else {
            0
        }
    }

    /// The same connection, whose SYN had these ECN flags before.
    pub(super) fn asking(mut self, ace: u8) -> Self {
        self.ours.ace |= ace;
        self
    }

    /// Whether `view`, a SYN that was sent, belongs to this incarnation. After its end it cannot,
    /// whatever the numbers.
    pub(super) fn begins_with(&self, view: &View) -> bool {
        !self.is_over
            && self.iss == view.seq
            && (!view.has(ACK) || self.irs.is_none_or(|irs| irs.wrapping_add(1) == view.ack))
    }

    fn both(&self, offered: impl Fn(&Offer) -> bool) -> bool {
        offered(&self.ours) && self.peers.as_ref().is_some_and(&offered)
    }

    fn shift(&self, offer: &Offer) -> u8 {
        if self.both(|offer| offer.shift.is_some()) {
            offer.shift.unwrap_or(0)
        } else {
            0
        }
    }

    /// The end under test received this.
    pub(super) fn on_received(&mut self, view: &View) {
        self.is_over |= view.has(RST);
        if view.has(SYN) && !view.has(RST) {
            let answers_us = !view.has(ACK) || view.ack == self.iss.wrapping_add(1);
            if self.irs.is_none() && answers_us {
                self.irs = Some(view.seq);
                self.peers = Some(Offer::of(view));
            }
        }
        if let Some(irs) = self.irs {
            let end = unwrap(view.seq, irs, self.rcv_end) + view.len() as i64;
            self.rcv_end = self.rcv_end.max(u64::try_from(end).unwrap_or(0));
        }
        if view.has(ACK) && !view.has(RST) {
            let shift = match (view.has(SYN), &self.peers) {
                (false, Some(peers)) => self.shift(peers),
                _ => 0,
            };
            let ack = unwrap(view.ack, self.iss, self.snd_end);
            if (0..=self.snd_end as i64).contains(&ack) {
                let edge = ack as u64 + (u64::from(view.wnd) << shift);
                self.snd_edge = self.snd_edge.max(edge);
                self.is_over |= self.fin_at.is_some_and(|fin_at| ack as u64 > fin_at);
            }
        }
    }

    /// The end under test sent this.
    ///
    /// # Errors
    ///
    /// The rule it breaks.
    pub(super) fn on_sent(&mut self, view: &View) -> Result<(), String> {
        if view.has(RST) {
            self.is_over = true;
            return Ok(());
        }
        ensure!(view.has(SYN) || view.has(ACK), "neither SYN nor ACK");
        self.check_options(view)?;
        self.check_ecn(view)?;
        let seq = unwrap(view.seq, self.iss, self.snd_end);
        ensure!(seq >= 0, "before the initial sequence number");
        let seq = seq as u64;
        ensure!(
            seq <= self.snd_end,
            "leaves a gap of {}",
            seq - self.snd_end
        );
        if !view.has(SYN) {
            self.check_text(view, seq)?;
        }
        self.snd_end = self.snd_end.max(seq + view.len());
        if view.has(ACK) {
            self.check_ack(view)?;
        }
        Ok(())
    }

    /// RFC 3168 §6.1.1 to §6.1.6, RFC 9768 §3.2.3.2.1, RFC 8311 §4.2.
    fn check_ecn(&self, view: &View) -> Result<(), String> {
        let agreed = self.both(|offer| offer.ace != 0);
        ensure!(view.ecn & 1 == 0, "ECT(1) or CE");
        if view.has(SYN) {
            let answers = view.has(ACK) && view.ace != 0;
            ensure!(!answers || agreed, "agrees to ECN that was not asked for");
            ensure!(
                view.has(ACK) || !view.options.accecn,
                "AccECN option on a SYN"
            );
            ensure!(
                view.ecn == 0 || (self.ect_on_all && view.ace != 0),
                "SYN with ECT"
            );
            return Ok(());
        }
        ensure!(view.ace == 0 || agreed, "ECN flags not agreed");
        ensure!(!view.options.accecn || agreed, "AccECN option not agreed");
        let new = unwrap(view.seq, self.iss, self.snd_end) == self.snd_end as i64;
        let may = agreed && (self.ect_on_all || (new && !view.text.is_empty()));
        ensure!(view.ecn == 0 || may, "ECT on what is no new data");
        Ok(())
    }

    fn check_options(&mut self, view: &View) -> Result<(), String> {
        let options = &view.options;
        if !view.has(SYN) {
            ensure!(options.mss.is_none(), "MSS outside of a SYN");
            ensure!(options.shift.is_none(), "window scale outside of a SYN");
            ensure!(!options.sack_permitted, "SACK-permitted outside of a SYN");
            let agreed = self.both(|offer| offer.timestamps);
            ensure!(
                agreed == options.tsval.is_some(),
                "timestamps agreed: {agreed}"
            );
            ensure!(
                options.sack.is_empty() || self.both(|offer| offer.sack),
                "SACK not agreed"
            );
        }
        if let Some(tsval) = options.tsval {
            let back = self
                .tsval
                .is_some_and(|last| (tsval.wrapping_sub(last) as i32) < 0);
            ensure!(!back, "timestamp goes back");
            self.tsval = Some(tsval);
        }
        Ok(())
    }

    fn check_text(&mut self, view: &View, seq: u64) -> Result<(), String> {
        let len = view.text.len() as u64;
        let end = seq + len;
        if len > 0 {
            let default = if self.ipv6 { 1220 } else { 536 };
            let mss = self.peers.and_then(|peers| peers.mss).unwrap_or(default);
            // Below this a peer does not decide how much a segment carries.
            let mss = usize::from(mss.max(48 + 40));
            let size = view.text.len() + view.options_len;
            ensure!(size <= mss, "{size} bytes exceed the peer's MSS of {mss}");
        }
        let fin = u64::from(view.has(FIN));
        // Not even a probe goes beyond the window: ours carry nothing.
        let beyond = (end + fin).saturating_sub(self.snd_edge.max(1));
        ensure!(
            beyond == 0 || len + fin == 0,
            "{beyond} bytes beyond the window"
        );
        if let Some(fin_at) = self.fin_at {
            ensure!(len == 0 || end <= fin_at, "data after the FIN");
            ensure!(fin == 0 || end == fin_at, "FIN moved");
        } else if fin == 1 {
            ensure!(end >= self.snd_end, "FIN before the last data");
            self.fin_at = Some(end);
        }
        if len > 0 {
            self.check_bytes(&view.text, seq)?;
        }
        Ok(())
    }

    /// What was sent once is what is sent again.
    fn check_bytes(&mut self, text: &[u8], seq: u64) -> Result<(), String> {
        // Text begins at offset 1, behind the SYN.
        ensure!(seq >= 1, "text in place of the SYN");
        for (offset, byte) in (seq as usize - 1..).zip(text) {
            match self.text.get(offset) {
                Some(sent) => ensure!(sent == byte, "retransmission differs at offset {offset}"),
                None if offset < KEPT => self.text.push(*byte),
                None => break,
            }
        }
        Ok(())
    }

    fn check_ack(&mut self, view: &View) -> Result<(), String> {
        let Some(irs) = self.irs else {
            return Err("acknowledges an unknown peer".into());
        };
        let ack = unwrap(view.ack, irs, self.rcv_ack.max(1));
        ensure!(ack >= self.rcv_ack as i64, "acknowledgement moves back");
        ensure!(ack <= self.rcv_end as i64, "acknowledges what never came");
        let ack = ack as u64;
        self.rcv_ack = ack;
        let shift = if view.has(SYN) {
            0
        } else {
            self.shift(&self.ours)
        };
        let edge = ack + (u64::from(view.wnd) << shift);
        // A SYN cannot say a larger window again that a scaled field said in between. What the scale
        // cannot express is left out (RFC 7323 §2.4).
        ensure!(
            edge + (1 << shift) > self.rcv_edge || view.has(SYN),
            "window's right edge moves left by {}",
            self.rcv_edge - edge
        );
        self.rcv_edge = self.rcv_edge.max(edge);
        for &(left, right) in &view.options.sack {
            let (left, right) = (unwrap(left, irs, ack), unwrap(right, irs, ack));
            ensure!(left < right, "empty or reversed SACK block");
            ensure!(
                left >= 1 && right <= self.rcv_end as i64,
                "SACK of what never came"
            );
        }
        Ok(())
    }
}
