//! A server as a process of its own.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What a server prints when it listens.
pub(crate) const READY: &str = "ready";

/// How long it may take to start.
const START: Duration = Duration::from_secs(5);

/// How long it may take to end after its standard input did.
const END: Duration = Duration::from_millis(500);

/// A running server, which ends when this is dropped.
pub(crate) struct Server {
    child: Child,
    complaint: Option<JoinHandle<String>>,
}

impl Server {
    /// Runs `command` and waits until it is ready. Both are on the cores and in the namespace of the
    /// calling thread.
    pub(crate) fn start(mut command: Command) -> io::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let complaint = stderr.map(|stderr| thread::spawn(move || last_line(stderr)));
        let mut server = Self { child, complaint };
        let ready = stdout.map(lines);
        match ready.and_then(|lines| lines.recv_timeout(START).ok()) {
            Some(line) if line == READY => Ok(server),
            _ => Err(server.explain(io::Error::other("the server does not start"))),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// `error`, or what the server said when it ended on its own.
    pub(crate) fn explain(&mut self, error: io::Error) -> io::Error {
        // What broke a connection may be still on its way to be the end of the process.
        thread::sleep(Duration::from_millis(20));
        match self.child.try_wait() {
            Ok(Some(status)) => self.ended(status),
            _ => error,
        }
    }

    fn ended(&mut self, status: ExitStatus) -> io::Error {
        let complaint = self.complaint.take().and_then(|thread| thread.join().ok());
        let complaint = complaint.unwrap_or_default();
        io::Error::other(format!("the server ended ({status}): {complaint}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let step = Duration::from_millis(1);
        for _ in 0..END.as_millis() {
            match self.child.try_wait() {
                Ok(None) => thread::sleep(step),
                _ => return,
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is printed, line by line; the pipe is read to its end.
fn lines(stdout: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    receiver
}

/// The last line that says something.
fn last_line(stderr: impl Read) -> String {
    let lines = BufReader::new(stderr).lines().map_while(Result::ok);
    lines
        .filter(|line| !line.trim().is_empty() && !line.contains("RUST_BACKTRACE"))
        .last()
        .unwrap_or_default()
}
