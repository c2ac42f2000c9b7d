//! A packet on one line, for traces and failing tests.

use core::fmt;
use core::net::SocketAddr;

use super::{
    AccEcn, AccEcnOrder, EcnCodepoint, Flags, Icmpv4, Icmpv6, IpPacket, Segment, WireError,
    ipv6_ext, protocol,
};

/// Displays a whole IP packet on one line, in the manner of tcpdump.
///
/// Transport checksums are not checked; sequence numbers are absolute.
///
/// ```
/// use estab_proto::wire::Pretty;
///
/// assert_eq!(Pretty(&[0x45]).to_string(), "malformed IP, 1 bytes: shorter than its fixed header");
/// ```
#[derive(Clone, Copy)]
pub struct Pretty<'a>(pub &'a [u8]);

impl fmt::Display for Pretty<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let packet = match IpPacket::parse(self.0) {
            Ok(packet) => packet,
            Err(error) => return malformed(f, "IP", self.0, error),
        };
        match packet {
            IpPacket::V4(v4) => {
                if v4.is_fragment() {
                    let (offset, more) = (v4.fragment_offset, v4.more_fragments);
                    return fragment(f, &packet, v4.ident.into(), offset, more, v4.payload);
                }
                transport(f, &packet, v4.protocol, v4.payload)
            }
            IpPacket::V6(v6) => match ipv6_ext::walk(v6.next_header, v6.payload) {
                Err(refusal) => {
                    write!(f, "{} > {} ", v6.src, v6.dst)?;
                    malformed(f, "IPv6", v6.payload, refusal.error)
                }
                Ok(walk) => match walk.fragment {
                    Some(header) => {
                        let (offset, more) = (header.offset, header.more);
                        fragment(f, &packet, header.ident, offset, more, walk.payload)
                    }
                    None => transport(f, &packet, walk.protocol, walk.payload),
                },
            },
        }
    }
}

impl fmt::Debug for Pretty<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn malformed(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    bytes: &[u8],
    error: WireError,
) -> fmt::Result {
    write!(f, "malformed {what}, {} bytes: {error}", bytes.len())
}

fn fragment(
    f: &mut fmt::Formatter<'_>,
    packet: &IpPacket<'_>,
    ident: u32,
    offset: u16,
    more: bool,
    payload: &[u8],
) -> fmt::Result {
    let end = usize::from(offset).saturating_add(payload.len());
    let more = if more { "+" } else { "" };
    write!(
        f,
        "{} > {} fragment id {ident} {offset}:{end}{more}",
        packet.src(),
        packet.dst()
    )
}

fn transport(
    f: &mut fmt::Formatter<'_>,
    packet: &IpPacket<'_>,
    protocol: u8,
    payload: &[u8],
) -> fmt::Result {
    match (protocol, packet) {
        (protocol::TCP, _) => tcp(f, packet, payload),
        (protocol::ICMP, IpPacket::V4(v4)) => {
            write!(f, "{} > {} icmp ", v4.src, v4.dst)?;
            icmpv4(f, payload)
        }
        (protocol::ICMPV6, IpPacket::V6(v6)) => {
            write!(f, "{} > {} icmp6 ", v6.src, v6.dst)?;
            match Icmpv6::parse(payload, v6.src, v6.dst) {
                Ok(message) => icmpv6(f, message),
                Err(error) => malformed(f, "ICMPv6", payload, error),
            }
        }
        _ => {
            let (src, dst) = (packet.src(), packet.dst());
            write!(f, "{src} > {dst} protocol {protocol} len {}", payload.len())
        }
    }
}

fn tcp(f: &mut fmt::Formatter<'_>, packet: &IpPacket<'_>, payload: &[u8]) -> fmt::Result {
    let (src, dst) = (packet.src(), packet.dst());
    let segment = match Segment::parse(payload, src, dst, false) {
        Ok(segment) => segment,
        Err(error) => {
            write!(f, "{src} > {dst} ")?;
            return malformed(f, "TCP", payload, error);
        }
    };
    let end = segment.text.len() as u32;
    let seq = segment.seq.to_u32();
    write!(
        f,
        "{} > {} ",
        SocketAddr::new(src, segment.src_port),
        SocketAddr::new(dst, segment.dst_port),
    )?;
    match EcnCodepoint::of(packet.traffic_class()) {
        EcnCodepoint::NotEct => {}
        marked => write!(f, "[{marked}] ")?,
    }
    write!(
        f,
        "{} seq {seq}:{}",
        Letters(segment.ctl),
        seq.wrapping_add(end),
    )?;
    if segment.has(Flags::ACK) {
        write!(f, " ack {}", segment.ack)?;
    }
    write!(f, " win {}", segment.wnd.0)?;
    if segment.has(Flags::URG) {
        write!(f, " urg {}", segment.up)?;
    }
    options(f, &segment)
}

/// The control bits as letters in tcpdump's order, a dot for ACK.
struct Letters(Flags);

impl fmt::Display for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LETTERS: [(Flags, &str); 9] = [
            (Flags::FIN, "F"),
            (Flags::SYN, "S"),
            (Flags::RST, "R"),
            (Flags::PSH, "P"),
            (Flags::ACK, "."),
            (Flags::URG, "U"),
            (Flags::ECE, "E"),
            (Flags::CWR, "W"),
            (Flags::AE, "e"),
        ];
        if self.0.is_empty() {
            return f.write_str("none");
        }
        LETTERS
            .iter()
            .filter(|(flag, _)| self.0.contains(*flag))
            .try_for_each(|(_, letter)| f.write_str(letter))
    }
}

fn options(f: &mut fmt::Formatter<'_>, segment: &Segment<'_>) -> fmt::Result {
    let options = &segment.opts;
    let mut list = List { f, separator: " <" };
    if let Some(mss) = options.mss {
        list.item(format_args!("mss {mss}"))?;
    }
    if options.sack_permitted {
        list.item(format_args!("sackOK"))?;
    }
    if let Some(timestamps) = options.timestamps {
        list.item(format_args!(
            "TS val {} ecr {}",
            timestamps.val, timestamps.ecr
        ))?;
    }
    if let Some(shift) = options.window_scale {
        list.item(format_args!("wscale {shift}"))?;
    }
    if let Some(accecn) = options.accecn {
        list.item(format_args!("{}", Counters(accecn)))?;
    }
    for block in &options.sack {
        list.item(format_args!("sack {}:{}", block.left, block.right))?;
    }
    if segment.malformed_options {
        list.item(format_args!("malformed"))?;
    }
    list.end()
}

/// The counters of AccECN in the order of the wire.
struct Counters(AccEcn);

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let e0b = ("e0b", self.0.e0b());
        let ceb = ("ceb", self.0.ceb());
        let e1b = ("e1b", self.0.e1b());
        let counters = match self.0.order() {
            AccEcnOrder::E0bFirst => [e0b, ceb, e1b],
            AccEcnOrder::E1bFirst => [e1b, ceb, e0b],
        };
        f.write_str("ECN")?;
        for (name, counter) in counters {
            if let Some(counter) = counter {
                write!(f, " {name} {counter}")?;
            }
        }
        Ok(())
    }
}

/// Writes items between angle brackets, or nothing at all.
struct List<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    separator: &'static str,
}

impl List<'_, '_> {
    fn item(&mut self, item: fmt::Arguments<'_>) -> fmt::Result {
        self.f.write_str(self.separator)?;
        self.separator = ",";
        self.f.write_fmt(item)
    }

    fn end(self) -> fmt::Result {
        if self.separator == "," {
            self.f.write_str(">")
        } else {
            Ok(())
        }
    }
}

fn icmpv4(f: &mut fmt::Formatter<'_>, payload: &[u8]) -> fmt::Result {
    let message = match Icmpv4::parse(payload) {
        Ok(message) => message,
        Err(error) => return malformed(f, "ICMP", payload, error),
    };
    match message {
        Icmpv4::EchoRequest { ident, seq, data } => echo(f, "request", ident, seq, data),
        Icmpv4::EchoReply { ident, seq, data } => echo(f, "reply", ident, seq, data),
        Icmpv4::Unreachable { code, mtu: 0, .. } => write!(f, "unreachable code {code}"),
        Icmpv4::Unreachable { code, mtu, .. } => write!(f, "unreachable code {code} mtu {mtu}"),
        Icmpv4::SourceQuench { .. } => f.write_str("source quench"),
        Icmpv4::TimeExceeded { code, .. } => write!(f, "time exceeded code {code}"),
        Icmpv4::ParameterProblem { code, pointer, .. } => {
            write!(f, "parameter problem code {code} pointer {pointer}")
        }
        Icmpv4::Other { kind, code, .. } => write!(f, "type {kind} code {code}"),
    }
}

fn icmpv6(f: &mut fmt::Formatter<'_>, message: Icmpv6<'_>) -> fmt::Result {
    match message {
        Icmpv6::EchoRequest { ident, seq, data } => echo(f, "request", ident, seq, data),
        Icmpv6::EchoReply { ident, seq, data } => echo(f, "reply", ident, seq, data),
        Icmpv6::Unreachable { code, .. } => write!(f, "unreachable code {code}"),
        Icmpv6::PacketTooBig { mtu, .. } => write!(f, "packet too big mtu {mtu}"),
        Icmpv6::TimeExceeded { code, .. } => write!(f, "time exceeded code {code}"),
        Icmpv6::ParameterProblem { code, pointer, .. } => {
            write!(f, "parameter problem code {code} pointer {pointer}")
        }
        Icmpv6::Other { kind, code, .. } => write!(f, "type {kind} code {code}"),
    }
}

fn echo(f: &mut fmt::Formatter<'_>, what: &str, ident: u16, seq: u16, data: &[u8]) -> fmt::Result {
    write!(f, "echo {what} ident {ident} seq {seq} len {}", data.len())
}

#[cfg(test)]
mod tests;
