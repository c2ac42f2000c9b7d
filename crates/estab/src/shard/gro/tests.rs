use super::*;
use crate::shard::gso::tests::draw;
use crate::shard::testing::Pair;

/// What a server can tell of a connection.
fn state(pair: &Pair) -> String {
    let mut info = pair.server.stack.info(pair.server.conn).unwrap();
    info.memory = 0;
    let mut stats = *pair.server.stack.stats();
    (stats.packets_in, stats.bytes_in) = (0, 0);
    // Less work with fewer packets.
    (stats.flow_lookups, stats.timer_moves) = (0, 0);
    format!("{info:?}\n{stats:?}")
}

/// A burst of segments through `path`, to a server that joins them and to one that does not. Returns
/// how many packets the first one got less.
fn compare(ipv6: bool, path: impl Fn(Vec<Vec<u8>>) -> Vec<Vec<u8>>) -> u64 {
    let [joined, plain] = [true, false].map(|segments| {
        let mut pair = Pair::connected(ipv6, segments);
        let before = pair.server.stack.stats().packets_in;
        for len in [20_000, 60_000, 90_000] {
            let text: Vec<u8> = (0..len).map(|i: u32| (i % 251) as u8).collect();
            pair.write(&text);
            pair.step(&path);
        }
        let packets = pair.server.stack.stats().packets_in - before;
        let text = pair.read();
        (packets, text, state(&pair))
    });
    assert_eq!(joined.1, plain.1);
    assert_eq!(joined.2, plain.2);
    plain.0 - joined.0
}

/// Sets the checksums of an IPv4 or IPv6 packet right.
fn complete(packet: &mut [u8]) {
    let tcp = if packet[0] >> 4 == 6 {
        IPV6_LEN
    } else {
        IPV4_LEN
    };
    let addrs = if tcp == IPV6_LEN { V6_ADDRS } else { V4_ADDRS };
    if tcp == IPV4_LEN {
        put(packet, 10, 0);
        let sum = Sum::of(&packet[..20]);
        put(packet, 10, sum.finish());
    }
    put(packet, tcp + 16, 0);
    let sum = Sum::of(&packet[addrs])
        .add_bytes(&[0, TCP])
        .add_bytes(&((packet.len() - tcp) as u16).to_be_bytes())
        .add_bytes(&packet[tcp..]);
    put(packet, tcp + 16, sum.finish());
}

#[test]
fn segments_of_a_burst_are_joined() {
    for ipv6 in [false, true] {
        let fewer = compare(ipv6, |packets| packets);
        assert!(fewer > 50, "{fewer}");
    }
}

#[test]
fn whatever_is_different_stays_alone() {
    // Fields of the second packet: where they stand from the TCP header on, or from the IP header
    // on over IPv4 and IPv6; and what changes.
    let tcp: [(usize, u8); 4] = [(13, 0x20), (13, 0x40), (15, 1), (19, 1)];
    for ipv6 in [false, true] {
        let ip: &[(usize, u8)] = if ipv6 {
            &[(1, 0x30), (3, 1), (7, 3)]
        } else {
            &[(1, 1), (1, 3), (8, 3)]
        };
        let at = if ipv6 { IPV6_LEN } else { IPV4_LEN };
        let tcp = tcp.map(|(field, bits)| (at + field, bits));
        let all = compare(ipv6, |packets| packets);
        for &(field, bits) in ip.iter().chain(&tcp) {
            let fewer = compare(ipv6, |mut packets| {
                for packet in packets.iter_mut().skip(2).step_by(5) {
                    packet[field] ^= bits;
                    complete(packet);
                }
                packets
            });
            assert!(fewer < all - 20, "{field}: {fewer} of {all}");
        }
    }
}

#[test]
fn what_is_broken_is_dropped_alone() {
    for ipv6 in [false, true] {
        let at = if ipv6 { IPV6_LEN } else { IPV4_LEN };
        // Text, a TCP header's checksum, its offset, an IP header's length and its version.
        for byte in [at + 500, at + 16, at + 12, if ipv6 { 5 } else { 3 }, 0] {
            compare(ipv6, |mut packets| {
                if let Some(packet) = packets.get_mut(3) {
                    packet[byte] ^= 0xf1;
                }
                packets
            });
        }
        compare(ipv6, |mut packets| {
            if let Some(packet) = packets.get_mut(3) {
                packet.truncate(at + 15);
            }
            packets
        });
    }
}

#[test]
fn every_order_comes_to_the_same() {
    for seed in 0..40 {
        compare(seed % 2 == 1, |mut packets| {
            for i in 0..packets.len() {
                let draw = draw(seed, i as u64);
                match draw % 16 {
                    0 => {
                        let other = (draw >> 8) as usize % packets.len();
                        packets.swap(i, other);
                    }
                    1 => packets[i] = vec![],
                    2 => packets[i].truncate((draw >> 8) as usize % 1500),
                    _ => {}
                }
            }
            packets.retain(|packet| !packet.is_empty());
            packets
        });
    }
}

#[test]
fn no_packet_becomes_too_long() {
    let mut packet = vec![0; 1020 + IPV4_LEN];
    packet[0] = 0x45;
    packet[9] = TCP;
    packet[32] = 0x50;
    packet[33] = ACK;
    put(&mut packet, 2, 1040);
    complete(&mut packet);
    let first = Segment::of(&packet).unwrap();
    let mut buffer = vec![0; 70_000];
    buffer[..1040].copy_from_slice(&packet);
    let mut joined = Joined::new(first, &buffer);
    for i in 1.. {
        put(&mut packet, 26, (i * 1000) as u16);
        complete(&mut packet);
        let at = joined.cover(&buffer);
        buffer[at..at + 1040].copy_from_slice(&packet);
        if !joined.take(&mut buffer, 1040, false) {
            assert_eq!(i, 65);
            break;
        }
    }
    assert_eq!(joined.len(), 65_040);
    // What was not taken lies behind.
    assert_eq!(buffer[65_040..66_080], packet);
    assert_eq!(joined.finish(&mut buffer), Some(1000));
    assert_eq!(buffer[2..4], 65_040u16.to_be_bytes());
    assert_eq!(Sum::of(&buffer[..20]).finish(), 0);
    // The first sequence number.
    assert_eq!(buffer[26..28], [0, 0]);
}

#[test]
fn what_nothing_can_follow_is_full() {
    let joined = |len: usize, flags: u8| {
        let mut packet = vec![0; len];
        packet[0] = 0x45;
        packet[9] = TCP;
        put(&mut packet, 2, len as u16);
        packet[IPV4_LEN + 12] = 5 << 4;
        packet[IPV4_LEN + 13] = flags;
        complete(&mut packet);
        Joined::new(Segment::of(&packet).unwrap(), &packet)
    };
    assert!(!joined(1500, ACK).is_full());
    assert!(joined(1500, ACK | PSH).is_full());
    // Two of these are longer than a packet can be.
    assert!(joined(40_000, ACK).is_full());
}
