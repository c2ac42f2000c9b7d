use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::wire::tests::seeded;

fn emitted(message: &Icmpv4<'_>) -> Vec<u8> {
    let mut buf = vec![0xee; 2000];
    let len = message.emit(&mut buf);
    buf.truncate(len);
    buf
}

#[test]
fn an_echo_request_of_record() {
    let bytes = [8, 0, 0xe5, 0xca, 0x12, 0x34, 0x00, 0x01];
    let request = Icmpv4::EchoRequest {
        ident: 0x1234,
        seq: 1,
        data: &[],
    };
    assert_eq!(Icmpv4::parse(&bytes), Ok(request));
    assert_eq!(emitted(&request), bytes);
}

#[test]
fn fragmentation_needed_carries_an_mtu_and_other_codes_do_not() {
    let needed = Icmpv4::Unreachable {
        code: FRAGMENTATION_NEEDED,
        mtu: 1400,
        quoted: b"quote",
    };
    assert_eq!(emitted(&needed)[4..8], [0, 0, 0x05, 0x78]);
    assert_eq!(Icmpv4::parse(&emitted(&needed)), Ok(needed));

    let mut bytes = emitted(&needed);
    bytes[1] = PORT_UNREACHABLE;
    bytes[3] += 1;
    let port = Icmpv4::Unreachable {
        code: PORT_UNREACHABLE,
        mtu: 0,
        quoted: b"quote",
    };
    assert_eq!(Icmpv4::parse(&bytes), Ok(port));
}

#[test]
fn malformed_messages() {
    let bytes = emitted(&Icmpv4::EchoReply {
        ident: 1,
        seq: 2,
        data: b"data",
    });
    for len in 0..8 {
        assert_eq!(Icmpv4::parse(&bytes[..len]), Err(WireError::Truncated));
    }
    assert_eq!(Icmpv4::parse(&bytes[..10]), Err(WireError::BadChecksum));
    let mut bytes = bytes;
    bytes[9] ^= 1;
    assert_eq!(Icmpv4::parse(&bytes), Err(WireError::BadChecksum));
}

#[test]
fn quotations_are_cut_but_echoes_are_whole() {
    let long = [7; 1500];
    let error = emitted(&Icmpv4::TimeExceeded {
        code: 1,
        quoted: &long,
    });
    assert_eq!(error.len(), 576 - 20);
    assert!(Icmpv4::parse(&error).is_ok());
    assert_eq!(
        emitted(&Icmpv4::EchoReply {
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
    let reply = Icmpv4::EchoReply {
        ident: 1,
        seq: 2,
        data: b"data",
    };
    assert_eq!(reply.emit(&mut [0; 11]), 0);
    assert_eq!(reply.emit(&mut [0; 12]), 12);
}

proptest! {
    #![proptest_config(seeded(0x792))]

    #[test]
    fn messages_survive_the_wire(
        which in 0..7,
        code in any::<u8>(),
        pointer in any::<u8>(),
        (ident, seq) in any::<(u16, u16)>(),
        body in prop::collection::vec(any::<u8>(), 4..100),
    ) {
        let body = &body[..];
        let message = match which {
            0 => Icmpv4::EchoRequest { ident, seq, data: body },
            1 => Icmpv4::EchoReply { ident, seq, data: body },
            2 => Icmpv4::Unreachable { code: 4, mtu: seq, quoted: body },
            3 => Icmpv4::SourceQuench { quoted: body },
            4 => Icmpv4::TimeExceeded { code, quoted: body },
            5 => Icmpv4::ParameterProblem { code, pointer, quoted: body },
            _ => Icmpv4::Other { kind: 13, code, rest: body },
        };
        let bytes = emitted(&message);
        prop_assert_eq!(Icmpv4::parse(&bytes), Ok(message));
    }
}
