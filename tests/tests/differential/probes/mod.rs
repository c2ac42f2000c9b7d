//! The probes: each a name and a script.

use crate::run::Probe;

mod closing;
mod established;
mod listener;
mod network;
mod options;

/// All of them.
pub(crate) fn all() -> Vec<Probe> {
    [
        listener::PROBES,
        options::PROBES,
        established::PROBES,
        closing::PROBES,
        network::PROBES,
    ]
    .concat()
}
