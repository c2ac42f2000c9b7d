//! TCP headers and options (RFC 9293 §3.1, §3.2).

use std::net::SocketAddr;

use crate::ast::{EcnCounter, TcpOption};
use crate::wire::{IpHeader, TcpPacket, be16, be32};

/// Experiment identifier of fast open (RFC 7413 appendix A).
const FAST_OPEN_EXPERIMENT: [u8; 2] = [0xf9, 0x89];

/// A segment with a checksum of zero.
pub(super) fn encode(packet: &TcpPacket) -> Vec<u8> {
    let mut options = Vec::new();
    for option in &packet.options {
        encode_option(&mut options, option);
    }
    options.resize(options.len().next_multiple_of(4), 0);
    let words = (20 + options.len()) as u16 / 4;
    let mut segment = Vec::with_capacity(60 + packet.payload.len());
    segment.extend(packet.src.port().to_be_bytes());
    segment.extend(packet.dst.port().to_be_bytes());
    segment.extend(packet.seq.to_be_bytes());
    segment.extend(packet.ack.to_be_bytes());
    segment.extend((words << 12 | packet.flags & 0x1ff).to_be_bytes());
    segment.extend(packet.window.to_be_bytes());
    segment.extend([0, 0]);
    segment.extend(packet.urgent.to_be_bytes());
    segment.extend(options);
    segment.extend_from_slice(&packet.payload);
    segment
}

/// How many bytes options take, without padding.
pub(crate) fn option_bytes<'a>(options: impl Iterator<Item = &'a TcpOption>) -> usize {
    let mut bytes = Vec::new();
    options.for_each(|option| encode_option(&mut bytes, option));
    bytes.len()
}

fn encode_option(out: &mut Vec<u8>, option: &TcpOption) {
    let mut put = |kind: u8, contents: &[u8]| {
        out.extend([kind, (contents.len() as u8).saturating_add(2)]);
        out.extend_from_slice(contents);
    };
    match option {
        TcpOption::Eol => out.push(0),
        TcpOption::Nop => out.push(1),
        TcpOption::Mss(mss) => put(2, &mss.to_be_bytes()),
        TcpOption::Wscale(shift) => put(3, &[*shift]),
        TcpOption::SackOk => put(4, &[]),
        TcpOption::Sack(blocks) => {
            let edges = blocks.iter().flat_map(|(left, right)| [left, right]);
            let contents: Vec<u8> = edges.flat_map(|edge| edge.to_be_bytes()).collect();
            put(5, &contents);
        }
        TcpOption::Timestamps(val, ecr) => {
            let both = u64::from(val.unwrap_or(0)) << 32 | u64::from(*ecr);
            put(8, &both.to_be_bytes());
        }
        TcpOption::FastOpen(cookie) => put(34, cookie),
        TcpOption::FastOpenExp(cookie) => {
            put(254, &[&FAST_OPEN_EXPERIMENT, cookie.as_slice()].concat());
        }
        TcpOption::Md5(digest) => put(19, &digest.clone().unwrap_or_else(|| vec![0; 16])),
        TcpOption::AccEcn(counters) => {
            let kind = match counters.first() {
                Some((EcnCounter::E0, _)) => 172,
                _ => 174,
            };
            let values = counters.iter().map(|(_, value)| value.to_be_bytes());
            let contents: Vec<u8> = values.flat_map(|[_, a, b, c]| [a, b, c]).collect();
            put(kind, &contents);
        }
        TcpOption::Unknown(kind, contents) => put(*kind, contents),
    }
}

/// Reads a segment.
pub(super) fn decode(ip: &IpHeader, segment: &[u8]) -> Result<TcpPacket, String> {
    if segment.len() < 20 {
        return Err("a TCP header cut short".into());
    }
    let word = be16(segment, 12);
    let header = usize::from(word >> 12) * 4;
    if header < 20 || header > segment.len() {
        return Err("a wrong TCP data offset".into());
    }
    if word & 0x0e00 != 0 {
        return Err("reserved bits of the TCP header are set".into());
    }
    Ok(TcpPacket {
        src: SocketAddr::new(ip.src, be16(segment, 0)),
        dst: SocketAddr::new(ip.dst, be16(segment, 2)),
        tos: ip.tos,
        ttl: ip.ttl,
        flags: word & 0x1ff,
        seq: be32(segment, 4),
        ack: be32(segment, 8),
        window: be16(segment, 14),
        urgent: be16(segment, 18),
        options: decode_options(&segment[20..header])?,
        payload: segment[header..].to_vec(),
    })
}

fn decode_options(mut bytes: &[u8]) -> Result<Vec<TcpOption>, String> {
    let mut options = Vec::new();
    while let Some((&kind, rest)) = bytes.split_first() {
        if kind < 2 {
            let option = if kind == 0 {
                TcpOption::Eol
            } else {
                TcpOption::Nop
            };
            options.push(option);
            bytes = rest;
            continue;
        }
        let len = rest.first().copied().map_or(0, usize::from);
        if len < 2 || len > bytes.len() {
            return Err(format!("a wrong length of TCP option {kind}"));
        }
        options.push(decode_option(kind, &bytes[2..len])?);
        bytes = &bytes[len..];
    }
    Ok(options)
}

fn decode_option(kind: u8, contents: &[u8]) -> Result<TcpOption, String> {
    let len = contents.len();
    Ok(match kind {
        2 if len == 2 => TcpOption::Mss(be16(contents, 0)),
        3 if len == 1 => TcpOption::Wscale(contents[0]),
        4 if len == 0 => TcpOption::SackOk,
        5 if len > 0 && len.is_multiple_of(8) => TcpOption::Sack(
            contents
                .chunks(8)
                .map(|block| (be32(block, 0), be32(block, 4)))
                .collect(),
        ),
        8 if len == 8 => TcpOption::Timestamps(Some(be32(contents, 0)), be32(contents, 4)),
        19 if len == 16 => TcpOption::Md5(Some(contents.to_vec())),
        34 => TcpOption::FastOpen(contents.to_vec()),
        172 | 174 if len.is_multiple_of(3) && len <= 9 => {
            let order = match kind {
                172 => [EcnCounter::E0, EcnCounter::Ce, EcnCounter::E1],
                _ => [EcnCounter::E1, EcnCounter::Ce, EcnCounter::E0],
            };
            let values = contents
                .chunks(3)
                .map(|b| u32::from_be_bytes([0, b[0], b[1], b[2]]));
            TcpOption::AccEcn(order.into_iter().zip(values).collect())
        }
        254 if contents.starts_with(&FAST_OPEN_EXPERIMENT) => {
            TcpOption::FastOpenExp(contents[2..].to_vec())
        }
        2..=5 | 8 | 19 => return Err(format!("a wrong length of TCP option {kind}")),
        _ => TcpOption::Unknown(kind, contents.to_vec()),
    })
}
