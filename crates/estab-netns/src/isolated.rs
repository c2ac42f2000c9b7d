//! Tests, each in a namespace of its own.

use std::env;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpid, kill_process_group};

use crate::{Unavailable, namespace};

/// Set to `1`, it makes [`isolated`] tests pass without running; each is printed and counted on
/// standard error.
pub const SKIP_VARIABLE: &str = "ESTAB_SKIP_TUN";

/// How long [`isolated`] lets a test run.
pub const DEFAULT_LIMIT: Duration = Duration::from_secs(120);

/// Set in the child to the name of the test it is there for.
const CHILD: &str = "ESTAB_NETNS_TEST";

/// What the child prints when the test's body returned: an exit code of 0 alone could mean that
/// the filter matched no test.
const PASSED: &str = "estab-netns: the body returned";

/// Runs the body of a `#[test]` in a network namespace of its own, for at most
/// [`DEFAULT_LIMIT`].
///
/// It runs the test binary again, inside, for just this test; so the call is the whole body:
///
/// ```no_run
/// # #[allow(clippy::test_attr_in_doctest)]
/// #[test]
/// fn the_loopback_answers() {
///     estab_netns::isolated(|| {
///         estab_netns::loopback_up().unwrap();
///         assert!(std::net::TcpListener::bind("127.0.0.1:0").is_ok());
///     });
/// }
/// ```
///
/// With `ESTAB_SKIP_TUN=1` in the environment the test is skipped: that is printed on standard
/// error, past the harness's capture, with the number skipped so far.
///
/// # Panics
///
/// When the body panics; when the limit passes, after killing everything the test started; and
/// when no namespace can be made, with what to do about it.
pub fn isolated<F: FnOnce()>(body: F) {
    isolated_for(DEFAULT_LIMIT, body);
}

/// [`isolated`] with a limit of its own.
///
/// # Panics
///
/// As [`isolated`].
pub fn isolated_for<F: FnOnce()>(limit: Duration, body: F) {
    let name = test_name::<F>();
    if env::var_os(CHILD).is_some_and(|child| child == *name) {
        end_with_parent();
        body();
        println!("\n{PASSED}");
        return;
    }
    if skipped(&name) {
        return;
    }
    let mut child = match spawn(&name) {
        Ok(child) => child,
        Err(error) => panic!("{name}: {error}\n  * or skip such tests: {SKIP_VARIABLE}=1"),
    };
    let (output, in_time) = collect(&mut child, limit);
    if !in_time {
        end_group(&child);
    }
    let status = child
        .wait()
        .expect("a child that was spawned can be waited for");
    println!("{output}");
    assert!(
        in_time,
        "{name}: not done after {limit:?}; killed with all it started"
    );
    assert!(
        status.success(),
        "{name}: failed in its namespace ({status}), see above"
    );
    assert!(
        output.contains(PASSED),
        "{name}: the harness inside did not find this test"
    );
}

/// The path of the running test: the harness names its threads so, except when it runs tests on
/// the main thread; then the path of the closure tells it.
fn test_name<F>() -> String {
    let current = thread::current();
    if let Some(name) = current.name().filter(|name| *name != "main") {
        return name.to_owned();
    }
    let path = std::any::type_name::<F>().trim_end_matches("::{{closure}}");
    path.split_once("::")
        .map_or(path, |(_crate, path)| path)
        .to_owned()
}

/// Whether the test `name` is to be skipped: `ESTAB_SKIP_TUN=1` is set. It is printed on standard
/// error, with the number skipped so far. For tests that isolate by other means than [`isolated`].
pub fn skipped(name: &str) -> bool {
    static SKIPPED: AtomicUsize = AtomicUsize::new(0);
    let skipped = env::var_os(SKIP_VARIABLE).is_some_and(|value| value == "1");
    if skipped {
        let count = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
        // `eprintln!` would be captured and never seen.
        let _ = writeln!(
            io::stderr(),
            "skipped: {name} ({SKIP_VARIABLE}=1, {count} so far)"
        );
    }
    skipped
}

/// Runs the test binary inside, for this test alone, as the leader of a process group.
fn spawn(name: &str) -> Result<Child, Box<dyn std::error::Error>> {
    let mut command = namespace::command().map_err(|error: Unavailable| error.to_string())?;
    command
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(CHILD, name);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Ok(command.process_group(0).spawn()?)
}

/// Everything the child prints until it and all it started closed their outputs, and whether they
/// did so within `limit`.
fn collect(child: &mut Child, limit: Duration) -> (String, bool) {
    let (sender, receiver) = mpsc::channel();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let pipes = [stdout.map(boxed), stderr.map(boxed)];
    for mut pipe in pipes.into_iter().flatten() {
        let sender = sender.clone();
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(n @ 1..) = pipe.read(&mut chunk) {
                if sender.send(chunk[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
    }
    drop(sender);
    let mut output = Vec::new();
    let in_time = receive(&receiver, limit, &mut output);
    (String::from_utf8_lossy(&output).into_owned(), in_time)
}

fn boxed(pipe: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(pipe)
}

/// Appends chunks until all senders are gone (true) or `limit` passed (false).
#[expect(
    clippy::disallowed_methods,
    reason = "a limit on a real process is real time"
)]
fn receive(chunks: &Receiver<Vec<u8>>, limit: Duration, output: &mut Vec<u8>) -> bool {
    let start = Instant::now();
    loop {
        match chunks.recv_timeout(limit.saturating_sub(start.elapsed())) {
            Ok(chunk) => output.extend(chunk),
            Err(RecvTimeoutError::Disconnected) => return true,
            Err(RecvTimeoutError::Timeout) => return false,
        }
    }
}

/// Kills the child and whatever it started.
fn end_group(child: &Child) {
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
}

/// In the child: when the parent dies, so does the whole group. The parent holds the other end of
/// standard input and never writes.
fn end_with_parent() {
    thread::spawn(|| {
        let mut stdin = io::stdin().lock();
        while let Ok(1..) = stdin.read(&mut [0; 64]) {}
        let _ = kill_process_group(getpid(), Signal::KILL);
    });
}

#[cfg(test)]
mod tests;
