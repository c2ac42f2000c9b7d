//! Why there is no namespace to be had, and what to do about it.

use std::error::Error;
use std::fmt;
use std::fs;

/// No network namespace with a TUN device can be made here.
///
/// Its `Display` text lists each way that was tried with the system's own answer, then what to do.
#[derive(Clone, Debug)]
pub struct Unavailable {
    attempts: Vec<String>,
    remedies: Vec<String>,
}

impl Unavailable {
    /// From the failed attempts, in the order they were made.
    pub(crate) fn new(attempts: Vec<String>) -> Self {
        let remedies = remedies(&attempts.join("\n"));
        Self { attempts, remedies }
    }
}

/// What to do about `reasons`, the likeliest remedy first.
fn remedies(reasons: &str) -> Vec<String> {
    let mut remedies = Vec::new();
    let mut advise = |text: &str| remedies.push(text.to_owned());
    if reasons.contains("cannot run `unshare`") {
        advise("install util-linux: apt-get install util-linux");
    }
    if reasons.contains("cannot run `ip`") {
        advise("install iproute2: apt-get install iproute2");
    }
    if reasons.contains("/dev/net/tun does not exist") {
        advise(
            "make the TUN device node: modprobe tun; mkdir -p /dev/net; \
             mknod /dev/net/tun c 10 200; chmod 666 /dev/net/tun \
             (in a container: docker run --device /dev/net/tun ...)",
        );
    }
    if reasons.contains("/dev/net/tun cannot be opened") {
        advise("let this user open the TUN device: chmod 666 /dev/net/tun, or run as root");
    }
    if !reasons.contains("unshare:") {
        return remedies;
    }
    if is_value(
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
    ) {
        advise("allow user namespaces: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0");
    }
    if is_value("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        advise("allow user namespaces: sysctl -w kernel.unprivileged_userns_clone=1");
    }
    if is_value("/proc/sys/user/max_user_namespaces", "0") {
        advise("allow user namespaces: sysctl -w user.max_user_namespaces=15000");
    }
    advise("run the same command as root (sudo)");
    advise(
        "in a container, start it with: \
         docker run --cap-add SYS_ADMIN --cap-add NET_ADMIN \
         --security-opt apparmor=unconfined --device /dev/net/tun ...",
    );
    remedies
}

/// Whether the sysctl file at `path` exists and holds `value`.
fn is_value(path: &str, value: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|content| content.trim() == value)
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no network namespace with a TUN device can be made here:")?;
        for attempt in &self.attempts {
            write!(f, "\n  - {attempt}")?;
        }
        f.write_str("\nWhat to do (any one that applies):")?;
        for remedy in &self.remedies {
            write!(f, "\n  * {remedy}")?;
        }
        Ok(())
    }
}

impl Error for Unavailable {}
