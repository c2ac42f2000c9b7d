use super::*;

/// An IPv4 packet with `text` bytes after a TCP header of `words` 32-bit words.
fn ipv4(words: u8, text: usize) -> Vec<u8> {
    let mut packet = vec![0; 20 + usize::from(words.max(5)) * 4 + text];
    (packet[0], packet[9], packet[20 + TCP_OFFSET_AT]) = (0x45, TCP, words << 4);
    packet
}

fn ipv6(words: u8, text: usize) -> Vec<u8> {
    let mut packet = vec![0; 40 + usize::from(words.max(5)) * 4 + text];
    (packet[0], packet[6], packet[40 + TCP_OFFSET_AT]) = (0x60, TCP, words << 4);
    packet
}

fn describe(packet: &[u8], size: Option<u16>) -> Header {
    Header::describe(&[IoSlice::new(packet)], size)
}

#[test]
fn a_header_survives_the_wire() {
    let header = Header {
        flags: 1,
        gso_type: 0x81,
        hdr_len: 0x0203,
        gso_size: 0x0405,
        csum_start: 0x0607,
        csum_offset: 0x0809,
    };
    assert_eq!(Header::decode(header.encode()), header);
    let bytes = header.encode();
    assert_eq!(bytes[..2], [1, 0x81]);
    assert_eq!(u16::from_ne_bytes([bytes[4], bytes[5]]), header.gso_size);
}

#[test]
fn tcp_leaves_its_checksum_and_its_cutting_to_the_kernel() {
    let plain = describe(&ipv4(8, 10), None);
    let expected = Header {
        flags: NEEDS_CSUM,
        csum_start: 20,
        csum_offset: 16,
        ..Header::default()
    };
    assert_eq!(plain, expected);
    let cut = describe(&ipv6(8, 5000), Some(1428));
    let expected = Header {
        gso_type: GSO_TCPV6,
        hdr_len: 72,
        gso_size: 1428,
        csum_start: 40,
        ..expected
    };
    assert_eq!(cut, expected);
    assert_eq!(describe(&ipv4(5, 5000), Some(1460)).gso_type, GSO_TCPV4);
}

#[test]
fn a_reduced_window_is_told_in_the_kind_of_a_super_segment() {
    let mut packet = ipv4(5, 5000);
    packet[20 + TCP_FLAGS_AT] = CWR;
    let header = describe(&packet, Some(1460));
    assert_eq!(header.gso_type, GSO_TCPV4 | GSO_ECN);
    assert_eq!(describe(&packet, None).gso_type, GSO_NONE);
}

#[test]
fn what_is_not_tcp_goes_as_it_is() {
    let mut icmp = ipv4(5, 100);
    icmp[9] = 1;
    assert_eq!(describe(&icmp, None), Header::default());
    assert_eq!(describe(&[], None), Header::default());
    assert_eq!(Header::describe(&[], None), Header::default());
}

#[test]
fn a_super_segment_of_the_kernels_is_believed() {
    let header = Header {
        flags: NEEDS_CSUM,
        gso_type: GSO_TCPV4,
        hdr_len: 52,
        gso_size: 1448,
        csum_start: 20,
        csum_offset: 16,
    };
    let packet = ipv4(8, 60_000);
    let received = header.judge(&packet).unwrap();
    let expected = Received::new(packet.len()).checksum_verified();
    assert_eq!(received, expected.segment_size(1448));
    // The last segment may be all there is.
    assert!(header.judge(&ipv4(8, 1)).is_some());
}

#[test]
fn a_checksum_is_verified_only_if_the_header_says_so() {
    let packet = ipv4(5, 10);
    let judge = |flags| {
        let header = Header {
            flags,
            ..Header::default()
        };
        header.judge(&packet).unwrap()
    };
    assert_eq!(judge(0), Received::new(50));
    assert_eq!(judge(DATA_VALID), Received::new(50).checksum_verified());
    assert_eq!(judge(NEEDS_CSUM), Received::new(50).checksum_verified());
}

#[test]
fn a_header_that_does_not_fit_its_packet_is_refused() {
    let good = Header {
        flags: NEEDS_CSUM,
        gso_type: GSO_TCPV4,
        hdr_len: 40,
        gso_size: 100,
        csum_start: 20,
        csum_offset: 16,
    };
    let packet = ipv4(5, 300);
    assert!(good.judge(&packet).is_some());
    let lies = [
        Header {
            gso_size: 0,
            ..good
        },
        Header {
            gso_type: GSO_TCPV6,
            ..good
        },
        // UDP, and kinds that nobody knows.
        Header {
            gso_type: 3,
            ..good
        },
        Header {
            gso_type: 5,
            ..good
        },
        Header {
            gso_type: 0x7f,
            ..good
        },
        Header {
            csum_start: 340,
            ..good
        },
        Header {
            csum_start: u16::MAX,
            csum_offset: u16::MAX,
            ..good
        },
    ];
    for lie in lies {
        assert_eq!(lie.judge(&packet), None, "{lie:?}");
    }
    // Nothing behind the headers, or not even those.
    for packet in [ipv4(5, 0), ipv4(15, 0), ipv4(5, 0)[..30].to_vec(), vec![]] {
        assert_eq!(good.judge(&packet), None);
    }
}

#[test]
fn no_header_and_no_packet_makes_it_panic() {
    let mut state = 1_u64;
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as u8
    };
    for _ in 0..200_000 {
        let mut packet = match random() % 3 {
            0 => ipv4(random() % 16, usize::from(random())),
            1 => ipv6(random() % 16, usize::from(random())),
            _ => (0..random()).map(|_| random()).collect(),
        };
        packet.truncate(usize::from(random()) * 2);
        if let Some(byte) = packet.first_mut() {
            *byte ^= random() & 0x1f;
        }
        let bytes = std::array::from_fn(|_| random() & random());
        if let Some(received) = Header::decode(bytes).judge(&packet) {
            assert_eq!(received.len(), packet.len());
        }
        let at = packet.len() / 2;
        let slices = [IoSlice::new(&packet[..at]), IoSlice::new(&packet[at..])];
        Header::describe(&slices, Some(1460));
    }
}

#[test]
fn tcp_is_found_behind_what_makes_a_jumbogram() {
    let mut packet = ipv6(8, 5000);
    packet[6] = HOP_BY_HOP;
    packet.splice(40..40, [TCP, 0, 0xc2, 4, 0, 1, 0, 0]);
    let header = describe(&packet, Some(1428));
    assert_eq!((header.csum_start, header.hdr_len), (48, 80));
    assert_eq!(header.gso_type, GSO_TCPV6);
    // Options that reach beyond the packet.
    packet[41] = 0xff;
    assert_eq!(describe(&packet[..100], Some(1428)), Header::default());
    assert_eq!(describe(&packet[..41], Some(1428)), Header::default());
}
