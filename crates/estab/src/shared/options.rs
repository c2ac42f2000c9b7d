//! The options of one connection, as the application sees and sets them.

use std::time::Duration;

use estab_proto::config::TcpConfig;
use estab_timer::{KeepaliveConfig, UserTimeout};

/// What the application last set. The driver applies it when rung.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) nodelay: bool,
    pub(crate) cork: bool,
    pub(crate) quick_ack: bool,
    /// `quick_ack` was set and not yet applied: it is an act as much as an option.
    pub(crate) is_quick_ack_due: bool,
    pub(crate) ttl: u8,
    pub(crate) tos: u8,
    pub(crate) linger: Option<Duration>,
    pub(crate) keepalive: Option<KeepaliveConfig>,
    pub(crate) user_timeout: UserTimeout,
    pub(crate) max_pacing_rate: Option<u64>,
}

impl Options {
    /// The options a connection starts with.
    pub(crate) fn of(config: &TcpConfig) -> Self {
        Self {
            nodelay: config.nodelay,
            cork: false,
            quick_ack: true,
            is_quick_ack_due: false,
            ttl: config.ttl,
            tos: config.tos,
            linger: config.linger,
            keepalive: config.keepalive,
            user_timeout: config.give_up.user_timeout,
            max_pacing_rate: config.max_pacing_rate,
        }
    }
}
