//! The Internet layer: which packets are ours and whole, fragments, path MTUs, ICMP, and the
//! headers of what is sent.
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    clippy::panic
)]

pub mod pmtu;
pub mod reassembly;

mod addrs;
mod apart;
mod icmp_input;
mod icmp_output;
mod input;
mod limit;
pub(crate) mod output;
mod source_route;
mod whole;

use core::net::IpAddr;

use estab_timer::{Instant, LazyEntry, Wheel};

use self::addrs::Addrs;
use self::icmp_output::ErrorLimit;
use self::limit::Bucket;
use self::pmtu::{PathMtu, PathMtuConfig};
use self::reassembly::{Reassembly, ReassemblyConfig};
use crate::config::StackConfig;
use crate::stack::secret::Secrets;
use crate::stack::{Due, Stack};

/// What the Internet layer of a stack keeps.
pub(crate) struct Layer {
    pub(crate) addrs: Addrs,
    reassembly: Reassembly,
    paths: PathMtu,
    /// Counts the changes of `paths`: a connection that has not seen the latest looks again.
    path_epoch: u32,
    errors: ErrorLimit,
    /// Limits RSTs to segments of no connection.
    pub(crate) resets: Bucket,
    reassembly_entry: LazyEntry,
    paths_entry: LazyEntry,
}

impl Layer {
    /// An Internet layer as configured.
    pub(crate) fn new(config: &StackConfig, secrets: &mut Secrets, now: Instant) -> Self {
        let limits = &config.limits;
        Self {
            addrs: Addrs::new(&config.addrs, config.any_ip),
            reassembly: new_reassembly(limits.max_reassembly_bytes),
            paths: new_paths(config.mtu, secrets),
            path_epoch: 0,
            errors: ErrorLimit::new(limits.icmp_errors_per_second, now),
            resets: Bucket::new(limits.resets_per_second, limits.resets_per_second, now),
            reassembly_entry: LazyEntry::new(),
            paths_entry: LazyEntry::new(),
        }
    }

    /// Bytes held for incomplete datagrams.
    pub(crate) fn reassembly_bytes(&self) -> usize {
        self.reassembly.bytes_held()
    }

    /// The MTU towards `dst`, in bytes.
    pub(crate) fn path_mtu(&self, dst: IpAddr) -> u32 {
        u32::from(self.paths.get(dst))
    }

    /// Which state of the path MTUs this is: another number means that one changed.
    pub(crate) fn path_epoch(&self) -> u32 {
        self.path_epoch
    }

    /// What connections know of the way out is to be asked again.
    pub(crate) fn renew_paths(&mut self) {
        self.path_epoch = self.path_epoch.wrapping_add(1);
    }

    /// The device's MTU changed: what is known of paths is forgotten.
    pub(crate) fn set_mtu(&mut self, mtu: u32, secrets: &mut Secrets) {
        self.paths = new_paths(mtu, secrets);
        self.path_epoch = self.path_epoch.wrapping_add(1);
    }

    /// Forgets fragments and path MTUs, and what waits for them in the wheel.
    pub(crate) fn clear(
        &mut self,
        config: &StackConfig,
        secrets: &mut Secrets,
        wheel: &mut Wheel<Due>,
    ) {
        self.reassembly = new_reassembly(config.limits.max_reassembly_bytes);
        self.paths = new_paths(config.mtu, secrets);
        self.reassembly_entry.release(wheel);
        self.paths_entry.release(wheel);
    }

    /// Keeps the wheel in step with what waits here.
    fn sync(&mut self, wheel: &mut Wheel<Due>) {
        self.reassembly_entry
            .sync(wheel, Due::Reassembly, self.reassembly.next_deadline());
        self.paths_entry
            .sync(wheel, Due::PathMtu, self.paths.next_deadline());
    }
}

impl Stack {
    /// The oldest incomplete datagram may have waited long enough.
    pub(crate) fn reassembly_due(&mut self, now: Instant) {
        self.ip.reassembly_entry.fired();
        while let Some(expired) = self.ip.reassembly.pop_expired(now) {
            self.stats.drop_fragment = self.stats.drop_fragment.saturating_add(1);
            self.send_reassembly_timeout(now, &expired);
        }
        self.ip.sync(&mut self.wheel);
    }

    /// The oldest path MTU may be due to be forgotten.
    pub(crate) fn path_mtu_due(&mut self, now: Instant) {
        let layer = &mut self.ip;
        layer.paths_entry.fired();
        if layer.paths.expire(now) > 0 {
            layer.path_epoch = layer.path_epoch.wrapping_add(1);
        }
        layer.sync(&mut self.wheel);
    }
}

fn new_reassembly(max_bytes: usize) -> Reassembly {
    Reassembly::new(ReassemblyConfig {
        max_bytes,
        max_bytes_per_source: max_bytes / 4,
        ..ReassemblyConfig::default()
    })
}

fn new_paths(mtu: u32, secrets: &mut Secrets) -> PathMtu {
    let config = PathMtuConfig {
        link_mtu: u16::try_from(mtu).unwrap_or(u16::MAX),
        ..PathMtuConfig::default()
    };
    let key = u128::from(secrets.random()) << 64 | u128::from(secrets.random());
    PathMtu::new(config, key.to_be_bytes())
}

#[cfg(test)]
mod tests;
