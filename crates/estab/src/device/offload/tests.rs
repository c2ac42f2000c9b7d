//! A queue whose kernel lies: a socket that keeps packets apart, and this test at its other end.

use std::future::poll_fn;
use std::os::fd::OwnedFd;

use estab_proto::config::{StackConfig, TcpConfig};
use estab_proto::wire::Sum;
use estab_proto::{IpCidr, ListenConfig};
use estab_timer::Instant;
use rustix::io::{read, write};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use super::*;

/// A queue, and the kernel's end of it.
fn queue() -> (Queue, OwnedFd) {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let pair = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None);
    let (ours, theirs) = pair.unwrap();
    (Queue::new(ours).unwrap(), theirs)
}

/// A SYN with text, complete but for the checksum that is left to the kernel.
fn packet(text: usize) -> Vec<u8> {
    let mut packet = vec![0; 40 + text];
    packet[0] = 0x45;
    packet[2..4].copy_from_slice(&(40 + text as u16).to_be_bytes());
    (packet[8], packet[9]) = (64, 6);
    packet[12..20].copy_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
    packet[20..24].copy_from_slice(&[0x10, 0, 0, 80]);
    (packet[32], packet[33]) = (5 << 4, 0x02);
    let sum = Sum::of(&packet[..20]).finish();
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet
}

fn honest() -> Header {
    Header::describe(&[IoSlice::new(&packet(3000))], Some(1460))
}

async fn receive(queue: &mut Queue, buf: &mut [u8]) -> io::Result<Received> {
    poll_fn(|cx| queue.poll_recv(cx, buf)).await
}

#[tokio::test]
async fn a_lying_header_is_a_counted_drop() {
    let (mut queue, kernel) = queue();
    let honest = honest();
    let lies = [
        Header {
            gso_size: 0,
            ..honest
        },
        Header {
            gso_type: 4,
            ..honest
        },
        Header {
            gso_type: 0x7f,
            ..honest
        },
        Header {
            csum_start: 0xffff,
            ..honest
        },
    ];
    let send = |header: Header, packet: &[u8]| {
        write(&kernel, &[&header.encode(), packet].concat()).unwrap();
    };
    for lie in lies {
        send(lie, &packet(3000));
    }
    // Headers that promise text where there is none, and less than a header.
    send(honest, &packet(3000)[..40]);
    write(&kernel, &[0; 9]).unwrap();
    send(honest, &packet(3000));
    let mut buf = vec![0; MAX_PACKET];
    let received = receive(&mut queue, &mut buf).await.unwrap();
    let expected = Received::new(3040).checksum_verified();
    assert_eq!(received, expected.segment_size(1460));
    assert_eq!(buf[..3040], packet(3000));
    assert_eq!(queue.malformed(), 6);
}

#[tokio::test]
async fn what_is_sent_has_a_header_before_it() {
    let (mut queue, kernel) = queue();
    let packet = packet(3000);
    let (first, rest) = packet.split_at(40);
    let slices = [IoSlice::new(first), IoSlice::new(rest)];
    poll_fn(|cx| queue.poll_send(cx, &Packet::new(&slices).with_segment_size(Some(1460))))
        .await
        .unwrap();
    let mut buf = vec![0; MAX_PACKET];
    let len = read(&kernel, &mut buf).unwrap();
    assert_eq!(buf[..len], [&honest().encode()[..], &packet].concat());
}

/// Whatever a header says of whatever packet: the stack gets what can be true, and goes on.
#[test]
fn no_header_upsets_the_stack() {
    let config = StackConfig {
        tcp: TcpConfig::modern(),
        addrs: vec![IpCidr::new([10, 0, 0, 2].into(), 24)],
        ..StackConfig::default()
    };
    let mut now = Instant::from_secs(1);
    let mut stack = estab_proto::Stack::new(config, [7; 32], now);
    let listen = ListenConfig {
        port: Some(80),
        ..ListenConfig::default()
    };
    stack.listen(listen).unwrap();
    let mut state = 1_u64;
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as u32
    };
    let mut delivered = 0;
    for _ in 0..100_000 {
        let mut packet = packet(random() as usize % 5000);
        for _ in 0..random() % 4 {
            let at = random() as usize % packet.len().min(64);
            packet[at] ^= random() as u8;
        }
        packet.truncate(packet.len() - random() as usize % 8);
        let mut header = honest();
        match random() % 8 {
            0 => header.gso_size = random() as u16,
            1 => header.gso_size = (random() % 3) as u16,
            2 => header.gso_type = random() as u8,
            3 => header.hdr_len = random() as u16,
            4 => header.flags = random() as u8,
            5 => header.csum_start = random() as u16,
            6 => header = Header::decode(std::array::from_fn(|_| random() as u8)),
            _ => {}
        }
        let Some(received) = Header::decode(header.encode()).judge(&packet) else {
            continue;
        };
        delivered += 1;
        stack.handle_packet(now, &packet, received.meta(None));
        now += estab_timer::Duration::from_micros(50);
        while stack.poll_transmit(now).is_some() {}
        while stack.poll_event().is_some() {}
        stack.handle_timeout(now);
        while stack.poll_event().is_some() {}
    }
    assert!(delivered > 50_000);
    let stats = stack.stats();
    assert!(stats.segments_in > delivered && stats.drop_tcp_malformed > 0);
}

#[test]
fn releases_of_the_kernel_are_compared_by_their_numbers() {
    for release in ["6.3", "6.3.0-rc1", "6.18.44-cloud-amd64", "7.0.1", "10.1"] {
        assert!(is_since(release, [6, 3]), "{release}");
    }
    for release in ["6.2.16", "5.10.0-8", "6", "", "unknown", "4.4.0"] {
        assert!(!is_since(release, [6, 3]), "{release}");
    }
}
