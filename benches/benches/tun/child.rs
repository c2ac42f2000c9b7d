//! A server as a process of its own.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What a server prints when it listens.
pub(crate) const READY: &str = "ready";

/// How long it may take to start.
const START: Duration = Duration::from_secs(5);

/// How long it may take to end after its standard input did, and to say what it counted.
const END: Duration = Duration::from_millis(500);

/// Lines of its complaints that are kept.
const COMPLAINTS: usize = 3;

/// A running server, which ends when this is dropped.
pub(crate) struct Server {
    child: Child,
    /// What it prints.
    said: Option<Receiver<String>>,
    /// The last things it said on standard error.
    complaints: Arc<Mutex<Vec<String>>>,
    listening: Option<JoinHandle<()>>,
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
        let complaints = Arc::default();
        let listening = stderr.map(|stderr| {
            let complaints = Arc::clone(&complaints);
            thread::spawn(move || keep_last(stderr, &complaints))
        });
        let mut server = Self {
            child,
            said: stdout.map(lines),
            complaints,
            listening,
        };
        match server.said(START) {
            Some(line) if line == READY => Ok(server),
            _ => Err(server.explain(io::Error::other("the server does not start"))),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line it prints.
    fn said(&self, patience: Duration) -> Option<String> {
        self.said.as_ref()?.recv_timeout(patience).ok()
    }

    /// Ends it; what it says at the end, if it says anything.
    pub(crate) fn end(mut self) -> Option<String> {
        drop(self.child.stdin.take());
        self.said(END)
    }

    /// `error`, with what the server said, and whether it ended on its own.
    pub(crate) fn explain(&mut self, error: io::Error) -> io::Error {
        // What broke a connection may be still on its way to be the end of the process.
        thread::sleep(Duration::from_millis(20));
        let status = self.child.try_wait().ok().flatten();
        if let (Some(_), Some(listening)) = (status, self.listening.take()) {
            let _ = listening.join();
        }
        let complaints = self.complaints.lock();
        let said = complaints
            .unwrap_or_else(PoisonError::into_inner)
            .join("; ");
        match status {
            Some(status) => io::Error::other(format!("the server ended ({status}): {said}")),
            None if said.is_empty() => error,
            None => io::Error::other(format!("{error}; the server says: {said}")),
        }
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

/// Keeps the last lines that say something.
fn keep_last(stderr: impl Read, last: &Mutex<Vec<String>>) {
    let lines = BufReader::new(stderr).lines().map_while(Result::ok);
    for line in lines.filter(|line| !line.trim().is_empty() && !line.contains("RUST_BACKTRACE")) {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == COMPLAINTS {
            last.remove(0);
        }
        last.push(line);
    }
}
