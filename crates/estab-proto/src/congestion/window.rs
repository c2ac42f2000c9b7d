//! The congestion window and what every algorithm does with it alike.

use crate::dormant::dormant;
use crate::recovery::{AckSample, CaState};

/// The largest congestion window: the largest send window TCP can express (RFC 7323 §2.3).
const MAX_CWND: u32 = 1 << 30;

/// The congestion window, in bytes, and the slow start threshold above it.
///
/// The window is never below one MSS and never above 1 GiB.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    mss: u32,
    cwnd: u32,
    ssthresh: u32,
    lossy_start: bool,
    /// A setting, not a state; here it takes no room.
    fast_convergence: bool,
    /// Bytes per second; 0 if the algorithm leaves the rate to the pacer.
    pacing_rate: u64,
}

impl Window {
    /// A window of [`initial`](Self::initial) bytes below an unlimited threshold (RFC 5681 §3.1).
    pub fn new(mss: u32) -> Self {
        let mss = clamp_mss(mss);
        Self {
            mss,
            cwnd: Self::initial(mss),
            ssthresh: u32::MAX,
            lossy_start: false,
            fast_convergence: true,
            pacing_rate: 0,
        }
    }

    /// The initial window for this MSS (RFC 6928 §2, equation 1).
    ///
    /// ```
    /// use estab_proto::congestion::Window;
    ///
    /// assert_eq!(Window::initial(1460), 14_600);
    /// ```
    pub fn initial(mss: u32) -> u32 {
        mss.saturating_mul(10)
            .min(mss.saturating_mul(2).max(14_600))
    }

    /// The sender's maximum segment size, in bytes.
    pub fn mss(&self) -> u32 {
        self.mss
    }

    /// The congestion window, in bytes.
    pub fn cwnd(&self) -> u32 {
        self.cwnd
    }

    /// The slow start threshold, in bytes; `u32::MAX` before the first congestion event.
    pub fn ssthresh(&self) -> u32 {
        self.ssthresh
    }

    /// Whether the window is below the threshold (RFC 5681 §3.1).
    pub fn in_slow_start(&self) -> bool {
        self.cwnd < self.ssthresh
    }

    /// The rate to send at, in bytes per second; `None` if it is to follow from the window and the
    /// round-trip time.
    pub fn pacing_rate(&self) -> Option<u64> {
        Some(self.pacing_rate).filter(|rate| *rate > 0)
    }

    /// Sets the rate to send at, in bytes per second; `None` or 0 leaves it to follow from the window
    /// and the round-trip time.
    pub fn set_pacing_rate(&mut self, rate: Option<u64>) {
        self.pacing_rate = rate.unwrap_or(0);
    }

    /// Whether a CUBIC window that shrinks from one reduction to the next gives way to others
    /// (RFC 9438 §4.7).
    pub(super) fn fast_convergence(&self) -> bool {
        self.fast_convergence
    }

    /// Switches that, which is on at first.
    pub(super) fn set_fast_convergence(&mut self, on: bool) {
        self.fast_convergence = on;
    }

    /// Sets the window, within its bounds.
    pub fn set_cwnd(&mut self, bytes: u32) {
        self.cwnd = bytes.clamp(self.mss, MAX_CWND);
    }

    /// Sets the threshold, which is never below two segments (RFC 5681 §3.1, equation 4).
    pub fn set_ssthresh(&mut self, bytes: u32) {
        self.ssthresh = bytes.max(self.mss.saturating_mul(2));
    }

    /// Widens the window by `bytes`.
    pub fn grow(&mut self, bytes: u32) {
        self.set_cwnd(self.cwnd.saturating_add(bytes));
    }

    /// Takes a new MSS. A smaller one keeps the number of segments (RFC 5681 §3.1), a larger one
    /// the number of bytes.
    pub fn set_mss(&mut self, mss: u32) {
        let mss = clamp_mss(mss);
        let cwnd = if mss < self.mss {
            (u64::from(self.cwnd) * u64::from(mss) / u64::from(self.mss)) as u32
        } else {
            self.cwnd
        };
        self.mss = mss;
        self.set_cwnd(cwnd);
    }

    /// Slow start (RFC 5681 §3.1): the window grows by what was acknowledged, up to the threshold.
    /// Gives the bytes that were acknowledged beyond it, which count for congestion avoidance.
    ///
    /// Bytes are counted, not acknowledgments, so dividing an ACK gains nothing. One ACK for n
    /// segments, as receive offload sends it, stands for the n/2 delayed ones it replaced and counts
    /// in full. After a timeout an ACK may cover what arrived long before; then one counts for one
    /// segment at most (RFC 3465 §2.3).
    pub fn slow_start(&mut self, sample: &AckSample) -> u32 {
        self.slow_start_by(sample.newly_acked, sample.prior_state)
    }

    /// The same for `acked` bytes, acknowledged when the state of recovery was `prior_state`.
    pub(super) fn slow_start_by(&mut self, acked: u32, prior_state: CaState) -> u32 {
        if !self.in_slow_start() {
            return acked;
        }
        let limit = if prior_state == CaState::Loss {
            self.mss
        } else {
            u32::MAX
        };
        let counted = acked.min(limit);
        let growth = counted.min(self.ssthresh - self.cwnd);
        self.grow(growth);
        counted - growth
    }

    /// A congestion event: `ssthresh` is set and the window follows it (RFC 5681 §3.2).
    pub fn reduce(&mut self, ssthresh: u32) {
        self.note_loss();
        self.set_ssthresh(ssthresh);
        self.set_cwnd(self.ssthresh);
    }

    /// Congestion that a router marked instead of dropping: as [`reduce`](Self::reduce), but the
    /// window goes down to one segment (RFC 3168 §6.1.2, RFC 9438 §4.6).
    pub fn reduce_by_mark(&mut self, ssthresh: u32) {
        self.set_ssthresh(ssthresh);
        self.set_cwnd(ssthresh);
    }

    /// A timeout: the window is the loss window of one segment, whatever the initial window is
    /// (RFC 5681 §3.1).
    pub fn collapse(&mut self) {
        self.note_loss();
        self.set_cwnd(self.mss);
    }

    /// Takes a reduction back: the window and the threshold are what they were in `earlier`, unless
    /// the window has grown beyond since (RFC 4015 §3.2).
    pub(super) fn restore(&mut self, earlier: &Self) {
        self.ssthresh = earlier.ssthresh.max(self.ssthresh);
        self.set_cwnd(earlier.cwnd.max(self.cwnd));
        self.lossy_start = earlier.lossy_start;
        self.pacing_rate = earlier.pacing_rate;
    }

    /// Restarts after nothing was sent for a retransmission timeout: without an ACK clock the window
    /// is at most the restart window (RFC 5681 §4.1, RFC 6928 §2). The threshold remembers three
    /// quarters of what was in use, so that slow start returns there (RFC 7661 §4.4.3).
    pub fn restart(&mut self) {
        let window = if self.lossy_start {
            restart_after_loss(self.mss)
        } else {
            Self::initial(self.mss)
        };
        if window < self.cwnd {
            self.set_ssthresh(self.ssthresh.max(self.cwnd - self.cwnd / 4));
            self.set_cwnd(window);
        }
    }

    /// Comes halfway down to what was `used` of the window at most, for want of data, in a
    /// retransmission timeout's time; not below the initial window. The threshold remembers three
    /// quarters (RFC 2861 §3.1).
    ///
    /// ```
    /// use estab_proto::congestion::Window;
    ///
    /// let mut window = Window::new(1000);
    /// window.set_cwnd(100_000);
    /// window.validate(20_000);
    /// assert_eq!(window.cwnd(), 60_000);
    /// window.validate(0);
    /// assert_eq!(window.cwnd(), 35_000);
    /// ```
    pub fn validate(&mut self, used: u32) {
        let used = used.max(Self::initial(self.mss));
        if used < self.cwnd {
            self.set_ssthresh(self.ssthresh.max(self.cwnd - self.cwnd / 4));
            self.set_cwnd(used + (self.cwnd - used) / 2);
        }
    }

    /// Remembers a loss while the first window, of the connection or after a restart, was out:
    /// later restarts are smaller then (RFC 6928 §2).
    fn note_loss(&mut self) {
        self.lossy_start |= self.cwnd < Self::initial(self.mss).saturating_mul(2);
    }
}

/// The restart window of RFC 3390 §1, for a path that lost from a larger one.
fn restart_after_loss(mss: u32) -> u32 {
    (mss * 4).min((mss * 2).max(4380))
}

/// No segment is empty, and none longer than an IP packet.
fn clamp_mss(mss: u32) -> u32 {
    mss.clamp(1, 0xffff)
}

dormant!(Window {
    mss,
    cwnd,
    ssthresh,
    lossy_start,
    fast_convergence,
    pacing_rate
});

#[cfg(test)]
mod tests;
