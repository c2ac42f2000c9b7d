//! Congestion control: how much may be in flight (RFC 5681, RFC 9438).
//!
//! What is lost, and what to send next, is [`recovery`](crate::recovery)'s to say. An algorithm sees
//! one [`AckSample`] per acknowledgment and turns it into a [`Window`].

mod bbr;
mod cubic;
mod dctcp;
mod dormant;
mod hystart;
mod new_reno;
mod pacing;
mod window;

use alloc::boxed::Box;
use core::fmt;

use estab_timer::{Duration, Instant};

pub use bbr::Bbr;
pub use cubic::Cubic;
pub use dctcp::Dctcp;
pub use new_reno::NewReno;
pub use pacing::{Pacer, Pacing, Rate};
pub use window::Window;

use hystart::HyStart;

use crate::recovery::{AckSample, LostBurst};

/// The congestion control algorithms that come with this crate.
// RFC 9293: MUST-19, MAY-18.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// Additive increase, multiplicative decrease (RFC 5681, RFC 6582).
    NewReno,
    /// Growth by a cubic function of the time since the last loss (RFC 9438).
    #[default]
    Cubic,
    /// BBRv3 (draft-ietf-ccwg-bbr): at the rate the path was measured to deliver. It keeps queues
    /// short and is not stopped by random loss. It is an experiment still: choose it knowingly.
    Bbr,
    /// DCTCP (RFC 8257): the window shrinks by how much is marked. Only for networks in which all
    /// routers mark early and all hosts do so, as data centres are: on the Internet it takes more than
    /// its share. It needs [ECN](crate::config::Ecn).
    Dctcp,
}

impl Algorithm {
    /// Whether [`Pacing::Auto`] spreads what the algorithm sends.
    pub fn paced(self) -> Paced {
        match self {
            Self::NewReno | Self::Dctcp => Paced::No,
            Self::Cubic | Self::Bbr => Paced::Yes,
        }
    }
}

/// A congestion control algorithm: the policy by which a [`Window`] grows and shrinks.
///
/// One instance belongs to one connection. Implement it to use an algorithm of your own through
/// [`Controller::custom`]:
///
/// ```
/// use estab_proto::congestion::{CongestionControl, Controller, Window};
/// use estab_proto::recovery::AckSample;
/// use estab_timer::Instant;
///
/// /// Four segments, come what may.
/// #[derive(Debug)]
/// struct Fixed;
///
/// impl CongestionControl for Fixed {
///     fn on_ack(&mut self, window: &mut Window, _sample: &AckSample) {
///         window.set_cwnd(4 * window.mss());
///     }
///     fn on_congestion(&mut self, _window: &mut Window, _now: Instant, _flight: u32) {}
///     fn on_rto(&mut self, _window: &mut Window, _now: Instant, _flight: u32, _first: bool) {}
/// }
///
/// let controller = Controller::custom(Box::new(Fixed), 1460);
/// assert_eq!(controller.cwnd(), 14_600);
/// ```
pub trait CongestionControl: fmt::Debug + Send {
    /// An acknowledgment arrived, of whatever kind. The window must not grow unless
    /// [`is_cwnd_limited`](AckSample::is_cwnd_limited), nor during fast recovery.
    fn on_ack(&mut self, window: &mut Window, sample: &AckSample);

    /// Loss was found and fast recovery begins, with `flight` bytes outstanding, not counting what
    /// limited transmit added. [`Window::reduce`] is the usual answer.
    fn on_congestion(&mut self, window: &mut Window, now: Instant, flight: u32);

    /// The peer reported congestion by ECN, with `flight` bytes outstanding: at most once per window
    /// of data (RFC 3168 §6.1.2). As it stands, the answer to a loss.
    fn on_ecn(&mut self, window: &mut Window, now: Instant, flight: u32) {
        self.on_congestion(window, now, flight);
    }

    /// Recovery ended, or the reduction because of ECN: all that was outstanding when it began is
    /// acknowledged.
    fn on_recovery_exit(&mut self, window: &mut Window, now: Instant) {
        let _ = (window, now);
    }

    /// The retransmission timer expired with `flight` bytes outstanding. `first` is false if the
    /// same segment timed out before, which must not lower the threshold again (RFC 5681 §3.1).
    /// The answer includes [`Window::collapse`].
    fn on_rto(&mut self, window: &mut Window, now: Instant, flight: u32, first: bool);

    /// The last reduction answered a loss that was none. The window and the threshold are as they
    /// were before, or wider if they have grown beyond since.
    fn on_undo(&mut self, window: &mut Window, now: Instant) {
        let _ = (window, now);
    }

    /// Data was sent, new or again.
    #[inline]
    fn on_sent(&mut self, window: &mut Window, now: Instant, sent: &Sent) {
        let _ = (window, now, sent);
    }

    /// `burst` was found lost; told before the acknowledgment or timeout that showed it, and only to
    /// an algorithm that [wants rates](Self::wants_rate).
    fn on_lost(&mut self, window: &mut Window, now: Instant, burst: &LostBurst) {
        let _ = (window, now, burst);
    }

    /// Data is about to be sent after nothing was sent for `idle`. As it stands,
    /// [`Window::restart`] if that is longer than the retransmission timeout `rto`.
    fn on_idle(&mut self, window: &mut Window, now: Instant, idle: Duration, rto: Duration) {
        let _ = now;
        if idle > rto {
            window.restart();
        }
    }

    /// For a retransmission timeout's time the flight did not fill the window, for want of data or of
    /// the peer's window, and was `used` bytes at most. As it stands, [`Window::validate`]. An
    /// algorithm that has its own idea of the path, as BBR has, does nothing.
    fn on_underused(&mut self, window: &mut Window, now: Instant, used: u32) {
        let _ = now;
        window.validate(used);
    }

    /// Whether Proportional Rate Reduction governs what is sent during fast recovery (RFC 9937),
    /// down to the threshold the algorithm has set. An algorithm that has a window of its own for
    /// recovery says no.
    fn uses_prr(&self) -> bool {
        true
    }

    /// Whether [`AckSample::rate`] is to be measured, which takes some memory for each burst in
    /// flight.
    fn wants_rate(&self) -> bool {
        false
    }
}

/// What was sent, as [`CongestionControl::on_sent`] learns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// How many sequence numbers: bytes, and one for a FIN.
    pub bytes: u32,
    /// The pipe, these included (RFC 6675 §4).
    pub in_flight: u32,
    /// Whether the application, not the window, has limited what is in flight.
    pub is_app_limited: bool,
}

/// Whether segments leave spread over the round trip or in the bursts acknowledgments release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Paced {
    /// In bursts.
    No,
    /// Spread.
    Yes,
}

/// The congestion control of one connection.
#[derive(Debug)]
pub struct Controller {
    window: Window,
    algorithm: Engine,
}

/// Ours are called directly; only a user's own is behind a pointer.
#[derive(Debug)]
enum Engine {
    NewReno(NewReno),
    Cubic(Cubic),
    /// Much state, and rarely used.
    Bbr(Box<Bbr>),
    Dctcp(Box<Dctcp>),
    Custom(Box<dyn CongestionControl>),
}

/// A [`Controller`]'s state at the beginning of an episode, to come back to if there was no reason
/// for the episode ([`Controller::restore`]).
///
/// Of an algorithm of the user's it holds the [`Window`] only.
#[derive(Clone, Debug)]
pub struct Snapshot {
    window: Window,
    algorithm: Saved,
}

#[derive(Clone, Debug)]
enum Saved {
    NewReno(NewReno),
    Cubic(Cubic),
    Dctcp(Dctcp),
    Nothing,
}

/// Calls a method of whichever algorithm is in use, with the window as its first argument.
macro_rules! dispatch {
    ($self:ident.$method:ident($($argument:expr),*)) => {
        match &mut $self.algorithm {
            Engine::NewReno(it) => it.$method(&mut $self.window, $($argument),*),
            Engine::Cubic(it) => it.$method(&mut $self.window, $($argument),*),
            Engine::Dctcp(it) => it.$method(&mut $self.window, $($argument),*),
            Engine::Bbr(it) => it.$method(&mut $self.window, $($argument),*),
            Engine::Custom(it) => it.$method(&mut $self.window, $($argument),*),
        }
    };
}

impl Controller {
    /// A controller with the initial window for this MSS (RFC 6928), and HyStart++ for a paced sender
    /// if the algorithm has a slow start.
    pub fn new(algorithm: Algorithm, mss: u32) -> Self {
        Self::with_hystart(algorithm, mss, Some(Paced::Yes))
    }

    /// The same with HyStart++ for a sender that is paced or not (RFC 9406 §4.3), or without it.
    pub fn with_hystart(algorithm: Algorithm, mss: u32, hystart: Option<Paced>) -> Self {
        let (window, hystart) = (Window::new(mss), hystart.map(HyStart::new));
        let algorithm = match algorithm {
            Algorithm::NewReno => Engine::NewReno(NewReno::new(hystart)),
            Algorithm::Cubic => Engine::Cubic(Cubic::new(hystart)),
            Algorithm::Bbr => Engine::Bbr(Box::new(Bbr::new(&window))),
            Algorithm::Dctcp => Engine::Dctcp(Box::new(Dctcp::new(hystart))),
        };
        Self { window, algorithm }
    }

    /// The same with CUBIC's fast convergence (RFC 9438 §4.7) or, if `on` is false, without. The
    /// other algorithms have none.
    ///
    /// ```
    /// use estab_proto::congestion::{Algorithm, Controller};
    ///
    /// let controller = Controller::new(Algorithm::Cubic, 1460).with_fast_convergence(false);
    /// assert_eq!(controller.cwnd(), 14_600);
    /// ```
    #[must_use]
    pub fn with_fast_convergence(mut self, on: bool) -> Self {
        self.window.set_fast_convergence(on);
        self
    }

    /// A controller that follows an algorithm of the user's.
    pub fn custom(algorithm: Box<dyn CongestionControl>, mss: u32) -> Self {
        Self {
            window: Window::new(mss),
            algorithm: Engine::Custom(algorithm),
        }
    }

    /// The congestion window, in bytes: at least one MSS.
    #[inline]
    pub fn cwnd(&self) -> u32 {
        self.window.cwnd()
    }

    /// The slow start threshold, in bytes; `u32::MAX` before the first congestion event.
    pub fn ssthresh(&self) -> u32 {
        self.window.ssthresh()
    }

    /// Whether the window is below the slow start threshold.
    #[inline]
    pub fn in_slow_start(&self) -> bool {
        self.window.in_slow_start()
    }

    /// Takes a new MSS, from 1 to 65,535 bytes. A smaller one keeps the number of segments the
    /// window is worth (RFC 5681 §3.1).
    pub fn set_mss(&mut self, mss: u32) {
        self.window.set_mss(mss);
    }

    /// The connection is established. If the SYN or SYN-ACK was lost the window is one segment
    /// (RFC 5681 §3.1), otherwise the initial window (RFC 6928 §2).
    pub fn on_handshake_done(&mut self, syn_lost: bool) {
        let mss = self.window.mss();
        self.window
            .set_cwnd(if syn_lost { mss } else { Window::initial(mss) });
    }

    /// An acknowledgment was processed.
    pub fn on_ack(&mut self, sample: &AckSample) {
        dispatch!(self.on_ack(sample));
    }

    /// Fast recovery begins with `flight` bytes outstanding.
    ///
    /// What exceeds the congestion window was sent by limited transmit and is not counted
    /// (RFC 5681 §3.2 step 2).
    pub fn on_congestion(&mut self, now: Instant, flight: u32) {
        let flight = flight.min(self.window.cwnd());
        dispatch!(self.on_congestion(now, flight));
    }

    /// The peer reported congestion by ECN, with `flight` bytes outstanding; limited transmit is not
    /// counted here either.
    pub fn on_ecn(&mut self, now: Instant, flight: u32) {
        let flight = flight.min(self.window.cwnd());
        dispatch!(self.on_ecn(now, flight));
    }

    /// Fast recovery ended.
    pub fn on_recovery_exit(&mut self, now: Instant) {
        dispatch!(self.on_recovery_exit(now));
    }

    /// The retransmission timer expired with `flight` bytes outstanding; `first` is false if it
    /// expired for the same segment before.
    pub fn on_rto(&mut self, now: Instant, flight: u32, first: bool) {
        let flight = flight.min(self.window.cwnd());
        dispatch!(self.on_rto(now, flight, first));
    }

    /// Data is about to be sent after nothing was sent for `idle`, with this retransmission timeout.
    pub fn on_idle(&mut self, now: Instant, idle: Duration, rto: Duration) {
        dispatch!(self.on_idle(now, idle, rto));
    }

    /// The window was not filled for a retransmission timeout's time; `used` bytes at most were in
    /// flight.
    pub fn on_underused(&mut self, now: Instant, used: u32) {
        dispatch!(self.on_underused(now, used));
    }

    /// Data was sent, new or again.
    #[inline]
    pub fn on_sent(&mut self, now: Instant, sent: &Sent) {
        dispatch!(self.on_sent(now, sent));
    }

    /// A burst was found lost.
    pub fn on_lost(&mut self, now: Instant, burst: &LostBurst) {
        dispatch!(self.on_lost(now, burst));
    }

    /// What a congestion event reduces, if `flight` bytes are outstanding and the sender uses its
    /// window: CUBIC reduces the window then, of which the pacer may hold a part back (RFC 9438 §4.6
    /// allows it where the window grows only as far as it is used), the others the flight.
    pub(crate) fn flight_to_reduce(&self, flight: u32) -> u32 {
        match &self.algorithm {
            Engine::Cubic(_) => flight.max(self.window.cwnd()),
            _ => flight,
        }
    }

    /// Whether Proportional Rate Reduction governs fast recovery (RFC 9937).
    pub fn uses_prr(&self) -> bool {
        match &self.algorithm {
            Engine::NewReno(_) | Engine::Cubic(_) | Engine::Dctcp(_) => true,
            Engine::Bbr(it) => it.uses_prr(),
            Engine::Custom(it) => it.uses_prr(),
        }
    }

    /// Whether [`AckSample::rate`] is to be measured.
    pub fn wants_rate(&self) -> bool {
        match &self.algorithm {
            Engine::NewReno(_) | Engine::Cubic(_) | Engine::Dctcp(_) => false,
            Engine::Bbr(it) => it.wants_rate(),
            Engine::Custom(it) => it.wants_rate(),
        }
    }

    /// Whether [`Pacing::Auto`] spreads what is sent: if the [algorithm is so](Algorithm::paced), or a
    /// user's has set a rate.
    #[inline]
    pub fn is_paced(&self) -> bool {
        match &self.algorithm {
            Engine::NewReno(_) | Engine::Dctcp(_) => false,
            Engine::Cubic(_) | Engine::Bbr(_) => true,
            Engine::Custom(_) => self.pacing_rate().is_some(),
        }
    }

    /// The rate to send at, in bytes per second, if the algorithm sets one.
    #[inline]
    pub fn pacing_rate(&self) -> Option<u64> {
        self.window.pacing_rate()
    }

    /// The state to come back to: to be taken before an episode begins.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            window: self.window,
            algorithm: match &self.algorithm {
                Engine::NewReno(it) => Saved::NewReno(*it),
                Engine::Cubic(it) => Saved::Cubic(*it),
                Engine::Dctcp(it) => Saved::Dctcp(**it),
                // It keeps its own (draft-ietf-ccwg-bbr §5.5.11.1).
                Engine::Bbr(_) | Engine::Custom(_) => Saved::Nothing,
            },
        }
    }

    /// There was no congestion after all: takes back what the controller did since the snapshot
    /// (RFC 9438 §4.9, RFC 4015 §3.2). What has grown beyond since stays.
    pub fn restore(&mut self, now: Instant, snapshot: &Snapshot) {
        let lowered = self.window.cwnd() < snapshot.window.cwnd();
        self.window.restore(&snapshot.window);
        match (&mut self.algorithm, &snapshot.algorithm) {
            (Engine::NewReno(it), Saved::NewReno(saved)) => *it = *saved,
            (Engine::Dctcp(it), Saved::Dctcp(saved)) => **it = *saved,
            (Engine::Cubic(it), Saved::Cubic(saved)) if lowered => it.restore(saved),
            _ => {}
        }
        dispatch!(self.on_undo(now));
    }

    /// Sets the window, within its bounds: for recovery, which lets out by it what PRR allows
    /// (RFC 9937 §6.2).
    pub fn set_cwnd(&mut self, bytes: u32) {
        self.window.set_cwnd(bytes);
    }

    /// Lowers the window to at most `bytes`, without a congestion event: for a sender whose flight
    /// no longer fills it and whose next ACK would release a burst (RFC 6582 §3.2 step 3).
    pub fn limit_cwnd(&mut self, bytes: u32) {
        self.window.set_cwnd(self.window.cwnd().min(bytes));
    }
}

#[cfg(test)]
mod tests;
