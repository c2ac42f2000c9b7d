//! Setting up the namespace the program is in.

use std::fs;
use std::io;
use std::process::Command;

/// Runs `ip` of iproute2 and returns what it printed.
///
/// It acts on the namespace the process is in: inside after [`enter`](crate::enter), on the host
/// without.
///
/// ```no_run
/// estab_netns::ip(&["link", "set", "tun0", "up", "mtu", "1500"])?;
/// estab_netns::ip(&["-6", "addr", "add", "fd00::1/64", "dev", "tun0", "nodad"])?;
/// # std::io::Result::Ok(())
/// ```
///
/// # Errors
///
/// When `ip` cannot be run or fails; the error holds the command and what it said.
pub fn ip(args: &[&str]) -> io::Result<String> {
    let shown = || format!("`ip {}`", args.join(" "));
    let output = Command::new("ip").args(args).output().map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("cannot run {}: {error} (iproute2)", shown()),
        )
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!(
            "{} failed: {}",
            shown(),
            said.trim()
        )));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Brings the loopback interface up, with 127.0.0.1 and ::1.
///
/// # Errors
///
/// As [`ip`].
pub fn loopback_up() -> io::Result<()> {
    ip(&["link", "set", "lo", "up"]).map(drop)
}

/// Sets a parameter below `/proc/sys/net`, named as sysctl does without the leading `net.`:
/// `sysctl("ipv4.tcp_max_tw_buckets", "0")`. An interface name with a dot in it is written with
/// a slash in place of every separating dot.
///
/// # Errors
///
/// When the parameter does not exist or cannot be written; the error names it.
pub fn sysctl(name: &str, value: &str) -> io::Result<()> {
    let path = if name.contains('/') {
        name.to_owned()
    } else {
        name.replace('.', "/")
    };
    let path = format!("/proc/sys/net/{path}");
    fs::write(&path, value).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("cannot write {value} to {path}: {error}"),
        )
    })
}

/// Switches duplicate address detection off for interfaces made from now on, so that their IPv6
/// addresses work at once (RFC 4862 §5.4 would keep them tentative for a second).
///
/// # Errors
///
/// As [`sysctl`].
pub fn disable_dad() -> io::Result<()> {
    sysctl("ipv6.conf.all.accept_dad", "0")?;
    sysctl("ipv6.conf.default.accept_dad", "0")
}
