//! More network namespaces beside the one the program is in.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::panic;
use std::process::{Command, Stdio};
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A new network namespace, empty but for a loopback interface that is down, for threads of this
/// process.
///
/// Interfaces, addresses, routes, sockets and the parameters below `/proc/sys/net` belong to the
/// namespace in which the thread was that made them, and stay there. So with two of these, two
/// TCPs of the kernel can talk to each other over whatever joins their interfaces. The namespace is
/// gone when this and all that was made in it is dropped.
///
/// Making one and moving into it needs the rights that a program has inside after
/// [`enter`](crate::enter), and a test in [`isolated`](crate::isolated).
///
/// ```no_run
/// use estab_netns::{Namespace, ip};
///
/// let (one, other) = (Namespace::new()?, Namespace::new()?);
/// // Both may have the same names and addresses.
/// for namespace in [&one, &other] {
///     namespace.run(|| ip(&["tuntap", "add", "dev", "tun0", "mode", "tun"]))?;
/// }
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct Namespace {
    fd: OwnedFd,
}

/// Run in the new namespace: says that it is there, and stays until it is looked up.
const HOLD: &str = "echo; exec cat";

impl Namespace {
    /// Makes one, with a short-lived child that runs `unshare` of util-linux.
    ///
    /// # Errors
    ///
    /// When the child cannot be run, or has no right to make a namespace: then the error says what
    /// it said.
    pub fn new() -> io::Result<Self> {
        let mut child = Command::new("unshare")
            .args(["--net", "--", "sh", "-c", HOLD])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut ready = [0];
        let there = match &mut child.stdout {
            Some(stdout) => stdout.read(&mut ready)? == ready.len(),
            None => false,
        };
        let fd = File::open(format!("/proc/{}/ns/net", child.id()));
        // Closes its standard input, which ends it.
        let output = child.wait_with_output()?;
        if !there {
            let said = String::from_utf8_lossy(&output.stderr);
            let message = format!("`unshare --net` failed: {}", said.trim());
            return Err(io::Error::other(message));
        }
        Ok(Self { fd: fd?.into() })
    }

    /// Runs `body` on a thread of its own in this namespace, and returns what it returns. Commands
    /// started and threads spawned by `body` are in the namespace too; a tokio runtime works if it
    /// is made by `body`.
    ///
    /// # Panics
    ///
    /// When there is no right to move there, and when `body` panics.
    pub fn run<R: Send>(&self, body: impl FnOnce() -> R + Send) -> R {
        let result = thread::scope(|scope| {
            let inside = scope.spawn(|| {
                self.move_here();
                body()
            });
            inside.join()
        });
        result.unwrap_or_else(|payload| panic::resume_unwind(payload))
    }

    /// Like [`run`](Self::run), but does not wait: the thread goes on, also when this is dropped.
    ///
    /// # Errors
    ///
    /// When the system has no more descriptors.
    ///
    /// # Panics
    ///
    /// The thread panics where [`run`](Self::run) does.
    pub fn spawn<R: Send + 'static>(
        &self,
        body: impl FnOnce() -> R + Send + 'static,
    ) -> io::Result<thread::JoinHandle<R>> {
        let namespace = Self {
            fd: self.fd.try_clone()?,
        };
        Ok(thread::spawn(move || {
            namespace.move_here();
            drop(namespace);
            body()
        }))
    }

    /// Moves the calling thread into the namespace.
    fn move_here(&self) {
        let network = Some(LinkNameSpaceType::Network);
        move_into_link_name_space(self.fd.as_fd(), network)
            .expect("the right to move into another network namespace");
    }
}
