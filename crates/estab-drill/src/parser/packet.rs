//! Packet lines: `< [ect0] P. 1:1001(1000) ack 1 win 257 <nop,nop,TS val 1 ecr 2>`.

use crate::ast::{Body, Ecn, Icmp, IcmpKind, Packet, Tcp, flag};
use crate::cursor::{Cursor, ParseError};
use crate::parser::options::options;
use crate::wire::option_bytes;

/// What stands for packets this crate has no codec for.
const FOREIGN: [&str; 7] = ["udp", "udplite", "sctp", "ipv4", "ipv6", "gre", "mpls"];

/// Bytes beyond which an IP packet of whichever family does not go.
const MAX_PAYLOAD: u32 = 65_000;

/// A packet, after its direction.
pub(super) fn packet(cursor: &mut Cursor<'_>, inbound: bool) -> Result<Packet, ParseError> {
    let mut packet = Packet::default();
    let mut quoted = None;
    loop {
        if cursor.take("(")? {
            headers(&mut packet, cursor, ")")?;
        } else if cursor.take("[")? {
            cursor.skip_blanks()?;
            match cursor.peek() {
                Some(c) if c.is_ascii_digit() => {
                    quoted = Some(range(cursor)?);
                    cursor.expect("]")?;
                }
                _ => headers(&mut packet, cursor, "]")?,
            }
        } else if cursor.take("@")? {
            packet.flow = Some(cursor.word()?.to_owned());
        } else {
            break;
        }
    }
    for protocol in FOREIGN {
        if cursor.take_word(protocol)? {
            return cursor.error(format!("packets of {protocol} are not supported"));
        }
    }
    packet.body = if cursor.take_word("icmp")? || cursor.take_word("icmpv6")? {
        if !inbound {
            return cursor.error("an ICMP packet can only arrive, not be expected");
        }
        let Some(quoted) = quoted else {
            return cursor.error("an ICMP packet must quote a segment: [1:1001(1000)] icmp …");
        };
        Body::Icmp(icmp(cursor, quoted)?)
    } else {
        Body::Tcp(tcp(cursor)?)
    };
    let len = match &packet.body {
        Body::Tcp(tcp) => tcp.len,
        Body::Icmp(icmp) => icmp.quoted.1,
    };
    if inbound && len > MAX_PAYLOAD {
        return cursor.error("a packet longer than IP can say");
    }
    Ok(packet)
}

/// What the script says of the IP header, up to `end`.
fn headers(packet: &mut Packet, cursor: &mut Cursor<'_>, end: &str) -> Result<(), ParseError> {
    loop {
        match cursor.word()? {
            "noecn" | "nonect" => packet.ecn = Some(Ecn::Not),
            "ect0" => packet.ecn = Some(Ecn::Ect0),
            "ect1" => packet.ecn = Some(Ecn::Ect1),
            "ect01" => packet.ecn = Some(Ecn::Either),
            "ce" => packet.ecn = Some(Ecn::Ce),
            "tos" | "tclass" => packet.tos = Some(cursor.number()?),
            "ttl" | "hlim" => packet.ttl = Some(cursor.number()?),
            other => return cursor.error(format!("'{other}' of the IP header is not supported")),
        }
        if !cursor.take(",")? {
            return cursor.expect(end);
        }
    }
}

/// `1:1001(1000)`; returns the first number and the length.
fn range(cursor: &mut Cursor<'_>) -> Result<(u32, u32), ParseError> {
    let seq: u32 = cursor.number()?;
    let end = match cursor.take(":")? {
        true => Some(cursor.number::<u32>()?),
        false => None,
    };
    cursor.expect("(")?;
    let len: u32 = cursor.number()?;
    cursor.expect(")")?;
    if end.is_some_and(|end| end.wrapping_sub(seq) != len) {
        return cursor.error("the end is not the beginning plus the length");
    }
    Ok((seq, len))
}

fn tcp(cursor: &mut Cursor<'_>) -> Result<Tcp, ParseError> {
    cursor.skip_blanks()?;
    let flags = flags(cursor)?;
    let (seq, len) = range(cursor)?;
    let mut tcp = Tcp {
        flags,
        seq,
        len,
        options: Some(Vec::new()),
        ..Tcp::default()
    };
    let has_ack = cursor.take_word("ack")?;
    if has_ack {
        tcp.ack = cursor.number()?;
    }
    if has_ack != (flags & flag::ACK != 0) {
        return cursor.error("'ack' and the flag '.' go together");
    }
    if cursor.take_word("win")? {
        tcp.window = Some(cursor.number()?);
    }
    if cursor.take_word("urg")? {
        tcp.urgent = Some(cursor.number()?);
    }
    if cursor.take("<")? {
        tcp.options = options(cursor)?;
    }
    if option_bytes(tcp.options.iter().flatten()) > 40 {
        return cursor.error("options longer than the 40 bytes there are for them");
    }
    Ok(tcp)
}

/// The flags: letters, `.` for ACK, a digit for the ACE count (RFC 9768 §3.2.2), `-` for none.
fn flags(cursor: &mut Cursor<'_>) -> Result<u16, ParseError> {
    let mut flags = 0;
    for c in cursor.take_while(|c| !c.is_whitespace()).chars() {
        flags |= match c {
            'F' => flag::FIN,
            'S' => flag::SYN,
            'R' => flag::RST,
            'P' => flag::PSH,
            '.' => flag::ACK,
            'U' => flag::URG,
            'E' => flag::ECE,
            'W' => flag::CWR,
            'A' => flag::AE,
            '0'..='7' => (c as u16 - '0' as u16) * flag::ECE,
            '-' => 0,
            other => return cursor.error(format!("'{other}' is no TCP flag")),
        };
    }
    Ok(flags)
}

fn icmp(cursor: &mut Cursor<'_>, quoted: (u32, u32)) -> Result<Icmp, ParseError> {
    let kind = match cursor.word()? {
        "unreachable" => match cursor.word()? {
            "net_unreachable" | "no_route" | "noroute" => IcmpKind::NetUnreachable,
            "host_unreachable" | "addr_unreachable" => IcmpKind::HostUnreachable,
            "protocol_unreachable" => IcmpKind::ProtocolUnreachable,
            "port_unreachable" => IcmpKind::PortUnreachable,
            "frag_needed" => IcmpKind::TooBig,
            "source_route_failed" => IcmpKind::SourceRouteFailed,
            "prohibited" | "admin_prohibited" => IcmpKind::Prohibited,
            other => return cursor.error(format!("'{other}' is no code of ICMP unreachable")),
        },
        "packet_too_big" => IcmpKind::TooBig,
        "time_exceeded" => IcmpKind::TimeExceeded,
        "parameter_problem" => IcmpKind::ParameterProblem,
        "source_quench" => IcmpKind::SourceQuench,
        other => return cursor.error(format!("'{other}' is no ICMP error")),
    };
    let mtu = match cursor.take_word("mtu")? {
        true => cursor.number()?,
        false => 0,
    };
    Ok(Icmp { kind, mtu, quoted })
}
