//! What a device with segmentation offload does: cut super-segments, complete checksums, join what
//! comes in one after the other.

use std::collections::HashSet;
use std::net::IpAddr;

use estab_proto::wire::{IpPacket, Sum};

const TCP: u8 = 6;
const FIN_PSH: u8 = 0x01 | 0x08;
const CWR: u8 = 0x80;

/// Where the parts of a packet are.
struct Layout {
    tcp: usize,
    text: usize,
}

fn layout(packet: &[u8]) -> Layout {
    let tcp = if packet[0] >> 4 == 6 { 40 } else { 20 };
    let text = tcp + usize::from(packet[tcp + 12] >> 4) * 4;
    Layout { tcp, text }
}

/// Where the text of a packet begins.
pub(crate) fn text_at(packet: &[u8]) -> usize {
    layout(packet).text
}

fn seq(packet: &[u8]) -> u32 {
    let at = layout(packet).tcp + 4;
    u32::from_be_bytes(packet[at..at + 4].try_into().unwrap())
}

fn addrs(packet: &[u8]) -> (IpAddr, IpAddr) {
    // The header is checked when the stack gets the packet; lengths and checksums may be stale here.
    let addr = |at: usize| match packet[0] >> 4 {
        6 => IpAddr::from(<[u8; 16]>::try_from(&packet[8 + at * 16..24 + at * 16]).unwrap()),
        _ => IpAddr::from(<[u8; 4]>::try_from(&packet[12 + at * 4..16 + at * 4]).unwrap()),
    };
    (addr(0), addr(1))
}

/// Sets the lengths and the checksums of a packet right.
fn complete(packet: &mut [u8]) {
    let at = layout(packet);
    let len = packet.len() as u16;
    if packet[0] >> 4 == 6 {
        packet[4..6].copy_from_slice(&(len - 40).to_be_bytes());
    } else {
        packet[2..4].copy_from_slice(&len.to_be_bytes());
        packet[10..12].fill(0);
        let sum = Sum::of(&packet[..20]).finish();
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
    }
    packet[at.tcp + 16..at.tcp + 18].fill(0);
    let (src, dst) = addrs(packet);
    let tcp_len = (packet.len() - at.tcp) as u32;
    let sum = Sum::pseudo(src, dst, TCP, tcp_len).add_bytes(&packet[at.tcp..]);
    packet[at.tcp + 16..at.tcp + 18].copy_from_slice(&sum.finish().to_be_bytes());
}

/// Marks a packet as one that met with congestion, if its sender can be told.
pub(crate) fn mark(packet: &mut [u8]) {
    const CE: u8 = 0b11;
    match packet[0] >> 4 {
        6 if packet[1] >> 4 & CE != 0 => packet[1] |= CE << 4,
        4 if packet[1] & CE != 0 => {
            packet[1] |= CE;
            complete(packet);
        }
        _ => {}
    }
}

/// The packets of the network that a packet handed to the device becomes.
pub(crate) fn cut(packet: &[u8], segment_size: Option<u16>) -> Vec<Vec<u8>> {
    // What is partial is exactly the sum of the pseudo-header.
    let at = layout(packet);
    let (src, dst) = addrs(packet);
    let partial = Sum::pseudo(src, dst, TCP, (packet.len() - at.tcp) as u32).folded();
    assert_eq!(packet[at.tcp + 16..at.tcp + 18], partial.to_be_bytes());

    let (headers, text) = packet.split_at(at.text);
    let size = segment_size.map_or(text.len(), usize::from);
    if let Some(size) = segment_size {
        assert!(text.len() > usize::from(size), "nothing to cut");
        // It would be the first one's alone.
        assert_eq!(packet[at.tcp + 13] & CWR, 0);
        assert!(IpPacket::parse(packet).is_ok());
    }
    let mut packets = Vec::new();
    let mut offset = 0;
    loop {
        let end = text.len().min(offset + size);
        let mut piece = [headers, &text[offset..end]].concat();
        let seq = seq(packet).wrapping_add(offset as u32);
        piece[at.tcp + 4..at.tcp + 8].copy_from_slice(&seq.to_be_bytes());
        if end < text.len() {
            piece[at.tcp + 13] &= !FIN_PSH;
        }
        complete(&mut piece);
        packets.push(piece);
        offset = end;
        if offset == text.len() {
            return packets;
        }
    }
}

/// Joins packets that follow each other and differ in nothing else: each with the size of its
/// segments, if it is more than one.
///
/// What came before, as told by the sequence numbers `seen`, stays alone: joined, one D-SACK would
/// tell of all of it, where separately it tells of the last only.
pub(crate) fn join(packets: Vec<Vec<u8>>, seen: &mut HashSet<u32>) -> Vec<(Vec<u8>, Option<u16>)> {
    let mut joined: Vec<(Vec<u8>, Option<u16>)> = Vec::new();
    let mut open = false;
    for packet in packets {
        let is_new = packet.len() == text_at(&packet) || seen.insert(seq(&packet));
        let last = joined.last_mut().filter(|_| open && is_new);
        if let Some((whole, size)) = last
            && follows(whole, *size, &packet)
        {
            let text = layout(&packet).text;
            let before = layout(whole).text;
            let each = *size.get_or_insert((whole.len() - before) as u16);
            whole.extend_from_slice(&packet[text..]);
            let flags = layout(whole).tcp + 13;
            whole[flags] |= packet[flags];
            open = packet.len() - text == usize::from(each) && packet[flags] & FIN_PSH == 0;
            complete(whole);
            continue;
        }
        let at = layout(&packet);
        open = is_new && packet.len() > at.text && packet[at.tcp + 13] & FIN_PSH == 0;
        joined.push((packet, None));
    }
    joined
}

/// Whether `packet` may be joined to the end of `whole`.
fn follows(whole: &[u8], size: Option<u16>, packet: &[u8]) -> bool {
    let (a, b) = (layout(whole), layout(packet));
    let (have, more) = (whole.len() - a.text, packet.len() - b.text);
    let each = size.map_or(have, usize::from);
    let flags = |packet: &[u8]| packet[a.tcp + 13] & !FIN_PSH;
    a.text == b.text
        && 0 < more
        && more <= each
        && whole.len() + more <= 65_535
        && seq(packet) == seq(whole).wrapping_add(have as u32)
        && flags(whole) == flags(packet)
        && whole[0..2] == packet[0..2]
        // Acknowledgement, window, urgent pointer and options.
        && whole[a.tcp + 8..a.tcp + 12] == packet[a.tcp + 8..a.tcp + 12]
        && whole[a.tcp + 14..a.tcp + 16] == packet[a.tcp + 14..a.tcp + 16]
        && whole[a.tcp + 18..a.text] == packet[a.tcp + 18..a.text]
}
