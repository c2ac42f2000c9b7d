//! Packets: the few fields that matter.

use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::task::{Context, Poll};

use estab::device::{Device, Packet, TunDevice};
use estab::proto::wire::Sum;

pub(super) const FIN: u8 = 1;
pub(super) const SYN: u8 = 2;
pub(super) const RST: u8 = 4;
pub(super) const PSH: u8 = 8;
pub(super) const ACK: u8 = 16;

const TCP: u8 = 6;

/// The shift of the windows we tell.
const SHIFT: u8 = 10;

/// Who speaks with whom.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(super) struct Addresses {
    pub(super) local: IpAddr,
    pub(super) remote: IpAddr,
    pub(super) local_port: u16,
    pub(super) remote_port: u16,
}

/// A segment that came.
pub(super) struct Segment<'a> {
    pub(super) addresses: Addresses,
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) flags: u8,
    pub(super) window: u16,
    pub(super) payload: &'a [u8],
    options: &'a [u8],
}

impl<'a> Segment<'a> {
    /// `None` if it is none, or not as it was sent.
    pub(super) fn parse(packet: &'a [u8], verify: bool) -> Option<Self> {
        let (local, remote, tcp): (IpAddr, IpAddr, _) = match packet.first()? >> 4 {
            4 if *packet.get(9)? == TCP => {
                let len = usize::from(u16::from_be_bytes(field(packet, 2)?));
                let header = usize::from(packet[0] & 0x0f) * 4;
                let (src, dst): ([u8; 4], [u8; 4]) = (field(packet, 12)?, field(packet, 16)?);
                (dst.into(), src.into(), packet.get(header..len)?)
            }
            6 if *packet.get(6)? == TCP => {
                let len = usize::from(u16::from_be_bytes(field(packet, 4)?));
                let (src, dst): ([u8; 16], [u8; 16]) = (field(packet, 8)?, field(packet, 24)?);
                (dst.into(), src.into(), packet.get(40..40 + len)?)
            }
            _ => return None,
        };
        if verify {
            let sum = Sum::pseudo(remote, local, TCP, tcp.len() as u32).add_bytes(tcp);
            if sum.finish() != 0 {
                return None;
            }
        }
        let header = usize::from(tcp.get(12)? >> 4) * 4;
        Some(Self {
            addresses: Addresses {
                local,
                remote,
                local_port: u16::from_be_bytes(field(tcp, 2)?),
                remote_port: u16::from_be_bytes(field(tcp, 0)?),
            },
            seq: u32::from_be_bytes(field(tcp, 4)?),
            ack: u32::from_be_bytes(field(tcp, 8)?),
            flags: tcp[13],
            window: u16::from_be_bytes(field(tcp, 14)?),
            payload: tcp.get(header..)?,
            options: tcp.get(20..header)?,
        })
    }

    /// The sequence number after it.
    pub(super) fn end(&self) -> u32 {
        let ends = u32::from(self.flags & SYN != 0) + u32::from(self.flags & FIN != 0);
        self.seq.wrapping_add(self.payload.len() as u32 + ends)
    }

    /// The maximum segment size and window shift of a SYN.
    pub(super) fn offers(&self) -> (usize, u8) {
        let (mut mss, mut shift) = (536, 0);
        let mut options = self.options;
        loop {
            options = match *options {
                [1, ref rest @ ..] => rest,
                [2, 4, a, b, ref rest @ ..] => {
                    mss = usize::from(u16::from_be_bytes([a, b]));
                    rest
                }
                [3, 3, value, ref rest @ ..] => {
                    shift = value.min(14);
                    rest
                }
                [_, len, ..] if len > 1 && usize::from(len) <= options.len() => {
                    &options[usize::from(len)..]
                }
                _ => return (mss, shift),
            };
        }
    }
}

fn field<const LEN: usize>(bytes: &[u8], at: usize) -> Option<[u8; LEN]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// The interface, and what is told to everybody over it.
pub(super) struct Link {
    /// Whether checksums of what comes are to be verified.
    pub(super) verifies: bool,
    /// The most payload in a packet.
    pub(super) largest: usize,
    /// The largest window, in bytes.
    pub(super) most: usize,
    /// The present window, in bytes.
    pub(super) window: usize,
    mtu: usize,
    completes: bool,
    header: Vec<u8>,
}

/// A segment to be sent, but for its payload.
pub(super) struct Out {
    pub(super) addresses: Addresses,
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) flags: u8,
    /// With the options of a SYN.
    pub(super) syn: bool,
}

impl Link {
    pub(super) fn new(device: &TunDevice, mtu: u16) -> Self {
        let caps = device.caps();
        let most = if caps.checksum_offload {
            4 << 20
        } else {
            512 << 10
        };
        Self {
            verifies: !caps.checksum_offload,
            largest: caps
                .segmentation
                .map_or(usize::from(mtu), |most| most as usize),
            most,
            window: most,
            mtu: mtu.into(),
            completes: caps.checksum_offload,
            header: Vec::with_capacity(80),
        }
    }

    /// The most payload in a segment to `peer`, whose SYN said `mss`.
    pub(super) fn mss(&self, peer: &Addresses, mss: usize) -> usize {
        mss.min(self.own_mss(peer))
    }

    fn own_mss(&self, peer: &Addresses) -> usize {
        self.mtu - if peer.remote.is_ipv4() { 40 } else { 60 }
    }

    /// How much payload goes into a packet of segments of `mss` bytes.
    pub(super) fn payload(&self, mss: usize) -> usize {
        (self.largest.saturating_sub(60) / mss).max(1) * mss
    }

    /// Sends a segment; whether the interface took it.
    pub(super) fn send(
        &mut self,
        cx: &mut Context<'_>,
        device: &mut TunDevice,
        out: &Out,
        payload: &[&[u8]],
    ) -> io::Result<bool> {
        self.send_cut(cx, device, out, payload, None)
    }

    /// Sends a segment, to be cut into some of `mss` bytes; whether the interface took it.
    pub(super) fn send_cut(
        &mut self,
        cx: &mut Context<'_>,
        device: &mut TunDevice,
        out: &Out,
        payload: &[&[u8]],
        mss: Option<usize>,
    ) -> io::Result<bool> {
        let len: usize = payload.iter().map(|part| part.len()).sum();
        self.write_header(out, payload, len);
        let mut slices = [
            IoSlice::new(&self.header),
            IoSlice::new(&[]),
            IoSlice::new(&[]),
        ];
        let mut used = 1;
        for part in payload.iter().filter(|part| !part.is_empty()) {
            slices[used] = IoSlice::new(part);
            used += 1;
        }
        let size = mss.filter(|&mss| len > mss).map(|mss| mss as u16);
        let packet = Packet::new(&slices[..used]).with_segment_size(size);
        match device.poll_send(cx, &packet) {
            Poll::Ready(sent) => sent.map(|()| true),
            Poll::Pending => Ok(false),
        }
    }

    fn write_header(&mut self, out: &Out, payload: &[&[u8]], len: usize) {
        let Addresses { local, remote, .. } = out.addresses;
        let own_mss = self.own_mss(&out.addresses) as u16;
        let header = &mut self.header;
        header.clear();
        let tcp_len = if out.syn { 28 } else { 20 };
        let total = (tcp_len + len) as u16;
        match (local, remote) {
            (IpAddr::V4(local), IpAddr::V4(remote)) => {
                header.extend_from_slice(&[0x45, 0]);
                header.extend_from_slice(&(20 + total).to_be_bytes());
                header.extend_from_slice(&[0, 0, 0x40, 0, 64, TCP, 0, 0]);
                header.extend_from_slice(&local.octets());
                header.extend_from_slice(&remote.octets());
                let sum = Sum::of(header).finish();
                header[10..12].copy_from_slice(&sum.to_be_bytes());
            }
            (IpAddr::V6(local), IpAddr::V6(remote)) => {
                header.extend_from_slice(&[0x60, 0, 0, 0]);
                header.extend_from_slice(&total.to_be_bytes());
                header.extend_from_slice(&[TCP, 64]);
                header.extend_from_slice(&local.octets());
                header.extend_from_slice(&remote.octets());
            }
            _ => {}
        }
        let at = header.len();
        header.extend_from_slice(&out.addresses.local_port.to_be_bytes());
        header.extend_from_slice(&out.addresses.remote_port.to_be_bytes());
        header.extend_from_slice(&out.seq.to_be_bytes());
        header.extend_from_slice(&out.ack.to_be_bytes());
        // A SYN's window is not shifted.
        let window = self.window >> if out.syn { 0 } else { SHIFT };
        let window = window.min(0xffff) as u16;
        header.extend_from_slice(&[(tcp_len as u8) << 2, out.flags]);
        header.extend_from_slice(&window.to_be_bytes());
        header.extend_from_slice(&[0; 4]);
        if out.syn {
            let [a, b] = own_mss.to_be_bytes();
            header.extend_from_slice(&[2, 4, a, b, 1, 3, 3, SHIFT]);
        }
        let pseudo = Sum::pseudo(local, remote, TCP, total.into());
        let sum = if self.completes {
            pseudo.folded()
        } else {
            let mut sum = pseudo.add_bytes(&header[at..]);
            let mut odd = false;
            for part in payload {
                sum = sum.combine(Sum::of(part), odd);
                odd ^= part.len() % 2 == 1;
            }
            sum.finish()
        };
        header[at + 16..at + 18].copy_from_slice(&sum.to_be_bytes());
    }
}
