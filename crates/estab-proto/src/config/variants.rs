//! Configurations that differ in a setting from one they were made of.
//!
//! Connections share their configuration. When one gets a setting of its own it needs another, and a
//! hundred thousand that all get the same are to share that one too.

use alloc::collections::VecDeque;
use alloc::sync::Arc;

use estab_timer::{Duration, KeepaliveConfig, UserTimeout};

use super::{BufferConfig, TcpConfig};

/// Changes remembered.
const KEPT: usize = 16;

/// A setting that can be changed while a connection lives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Change {
    UnsentLimit(Option<u32>),
    MaxPacingRate(Option<u64>),
    Keepalive(Option<KeepaliveConfig>),
    Linger(Option<Duration>),
    UserTimeout(UserTimeout),
    /// Initial and largest size.
    SendBuffer(u32),
}

impl Change {
    /// Whether it changes nothing.
    fn is_in(self, config: &TcpConfig) -> bool {
        match self {
            Self::UnsentLimit(bytes) => config.unsent_limit == bytes,
            Self::MaxPacingRate(rate) => config.max_pacing_rate == rate,
            Self::Keepalive(keepalive) => config.keepalive == keepalive,
            Self::Linger(linger) => config.linger == linger,
            Self::UserTimeout(timeout) => config.give_up.user_timeout == timeout,
            Self::SendBuffer(bytes) => {
                let BufferConfig { initial, max } = config.send_buffer;
                (initial, max) == (bytes, bytes)
            }
        }
    }

    fn apply(self, config: &mut TcpConfig) {
        match self {
            Self::UnsentLimit(bytes) => config.unsent_limit = bytes,
            Self::MaxPacingRate(rate) => config.max_pacing_rate = rate,
            Self::Keepalive(keepalive) => config.keepalive = keepalive,
            Self::Linger(linger) => config.linger = linger,
            Self::UserTimeout(timeout) => config.give_up.user_timeout = timeout,
            Self::SendBuffer(bytes) => {
                config.send_buffer.initial = bytes;
                config.send_buffer.max = bytes;
            }
        }
    }
}

struct Variant {
    from: Arc<TcpConfig>,
    change: Change,
    to: Arc<TcpConfig>,
}

/// What the last changes led to.
#[derive(Default)]
pub(crate) struct Variants {
    made: VecDeque<Variant>,
}

impl Variants {
    /// Changes a setting in `config`, which becomes one that others share if others changed the same.
    pub(crate) fn change(&mut self, config: &mut Arc<TcpConfig>, change: Change) {
        if change.is_in(config) {
            return;
        }
        let known = self
            .made
            .iter()
            .find(|it| it.change == change && Arc::ptr_eq(&it.from, config));
        if let Some(known) = known {
            *config = Arc::clone(&known.to);
        } else if let Some(own) = Arc::get_mut(config) {
            change.apply(own);
        } else {
            let mut other = TcpConfig::clone(config);
            change.apply(&mut other);
            let to = Arc::new(other);
            let from = core::mem::replace(config, Arc::clone(&to));
            if self.made.len() == KEPT {
                self.made.pop_front();
            }
            self.made.push_back(Variant { from, change, to });
        }
    }
}

#[cfg(test)]
mod tests;
