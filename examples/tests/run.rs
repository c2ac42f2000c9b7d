//! Every example runs to its end and says that all went well.

use std::path::PathBuf;
use std::process::{Command, Output};

/// Where cargo puts the examples, seen from where it puts this test.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this program has a path");
    let directory = test
        .parent()
        .and_then(|deps| deps.parent())
        .expect("target/debug/deps");
    directory.join("examples").join(name)
}

/// Runs an example and returns what it printed.
fn run(name: &str, arguments: &[&str]) -> String {
    let path = example(name);
    let output = Command::new(&path).args(arguments).output();
    let Output {
        status,
        stdout,
        stderr,
    } = output
        .unwrap_or_else(|error| panic!("{}: {error}; `cargo test` builds it", path.display()));
    let (stdout, stderr) = (
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr),
    );
    assert!(
        status.success(),
        "{name} {arguments:?}: {status}\n{stdout}\n{stderr}"
    );
    stdout.into_owned()
}

/// Runs an example that needs a TUN, unless such tests are to be skipped.
fn run_with_tun(name: &str, arguments: &[&str], proof: &str) {
    if !estab_netns::skipped(name) {
        let output = run(name, arguments);
        assert!(output.contains(proof), "{output}");
    }
}

fn lifecycle(options: &[&str], proofs: &[&str]) {
    let svg = format!("{}/{}.svg", env!("CARGO_TARGET_TMPDIR"), options.concat());
    let output = run("lifecycle", &[options, &["--svg", &svg]].concat());
    for proof in proofs {
        assert!(output.contains(proof), "no {proof:?} in:\n{output}");
    }
    let drawing = std::fs::read_to_string(&svg).expect("the drawing was written");
    assert!(
        drawing.starts_with("<svg") && drawing.contains("TIME-WAIT") != output.contains("power")
    );
}

#[test]
fn echo() {
    run_with_tun("echo", &["--size", "4M"], "4.00 MiB there and back");
}

#[test]
fn http() {
    run_with_tun("http", &[], "served by estab");
}

#[test]
fn connect() {
    run_with_tun("connect", &[], "hello, estab");
}

#[test]
fn chat() {
    assert!(run("chat", &[]).contains("Grace hears Radia: hello!"));
}

#[test]
fn satellite() {
    let output = run("satellite", &[]);
    for proof in [
        "200 OK: 4194304 bytes of /picture",
        " s of virtual time took ",
    ] {
        assert!(output.contains(proof), "{output}");
    }
}

#[test]
fn lifecycle_from_the_first_syn_to_closed() {
    let proofs = [
        "SYN seq=x",
        "SYN ACK seq=y ack=x+1",
        "ACK seq=x+1 ack=y+1",
        "seq=u",
        "ack=u+1",
    ];
    lifecycle(&[], &proofs);
    lifecycle(
        &[],
        &[
            "FIN ACK seq=w ack=u+1",
            "ACK seq=u+1 ack=w+1",
            "TIME-WAIT",
            "LAST-ACK",
        ],
    );
}

#[test]
fn lifecycle_with_the_last_ack_lost() {
    lifecycle(&["--lose-last-ack"], &["╳", "TIME-WAIT"]);
}

#[test]
fn lifecycle_with_an_old_duplicate_syn() {
    lifecycle(
        &["--old-duplicate-syn"],
        &["RST seq=x+1", "LISTEN", "SYN ACK seq=y' ack=x'+1"],
    );
}

#[test]
fn lifecycle_with_a_dead_peer() {
    lifecycle(&["--dead-peer"], &["╳", "timed out"]);
}

#[test]
fn zero_copy() {
    let output = run("zero_copy", &[]);
    assert!(
        output.contains("/lent    8388608 bytes, 8388608 of them"),
        "{output}"
    );
}

#[test]
fn path_draws_two_flows_and_logs_them() {
    let out = format!("{}/path", env!("CARGO_TARGET_TMPDIR"));
    let options = "--rate 10mbit --rtt 40ms --loss 1% --reorder 1% --cc cubic --cc newreno";
    let options: Vec<_> = options.split(' ').collect();
    let run = || {
        run(
            "path",
            &[&options[..], &["--duration", "3s", "--out", &out]].concat(),
        )
    };
    assert!(run().contains("2 NewReno"));
    let read = |name| std::fs::read_to_string(format!("{out}/{name}")).expect("it was written");
    let (svg, log) = (read("path.svg"), read("path.jsonl"));
    for label in [
        "10 Mbit/s, 40ms round trip",
        "1% lost",
        "ssthresh",
        "Queue, kB",
    ] {
        assert!(svg.contains(label), "no {label}");
    }
    for event in [
        "opened",
        "sample",
        "lost",
        "retransmitted",
        "recovery_began",
        "recovery_ended",
    ] {
        assert!(
            log.contains(&format!("\"event\":\"{event}\"")),
            "no {event}"
        );
    }
    // The same seed, the same picture.
    run();
    assert!((svg, log) == (read("path.svg"), read("path.jsonl")));
}
