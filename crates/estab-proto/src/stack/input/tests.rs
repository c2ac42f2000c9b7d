use crate::stack::RxMeta;
use crate::stack::testing::{Bench, Seg};
use crate::wire::tcp::Flags;

#[test]
fn a_broken_checksum_is_noticed_unless_the_device_vouches() {
    let mut bench = Bench::new();
    bench.listen(8);
    let mut packet = Seg::syn(100).packet();
    let last = packet.len() - 1;
    packet[last] ^= 1;
    bench.feed(&packet);
    assert!(bench.output().is_empty());
    assert_eq!(bench.stack.stats().drop_tcp_checksum, 1);
    let meta = RxMeta {
        checksum_verified: true,
        ..RxMeta::default()
    };
    bench.stack.handle_packet(bench.now, &packet, meta);
    assert_eq!(bench.output().len(), 1);
}

#[test]
fn a_broken_header_is_dropped() {
    let mut bench = Bench::new();
    bench.listen(8);
    let packet = Seg::syn(100).packet();
    let short = crate::stack::testing::ip_packet(
        Seg::syn(100).src.ip(),
        Seg::syn(100).dst.ip(),
        6,
        &packet[20..30],
    );
    bench.feed(&short);
    assert_eq!(bench.stack.stats().drop_tcp_malformed, 1);
    assert!(bench.output().is_empty());
}

#[test]
fn segments_of_no_connection_are_counted() {
    let mut bench = Bench::new();
    bench.ask(&Seg::new(Flags::ACK, 1, 2));
    assert_eq!(bench.stack.stats().drop_tcp_no_connection, 1);
    assert_eq!(bench.stack.stats().resets_out, 1);
    assert_eq!(bench.stack.stats().segments_in, 1);
}
