//! The kernel's TCP and the kernel's TCP, or ours, with an emulated path between them in real time:
//! to be used in a namespace of one's own (see `estab_netns`).
//!
//! A [`KernelHost`] is one more network namespace with a TUN in it. The relay of `estab-sim` carries
//! packets between its descriptor and that of another host, or of a stack:
//!
//! ```text
//! namespace A                      relay                      namespace B
//!  kernel TCP ── route ── TUN ═ there: Pipe / back: Pipe ═ TUN ── route ── kernel TCP
//!  10.88.0.1, fd88::1                                             10.88.0.2, fd88::2
//! ```
//!
//! The TUNs have no offloads, so the kernel cuts and sums what it sends, and queues long enough that
//! nothing is dropped but by the path. Both kernels are one, with the same TCP and without memory of
//! earlier connections; [`kernel::socket`](crate::kernel::socket) chooses CUBIC.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};

use estab_netns::{Namespace, disable_dad, ip, sysctl};
use estab_sim::Path;
use estab_sim::relay::{Relay, Report};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use tokio::runtime::Builder;
use tokio_tun::Tun;

use crate::kernel::{INTERFACE, KERNEL, OURS};

/// The MTU of all interfaces.
pub const MTU: u32 = 1500;

/// Packets a TUN holds for the relay: more than any window of the tests.
const QUEUE: &str = "20000";

/// A kernel's TCP in a namespace of its own.
#[derive(Debug)]
pub struct KernelHost {
    namespace: Namespace,
    /// Its addresses, IPv4 and IPv6.
    pub addrs: [IpAddr; 2],
}

impl KernelHost {
    /// A host with these addresses, and the descriptor of its interface.
    ///
    /// # Errors
    ///
    /// When the namespace or the interface cannot be made.
    pub fn new(addrs: [IpAddr; 2]) -> io::Result<(Self, OwnedFd)> {
        let namespace = Namespace::new()?;
        let fd = namespace.run(|| set_up(addrs))?;
        Ok((Self { namespace, addrs }, fd))
    }

    /// Runs `body` on a thread of its own on this host: sockets it opens are the host's. A tokio
    /// runtime must be made inside, and without worker threads.
    pub fn run<R: Send>(&self, body: impl FnOnce() -> R + Send) -> R {
        self.namespace.run(body)
    }

    /// Like [`run`](Self::run) on a current-thread runtime.
    ///
    /// # Panics
    ///
    /// When the runtime cannot be made, and when `body` panics.
    pub fn block_on<F>(&self, body: impl FnOnce() -> F + Send) -> F::Output
    where
        F: Future<Output: Send>,
    {
        self.run(|| {
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(body())
        })
    }
}

/// Makes the interface in the namespace of this thread.
fn set_up(addrs: [IpAddr; 2]) -> io::Result<OwnedFd> {
    disable_dad()?;
    sysctl("ipv4.tcp_no_metrics_save", "1")?;
    // Nothing but what the tests send goes over the path: a seed means the same for all who send.
    sysctl("ipv6.conf.default.router_solicitations", "0")?;
    // `tokio-tun` wants to be on a runtime; the relay has its own descriptor.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let _on = runtime.enter();
    let tuns = Tun::builder().name(INTERFACE).build();
    let tun = tuns.map_err(io::Error::other)?.remove(0);
    let this = pidfd_open(getpid(), PidfdFlags::empty())?;
    let fd = pidfd_getfd(this, tun.as_raw_fd(), PidfdGetfdFlags::empty())?;
    for (addr, prefix) in addrs.into_iter().zip([24, 64]) {
        ip(&["addr", "add", &format!("{addr}/{prefix}"), "dev", INTERFACE])?;
    }
    let mtu = MTU.to_string();
    ip(&[
        "link",
        "set",
        INTERFACE,
        "mtu",
        &mtu,
        "txqueuelen",
        QUEUE,
        "up",
    ])?;
    Ok(fd)
}

/// Two hosts of the kernel with a path between them.
#[derive(Debug)]
pub struct Kernels {
    /// The host where the path begins, with the addresses [`KERNEL`].
    pub first: KernelHost,
    /// The host where it ends, with the addresses [`OURS`].
    pub second: KernelHost,
    relay: Relay,
}

impl Kernels {
    /// Two hosts at the ends of `path`.
    ///
    /// # Errors
    ///
    /// As [`KernelHost::new`] and [`Relay::start`].
    pub fn new(path: Path) -> io::Result<Self> {
        let (first, there) = KernelHost::new(KERNEL)?;
        let (second, back) = KernelHost::new(OURS)?;
        let relay = Relay::start(there, back, path)?;
        Ok(Self {
            first,
            second,
            relay,
        })
    }

    /// What happened on the path so far.
    pub fn report(&self) -> Report {
        self.relay.report()
    }

    /// Whether the path has ended because an interface was deleted.
    pub fn has_ended(&self) -> bool {
        self.relay.has_ended()
    }

    /// Ends the path, and tells what happened on it.
    ///
    /// # Errors
    ///
    /// When it had ended before, because an interface was deleted.
    pub fn stop(self) -> io::Result<Report> {
        self.relay.stop()
    }
}
