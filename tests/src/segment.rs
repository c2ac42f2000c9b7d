//! One TCP segment with its addresses, as a test writes it down and as it reads one.

use std::fmt;
use std::net::SocketAddr;

use estab_proto::SeqNumber;
use estab_proto::seq::WireWindow;
use estab_proto::wire::tcp::fill_checksum;
use estab_proto::wire::{
    EcnCodepoint, Flags, IpPacket, IpRepr, Pretty, SackBlock, Segment, Sum, TcpOptions, Timestamps,
    protocol,
};

/// A segment on its way from `src` to `dst`.
#[derive(Clone, PartialEq, Eq)]
pub struct Seg {
    /// Who sends it.
    pub src: SocketAddr,
    /// To whom.
    pub dst: SocketAddr,
    /// SEG.SEQ.
    pub seq: SeqNumber,
    /// SEG.ACK.
    pub ack: SeqNumber,
    /// The control bits.
    pub ctl: Flags,
    /// The window field, unscaled.
    pub wnd: u16,
    /// The urgent pointer.
    pub up: u16,
    /// The options.
    pub opts: TcpOptions,
    /// Options as bytes, instead of `opts`: for malformed ones. A multiple of four bytes.
    pub raw_opts: Option<Vec<u8>>,
    /// The data.
    pub text: Vec<u8>,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// Type of service or traffic class.
    pub tos: u8,
}

impl Seg {
    /// A segment without flags, options and data, with a window of 65,535.
    pub fn new(src: SocketAddr, dst: SocketAddr) -> Self {
        Self {
            src,
            dst,
            seq: SeqNumber::new(0),
            ack: SeqNumber::new(0),
            ctl: Flags::empty(),
            wnd: u16::MAX,
            up: 0,
            opts: TcpOptions::default(),
            raw_opts: None,
            text: Vec::new(),
            ttl: 64,
            tos: 0,
        }
    }

    /// Sets SEG.SEQ.
    pub fn seq(mut self, seq: SeqNumber) -> Self {
        self.seq = seq;
        self
    }

    /// Sets SEG.ACK and the ACK bit.
    pub fn ack(mut self, ack: SeqNumber) -> Self {
        self.ack = ack;
        self.ctl |= Flags::ACK;
        self
    }

    /// Sets these control bits, beside those set already.
    pub fn ctl(mut self, ctl: Flags) -> Self {
        self.ctl |= ctl;
        self
    }

    /// Sets the window field.
    pub fn wnd(mut self, wnd: u16) -> Self {
        self.wnd = wnd;
        self
    }

    /// Sets the data.
    pub fn text(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.text = text.into();
        self
    }

    /// Sets the MSS option.
    pub fn mss(mut self, mss: u16) -> Self {
        self.opts.mss = Some(mss);
        self
    }

    /// Sets the timestamps option.
    pub fn timestamps(mut self, val: u32, ecr: u32) -> Self {
        self.opts.timestamps = Some(Timestamps { val, ecr });
        self
    }

    /// Adds a SACK block.
    ///
    /// # Panics
    ///
    /// If there are four already.
    pub fn sack(mut self, left: SeqNumber, right: SeqNumber) -> Self {
        self.opts.sack.push(SackBlock { left, right });
        self
    }

    /// Sets the ECN field.
    pub fn with_ecn(mut self, ecn: EcnCodepoint) -> Self {
        self.tos = ecn.on(self.tos);
        self
    }

    /// The ECN field.
    pub fn ecn(&self) -> EcnCodepoint {
        EcnCodepoint::of(self.tos)
    }

    /// Whether all of `flags` are set.
    pub fn has(&self, flags: Flags) -> bool {
        self.ctl.contains(flags)
    }

    /// SEG.LEN: text, SYN and FIN.
    pub fn len(&self) -> u32 {
        let phantom = u32::from(self.has(Flags::SYN)) + u32::from(self.has(Flags::FIN));
        self.text.len() as u32 + phantom
    }

    /// Whether it takes no sequence space.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sequence number that follows it.
    pub fn end(&self) -> SeqNumber {
        self.seq + self.len()
    }

    /// Reads a whole IP packet; `None` if it is not TCP.
    ///
    /// # Panics
    ///
    /// If it is TCP but malformed: no stack may send that.
    pub fn parse(packet: &[u8]) -> Option<Self> {
        let ip = IpPacket::parse(packet).expect("a whole IP packet");
        if ip.protocol() != protocol::TCP {
            return None;
        }
        let segment = Segment::parse(ip.payload(), ip.src(), ip.dst(), true).expect("a segment");
        Some(Self {
            src: SocketAddr::new(ip.src(), segment.src_port),
            dst: SocketAddr::new(ip.dst(), segment.dst_port),
            seq: segment.seq,
            ack: segment.ack,
            ctl: segment.ctl,
            wnd: segment.wnd.0,
            up: segment.up,
            opts: segment.opts,
            raw_opts: None,
            text: segment.text.to_vec(),
            ttl: ip.hop_limit(),
            tos: ip.traffic_class(),
        })
    }

    /// The segment as an IP packet, checksums filled in.
    pub fn packet(&self) -> Vec<u8> {
        let segment = Segment {
            src_port: self.src.port(),
            dst_port: self.dst.port(),
            seq: self.seq,
            ack: self.ack,
            ctl: self.ctl,
            wnd: WireWindow(self.wnd),
            up: self.up,
            opts: if self.raw_opts.is_some() {
                TcpOptions::default()
            } else {
                self.opts.clone()
            },
            ecn: Default::default(),
            source_route: None,
            malformed_options: false,
            text: &[],
        };
        let mut tcp = vec![0; 60];
        let header_len = segment.emit_header(&mut tcp);
        tcp.truncate(header_len);
        if let Some(raw) = &self.raw_opts {
            tcp.extend_from_slice(raw);
            tcp[12] = (((20 + raw.len()) << 2) & 0xf0) as u8 | tcp[12] & 0x0f;
        }
        let (src, dst) = (self.src.ip(), self.dst.ip());
        fill_checksum(&mut tcp, Sum::of(&self.text), self.text.len(), src, dst);
        tcp.extend_from_slice(&self.text);
        ip_packet(self, protocol::TCP, &tcp)
    }
}

/// `payload` behind an IP header with the addresses, TTL and TOS of `seg`.
fn ip_packet(seg: &Seg, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let repr = IpRepr {
        src: seg.src.ip(),
        dst: seg.dst.ip(),
        protocol,
        hop_limit: seg.ttl,
        traffic_class: seg.tos,
        ident: 0,
        dont_fragment: true,
        flow_label: 0,
    };
    let mut packet = vec![0; repr.header_len()];
    repr.emit(payload.len(), &mut packet);
    packet.extend_from_slice(payload);
    packet
}

impl fmt::Display for Seg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Pretty(&self.packet()), f)
    }
}

impl fmt::Debug for Seg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
