//! The same packets for the Linux kernel and for our stack, and their answers compared.
//!
//! Each probe is a line of data: a script of packets and calls (see [`script`] for its language).
//! A run goes through all of them at once, each with ports, addresses and a listener of its own.
//! The kernel stands behind a TUN that the test reads and writes; our stack is given the same
//! packets in memory (see [`ours`]), and through a TUN of its own (see [`tun`]). What is compared: the number and order of the answers, their
//! flags, relative sequence and acknowledgement numbers, whether the window is zero, urgent pointer,
//! payload, the kinds, order and values of the options, TTL and traffic class, type and code of ICMP;
//! what the calls of the application returned; and at the end the state, the bytes left to read and
//! what comes behind them. Not compared: initial sequence numbers, the values of our timestamps, the
//! size of a window and its scale, the IP identification, PSH but at the end of what was written, and what
//! a timer sends again. All that is not about IPv4 itself goes over IPv6 as well.
//!
//! Where the two differ, [`differences`] has what differs and why; anything else fails the test, and so
//! does an entry there for which the two agree.

mod allowed;
mod differences;
mod linux;
mod ours;
mod packet;
mod probes;
mod run;
mod script;
mod talk;
mod target;
mod tun;
mod view;

use std::fs;
use std::path::Path;

use estab_netns::isolated;

use target::Net;

#[test]
fn we_answer_as_linux_does() {
    isolated(|| compare(Net::V4, &probes::all()));
}

/// The same probes over IPv6, but for those about IPv4 itself, and the same differences.
#[test]
fn we_answer_as_linux_does_over_ipv6() {
    isolated(|| {
        let mut probes = probes::all();
        probes.retain(|(_, script)| script::is_of_both_versions(script));
        assert!(probes.len() > 300, "{} probes", probes.len());
        compare(Net::V6, &probes);
    });
}

/// What our stack answers in memory it answers behind a TUN of its own as well.
#[test]
fn we_answer_over_a_tun_as_in_memory() {
    isolated(|| {
        let mut probes = probes::all();
        probes.retain(|(name, script)| {
            let is_otherwise = tun::OTHERWISE.iter().any(|(other, _)| other == name);
            script::is_of_both_versions(script) && !is_otherwise
        });
        assert!(probes.len() > 300, "{} probes", probes.len());
        let in_memory = run::run(&mut ours::Ours::new(Net::V4), Net::V4, &probes);
        let over_tun = run::run(&mut tun::OverTun::new(), Net::V4, &probes);
        let mut faults = Vec::new();
        for (at, (name, script)) in probes.iter().enumerate() {
            // The state at the end is not known there.
            let known = |told: &run::Transcript| -> Vec<String> {
                let mut told = told.clone();
                told.remove(told.len() - 2);
                told
            };
            let (expected, found) = (known(&in_memory[at]), known(&over_tun[at]));
            if expected != found {
                faults.push(format!("{name}: {script}\n  {expected:?}\n  {found:?}"));
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    });
}

fn compare(net: Net, probes: &[run::Probe]) {
    let theirs = run::run(&mut linux::Linux::new(net), net, probes);
    let ours = run::run(&mut ours::Ours::new(net), net, probes);
    let faults = allowed::judge(probes, &theirs, &ours);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_difference_has_its_probe() {
    assert!(allowed::forgotten(&probes::all()).is_empty());
}

/// `docs/linux-deviations.md` ends in the differences; with `ESTAB_REWRITE=1` they are written there.
#[test]
fn the_differences_are_documented() {
    const HEAD: &str = "## Measured\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/linux-deviations.md");
    let old = fs::read_to_string(&path).expect("the document");
    let before = old.find(HEAD).map_or(old.as_str(), |at| &old[..at]);
    let new = format!(
        "{}\n\n{HEAD}\nSeen on Linux 6.18 and on estab, given the same packets by the \
         differential test: all that differs in its {} probes.\n\n{}",
        before.trim_end(),
        probes::all().len(),
        allowed::table()
    );
    if std::env::var_os("ESTAB_REWRITE").is_some_and(|value| value == "1") {
        fs::write(&path, new).expect("the document");
    } else {
        assert!(
            old == new,
            "write {} anew with ESTAB_REWRITE=1",
            path.display()
        );
    }
}
