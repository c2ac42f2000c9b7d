//! Who does not get on is found, and what is known of it told.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::flow::Plan;

/// A flow that is watched.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) plan: Plan,
    /// Bytes its client has read and written.
    pub(crate) moved: AtomicU64,
    pub(crate) is_done: AtomicBool,
}

/// Completes when a flow has not got on for `patience`.
#[allow(
    clippy::disallowed_methods,
    reason = "the kernel has a clock of its own"
)]
pub(crate) async fn stuck(flows: &[Arc<Watched>], patience: Duration) -> String {
    let mut last: Vec<_> = flows.iter().map(|_| (0, Instant::now())).collect();
    loop {
        sleep(Duration::from_millis(100)).await;
        let now = Instant::now();
        let mut stuck = String::new();
        for (flow, (moved, at)) in flows.iter().zip(&mut last) {
            let count = flow.moved.load(Relaxed);
            if count != *moved || flow.is_done.load(Relaxed) {
                (*moved, *at) = (count, now);
            } else if now - *at > patience {
                stuck += &format!("stuck for {:?}: {flow:?}\n", now - *at);
            }
        }
        if !stuck.is_empty() {
            return stuck;
        }
    }
}

/// What the kernel knows of its sockets and the interface.
pub(crate) fn kernel_report() -> String {
    let run = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output();
        output.map_or_else(
            |error| format!("{program}: {error}\n"),
            |output| String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    run("ss", &["-tinoem"]) + &run("ip", &["-s", "link"]) + &run("nstat", &["-a"])
}
