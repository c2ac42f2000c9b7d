//! Descriptors of TUN interfaces: the `ioctl`s that no crate wraps.
//!
//! The only `unsafe` code of this crate. What is called here takes descriptors by reference or by
//! value, so they are open for as long as they are used.

use std::ffi::c_int;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;

use rustix::io::ioctl_fionbio;
use rustix::ioctl::{Getter, IntegerSetter, Opcode, Updater, ioctl, opcode};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

const TUNSETIFF: Opcode = opcode::write::<c_int>(b'T', 202);
const TUNSETPERSIST: Opcode = opcode::write::<c_int>(b'T', 203);
const TUNGETFEATURES: Opcode = opcode::read::<u32>(b'T', 207);
const TUNSETOFFLOAD: Opcode = opcode::write::<u32>(b'T', 208);

/// A TUN, not a TAP.
const IFF_TUN: u16 = 0x0001;
/// Several descriptors may attach, each with a queue of its own.
const IFF_MULTI_QUEUE: u16 = 0x0100;
/// No packet information before a packet.
const IFF_NO_PI: u16 = 0x1000;
/// A virtio header before every packet.
const IFF_VNET_HDR: u16 = 0x4000;

/// The checksum may be left to us.
const TUN_F_CSUM: u32 = 0x01;
/// TCP super-segments over IPv4 and over IPv6 may be given to us.
const TUN_F_TSO4: u32 = 0x02;
const TUN_F_TSO6: u32 = 0x04;

/// `struct ifreq`, as long as it is on any machine.
#[repr(C)]
struct InterfaceRequest {
    name: [u8; 16],
    flags: u16,
    unused: [u8; 22],
}

/// Whether the kernel can put virtio headers before packets.
pub(in crate::device) fn is_granted() -> bool {
    let ask = || {
        let fd = open()?;
        // SAFETY: TUNGETFEATURES writes an unsigned int.
        let features = unsafe { ioctl(&fd, Getter::<TUNGETFEATURES, u32>::new()) }?;
        io::Result::Ok(features & u32::from(IFF_VNET_HDR) != 0)
    };
    ask().unwrap_or(false)
}

fn open() -> io::Result<OwnedFd> {
    let tun = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/net/tun")?;
    Ok(tun.into())
}

/// A queue of the interface `name`, which exists and has `queues` of them: a descriptor that does
/// not block, with virtio headers, and super-segments where the kernel has them.
pub(super) fn attach(name: &str, queues: usize) -> io::Result<OwnedFd> {
    let mut request = InterfaceRequest {
        name: [0; 16],
        flags: IFF_TUN | IFF_NO_PI | IFF_VNET_HDR,
        unused: [0; 22],
    };
    // The last byte stays zero.
    for (to, from) in request.name[..15].iter_mut().zip(name.bytes()) {
        *to = from;
    }
    if queues > 1 {
        request.flags |= IFF_MULTI_QUEUE;
    }
    let fd = open()?;
    ioctl_fionbio(&fd, true)?;
    // SAFETY: TUNSETIFF reads and writes a struct ifreq, of which the request has the layout and at
    // least the length.
    unsafe { ioctl(&fd, Updater::<TUNSETIFF, _>::new(&mut request)) }?;
    if let Err(error) = set_offloads(&fd, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) {
        // The headers still let us send super-segments.
        tracing::debug!(%error, "the kernel gives plain segments only");
    }
    Ok(fd)
}

/// Has the kernel give complete packets only: an interface made to last remembers what it was told
/// by whoever held it before.
pub(in crate::device) fn clear_offloads(fd: &OwnedFd) -> io::Result<()> {
    set_offloads(fd, 0)
}

fn set_offloads(fd: &OwnedFd, offloads: u32) -> io::Result<()> {
    // SAFETY: TUNSETOFFLOAD takes an integer by value.
    unsafe { ioctl(fd, integer::<TUNSETOFFLOAD>(offloads as usize)) }?;
    Ok(())
}

/// Whether the interface outlives its descriptors.
pub(in crate::device) fn set_persistent(fd: &OwnedFd, persistent: bool) -> io::Result<()> {
    // SAFETY: TUNSETPERSIST takes an integer by value.
    unsafe { ioctl(fd, integer::<TUNSETPERSIST>(usize::from(persistent))) }?;
    Ok(())
}

/// An `ioctl` whose argument is a number.
///
/// # Safety
///
/// `OPCODE` takes its argument by value, and `value` is in its range.
unsafe fn integer<const OPCODE: Opcode>(value: usize) -> IntegerSetter<OPCODE> {
    // SAFETY: the caller's.
    unsafe { IntegerSetter::new_usize(value) }
}

/// Has the runtime watch over the descriptor.
///
/// # Panics
///
/// Outside a tokio runtime with I/O enabled.
pub(super) fn register(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    let interest = Interest::READABLE | Interest::WRITABLE;
    // SAFETY: an OwnedFd always names the same open descriptor, and it is closed by being dropped,
    // which `AsyncFd` does after deregistering it.
    Ok(unsafe { AsyncFd::register_with_interest(fd, interest) }?)
}
