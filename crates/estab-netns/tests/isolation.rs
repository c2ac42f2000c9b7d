//! The namespace is the test's own, set-up works there, and limits hold.

use std::fs;
use std::panic;
use std::process::Command;
use std::thread;
use std::time::Duration;

use estab_netns::{
    DEFAULT_LIMIT, Namespace, SKIP_VARIABLE, disable_dad, ip, isolated, isolated_for, loopback_up,
    sysctl,
};

/// The message with which `isolated_for(limit, body)` panics; `None` when it skipped the test.
fn panic_of(limit: Duration, body: impl FnOnce() + panic::UnwindSafe) -> Option<String> {
    match panic::catch_unwind(|| isolated_for(limit, body)) {
        Ok(()) => {
            assert!(std::env::var_os(SKIP_VARIABLE).is_some(), "no panic");
            None
        }
        Err(payload) => Some(*payload.downcast().expect("a formatted message")),
    }
}

#[test]
fn nothing_but_a_loopback() {
    isolated(|| {
        let links = ip(&["-o", "link"]).unwrap();
        assert!(
            links
                .lines()
                .all(|line| line.contains("LOOPBACK") || line.contains("NOARP"))
        );
        loopback_up().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    });
}

#[test]
fn interfaces_addresses_and_parameters() {
    isolated(|| {
        disable_dad().unwrap();
        ip(&["tuntap", "add", "dev", "t0", "mode", "tun"]).unwrap();
        ip(&["addr", "add", "fd00::1/64", "dev", "t0", "nodad"]).unwrap();
        ip(&["link", "set", "t0", "up"]).unwrap();
        sysctl("ipv4.tcp_window_scaling", "1").unwrap();
        let accept_dad = fs::read_to_string("/proc/sys/net/ipv6/conf/default/accept_dad").unwrap();
        assert_eq!(accept_dad, "0\n");

        let error = ip(&["link", "set", "absent", "up"])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`ip link set absent up` failed: Cannot find device"),
            "{error}"
        );
        let error = sysctl("ipv4.absent", "1").unwrap_err().to_string();
        assert!(error.contains("/proc/sys/net/ipv4/absent"), "{error}");
    });
}

#[test]
fn a_panic_inside_is_a_panic_outside() {
    let body = || assert!(fs::exists("/proc/self/absent").unwrap(), "as meant {}", 1);
    let Some(message) = panic_of(DEFAULT_LIMIT, body) else {
        return;
    };
    assert!(message.contains("failed in its namespace"), "{message}");
}

#[test]
fn the_limit_kills_the_whole_tree() {
    let marker = concat!(env!("CARGO_TARGET_TMPDIR"), "/sleeper");
    let body = || {
        let mut sleeper = Command::new("sleep").arg("1000").spawn().unwrap();
        fs::write(marker, sleeper.id().to_string()).unwrap();
        sleeper.wait().unwrap();
    };
    let Some(message) = panic_of(Duration::from_secs(3), body) else {
        return;
    };
    assert!(message.contains("not done after 3s"), "{message}");
    let sleeper = fs::read_to_string(marker).unwrap();
    fs::remove_file(marker).unwrap();
    // Killed; a busy machine may take a moment to end it, and its new parent one to reap it.
    let status = || fs::read_to_string(format!("/proc/{sleeper}/status")).unwrap_or_default();
    let is_dead = || status().is_empty() || status().contains("State:\tZ");
    let died = (0..100).any(|_| {
        is_dead() || {
            thread::sleep(Duration::from_millis(50));
            false
        }
    });
    assert!(died, "{}", status());
}

#[test]
fn more_namespaces_beside_the_own() {
    isolated(|| {
        let links = || ip(&["-o", "link"]).unwrap();
        let add = || {
            ip(&["tuntap", "add", "dev", "t0", "mode", "tun"]).unwrap();
            sysctl("ipv4.tcp_window_scaling", "0").unwrap();
        };
        let (one, other) = (Namespace::new().unwrap(), Namespace::new().unwrap());
        one.run(add);
        other.spawn(add).unwrap().join().unwrap();
        for namespace in [&one, &other] {
            assert!(namespace.run(links).contains("t0"));
        }
        assert!(!links().contains("t0"));
        let scaling = fs::read_to_string("/proc/sys/net/ipv4/tcp_window_scaling").unwrap();
        assert_eq!(scaling, "1\n");
        drop(one);
        assert!(other.run(links).contains("t0"));
        let panic = panic::catch_unwind(|| other.run(|| panic!("inside")));
        assert_eq!(*panic.unwrap_err().downcast::<&str>().unwrap(), "inside");
    });
}
