//! One of the two descriptors.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use bytes::Bytes;
use rustix::event::PollFlags;
use rustix::io::Errno;

/// Packets that wait for a descriptor that is full, as in a network card's ring.
const RING: usize = 1_024;

/// A packet descriptor, and what it would not take yet.
pub(super) struct Port {
    fd: OwnedFd,
    ring: VecDeque<Bytes>,
    refused: u64,
}

/// What a read gave.
pub(super) enum Read {
    Packet(usize),
    Empty,
    Closed,
}

/// How a burst of reads ended.
pub(super) enum Drained {
    Empty,
    More,
    Closed,
}

impl Port {
    pub(super) fn new(fd: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&fd, true)?;
        Ok(Self {
            fd,
            ring: VecDeque::new(),
            refused: 0,
        })
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// What to wait for.
    pub(super) fn interest(&self) -> PollFlags {
        if self.ring.is_empty() {
            PollFlags::IN
        } else {
            PollFlags::IN | PollFlags::OUT
        }
    }

    pub(super) fn read(&mut self, buf: &mut [u8]) -> io::Result<Read> {
        loop {
            return match rustix::io::read(&self.fd, &mut *buf) {
                Ok(0) => Ok(Read::Closed),
                Ok(len) => Ok(Read::Packet(len)),
                Err(Errno::AGAIN) => Ok(Read::Empty),
                Err(Errno::INTR) => continue,
                Err(Errno::CONNRESET) => Ok(Read::Closed),
                // The interface is down: it may come up again.
                Err(Errno::IO) => Ok(Read::Empty),
                Err(error) => Err(error.into()),
            };
        }
    }

    /// Writes a packet, behind those that wait.
    pub(super) fn write(&mut self, packet: Bytes) -> io::Result<()> {
        if self.ring.len() >= RING {
            self.refused += 1;
        } else if !self.ring.is_empty() || !self.try_write(&packet)? {
            self.ring.push_back(packet);
        }
        Ok(())
    }

    /// Writes what waits, as far as it goes.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while let Some(packet) = self.ring.pop_front() {
            if !self.try_write(&packet)? {
                self.ring.push_front(packet);
                break;
            }
        }
        Ok(())
    }

    /// Packets not taken since this was asked last.
    pub(super) fn take_refused(&mut self) -> u64 {
        std::mem::take(&mut self.refused)
    }

    /// False if the descriptor is full.
    fn try_write(&mut self, packet: &[u8]) -> io::Result<bool> {
        loop {
            match rustix::io::write(&self.fd, packet) {
                Ok(_) => return Ok(true),
                Err(Errno::AGAIN) => return Ok(false),
                Err(Errno::INTR) => {}
                Err(error @ Errno::BADFD) => return Err(error.into()),
                // The interface is down, refuses the packet, or nobody listens any more.
                Err(_) => {
                    self.refused += 1;
                    return Ok(true);
                }
            }
        }
    }
}
