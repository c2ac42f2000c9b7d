//! How long to go on without an acknowledgment (RFC 9293 §3.8.3).

use crate::{Duration, Instant};

#[cfg(test)]
mod tests;

/// The application's own limit in place of R2 (MUST-21).
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub enum UserTimeout {
    /// None: the stack's R2 holds.
    #[default]
    Default,
    /// Give up when something stays unacknowledged for this long.
    After(Duration),
    /// Never give up.
    Never,
}

/// The constants of giving up.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct GiveUpConfig {
    /// R1: after how many retransmissions of the same data the trouble is told: 3
    /// (SHLD-10). Zero tells never.
    pub r1: u32,
    /// R2 of a synchronized connection: 924 s, the time Linux's 15 retransmissions take. At least
    /// 100 s (SHLD-11).
    pub r2_data: Duration,
    /// R2 of a SYN: 180 s, the least a default may be (MUST-23).
    pub r2_syn: Duration,
    /// The application's limit, for SYN and data alike.
    pub user_timeout: UserTimeout,
}

impl GiveUpConfig {
    /// The five minutes of the OPEN call's default timeout (RFC 9293 §3.9.1.1) as R2.
    pub const RFC_STRICT: Self = Self {
        r1: 3,
        r2_data: Duration::from_secs(300),
        r2_syn: Duration::from_secs(180),
        user_timeout: UserTimeout::Default,
    };

    /// How long something may stay unacknowledged; `None` for ever.
    #[must_use]
    #[inline]
    pub const fn limit(&self, stage: Stage) -> Option<Duration> {
        match (self.user_timeout, stage) {
            (UserTimeout::Never, _) => None,
            (UserTimeout::After(limit), _) => Some(limit),
            (UserTimeout::Default, Stage::Syn) => Some(self.r2_syn),
            (UserTimeout::Default, Stage::Data) => Some(self.r2_data),
        }
    }
}

impl Default for GiveUpConfig {
    fn default() -> Self {
        Self {
            r2_data: Duration::from_secs(924),
            ..Self::RFC_STRICT
        }
    }
}

/// What is unacknowledged: it decides which R2 holds.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Our SYN, alone or with an ACK.
    Syn,
    /// Data or a FIN.
    Data,
}

/// What an expired retransmission timer means.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Retransmit.
    Continue,
    /// Retransmit. R1 is reached: tell the application (SHLD-9), and take the path for suspect
    /// (MUST-20). Said once until there is progress.
    SoftError,
    /// R2 or the user timeout is reached: close the connection.
    GiveUp,
}

/// Since when the oldest unacknowledged segment waits, and how often it was sent again.
///
/// R1 counts retransmissions, R2 is a time: counted, it would mean a second on a fast path and an
/// hour on a slow one.
///
/// ```
/// use estab_timer::{GiveUpConfig, Instant, Progress, Stage, Verdict};
///
/// let config = GiveUpConfig::default();
/// let mut progress = Progress::new();
/// progress.on_transmit(Instant::ZERO);
/// let verdict = |progress: &mut Progress, secs| {
///     progress.on_retransmit(Instant::from_secs(secs), &config, Stage::Syn)
/// };
/// assert_eq!(verdict(&mut progress, 1), Verdict::Continue);
/// assert_eq!(verdict(&mut progress, 3), Verdict::Continue);
/// assert_eq!(verdict(&mut progress, 7), Verdict::SoftError);
/// assert_eq!(verdict(&mut progress, 15), Verdict::Continue);
/// assert_eq!(progress.give_up_at(&config, Stage::Syn), Some(Instant::from_secs(180)));
/// assert_eq!(verdict(&mut progress, 180), Verdict::GiveUp);
/// ```
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Progress {
    /// When the wait began; [`Instant::NEVER`] while nothing is unacknowledged.
    since: Instant,
    retransmissions: u32,
}

impl Progress {
    /// Nothing sent.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            since: Instant::NEVER,
            retransmissions: 0,
        }
    }

    /// Something that wants an acknowledgment was sent. The wait begins if nothing else was
    /// unacknowledged: gives whether it does.
    #[inline]
    pub fn on_transmit(&mut self, now: Instant) -> bool {
        let starts = now < self.since;
        if starts {
            self.since = now;
        }
        starts
    }

    /// The retransmission timer expired: to be asked before the retransmission.
    pub fn on_retransmit(&mut self, now: Instant, config: &GiveUpConfig, stage: Stage) -> Verdict {
        self.on_transmit(now);
        if self.give_up_at(config, stage).is_some_and(|at| at <= now) {
            return Verdict::GiveUp;
        }
        self.retransmissions = self.retransmissions.saturating_add(1);
        if self.retransmissions == config.r1 {
            Verdict::SoftError
        } else {
            Verdict::Continue
        }
    }

    /// An ACK moved SND.UNA. `outstanding` says whether anything is still unacknowledged: its wait
    /// then begins now.
    #[inline]
    pub const fn on_progress(&mut self, now: Instant, outstanding: bool) {
        *self = Self::new();
        if outstanding {
            self.since = now;
        }
    }

    /// When to give up unless there is progress: the deadline of
    /// [`Timer::UserTimeout`](crate::Timer::UserTimeout). `None` while nothing is unacknowledged, or
    /// if the limit is infinite.
    #[must_use]
    #[inline]
    pub fn give_up_at(&self, config: &GiveUpConfig, stage: Stage) -> Option<Instant> {
        let since = self.since()?;
        config.limit(stage).map(|limit| since + limit)
    }

    /// Since when something is unacknowledged without progress.
    #[must_use]
    #[inline]
    pub fn since(&self) -> Option<Instant> {
        (self.since != Instant::NEVER).then_some(self.since)
    }

    /// How often the timer expired since the last progress.
    #[must_use]
    pub const fn retransmissions(&self) -> u32 {
        self.retransmissions
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}
