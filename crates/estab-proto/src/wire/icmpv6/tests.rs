use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::wire::tests::seeded;

const SRC: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const DST: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);

fn emitted(message: &Icmpv6<'_>) -> Vec<u8> {
    let mut buf = vec![0xee; 2000];
    let len = message.emit(SRC, DST, &mut buf);
    buf.truncate(len);
    buf
}

#[test]
fn the_checksum_covers_the_pseudo_header() {
    // fe80+1 + fe80+2 + 8 + 58 + 8000 + 1234 + 1 = 0x28f7a, folded 0x8f7c, complemented 0x7083.
    let bytes = [128, 0, 0x70, 0x83, 0x12, 0x34, 0x00, 0x01];
    let request = Icmpv6::EchoRequest {
        ident: 0x1234,
        seq: 1,
        data: &[],
    };
    assert_eq!(emitted(&request), bytes);
    assert_eq!(Icmpv6::parse(&bytes, SRC, DST), Ok(request));
    assert_eq!(Icmpv6::parse(&bytes, SRC, SRC), Err(WireError::BadChecksum));
}

#[test]
fn malformed_messages() {
    let mut bytes = emitted(&Icmpv6::PacketTooBig {
        mtu: 1280,
        quoted: b"data",
    });
    for len in 0..8 {
        assert_eq!(
            Icmpv6::parse(&bytes[..len], SRC, DST),
            Err(WireError::Truncated)
        );
    }
    assert_eq!(
        Icmpv6::parse(&bytes[..10], SRC, DST),
        Err(WireError::BadChecksum)
    );
    bytes[9] ^= 1;
    assert_eq!(Icmpv6::parse(&bytes, SRC, DST), Err(WireError::BadChecksum));
}

#[test]
fn quotations_are_cut_but_echoes_are_whole() {
    let long = [7; 1500];
    let error = emitted(&Icmpv6::Unreachable {
        code: PORT_UNREACHABLE,
        quoted: &long,
    });
    assert_eq!(error.len(), 1280 - 40);
    assert!(Icmpv6::parse(&error, SRC, DST).is_ok());
    assert_eq!(
        emitted(&Icmpv6::EchoReply {
            ident: 1,
            seq: 2,
            data: &long
        })
        .len(),
        1508
    );
}

#[test]
fn a_short_buffer_takes_nothing() {
    let reply = Icmpv6::EchoReply {
        ident: 1,
        seq: 2,
        data: b"data",
    };
    assert_eq!(reply.emit(SRC, DST, &mut [0; 11]), 0);
    assert_eq!(reply.emit(SRC, DST, &mut [0; 12]), 12);
}

proptest! {
    #![proptest_config(seeded(0x4443))]

    #[test]
    fn messages_survive_the_wire(
        which in 0..7,
        code in any::<u8>(),
        word in any::<u32>(),
        (ident, seq) in any::<(u16, u16)>(),
        body in prop::collection::vec(any::<u8>(), 4..100),
    ) {
        let body = &body[..];
        let message = match which {
            0 => Icmpv6::EchoRequest { ident, seq, data: body },
            1 => Icmpv6::EchoReply { ident, seq, data: body },
            2 => Icmpv6::Unreachable { code, quoted: body },
            3 => Icmpv6::PacketTooBig { mtu: word, quoted: body },
            4 => Icmpv6::TimeExceeded { code, quoted: body },
            5 => Icmpv6::ParameterProblem { code, pointer: word, quoted: body },
            _ => Icmpv6::Other { kind: 135, code, rest: body },
        };
        let bytes = emitted(&message);
        prop_assert_eq!(Icmpv6::parse(&bytes, SRC, DST), Ok(message));
    }
}
