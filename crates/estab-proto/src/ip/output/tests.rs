#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    clippy::panic
)]

use alloc::vec;
use alloc::vec::Vec;

use super::{Route, Scratch, Text, sum_of, write_headers};
use crate::addr::FourTuple;
use crate::seq::{SeqNumber, WireWindow};
use crate::stack::testing::{peer, server};
use crate::wire::tcp::{Flags, Segment, TcpOptions};
use crate::wire::{IpPacket, Sum};

fn segment(opts: TcpOptions) -> Segment<'static> {
    Segment {
        src_port: 80,
        dst_port: 1,
        seq: SeqNumber::new(1),
        ack: SeqNumber::new(2),
        ctl: Flags::ACK,
        wnd: WireWindow(3),
        up: 0,
        opts,
        ecn: Default::default(),
        source_route: None,
        malformed_options: false,
        text: &[],
    }
}

fn route() -> Route<'static> {
    Route {
        tuple: FourTuple {
            local: server(),
            remote: peer(1),
        },
        ttl: 9,
        tos: 0,
        flow_label: 0,
        source_route: None,
    }
}

#[test]
fn the_sum_of_pieces_is_the_sum_of_the_whole() {
    let whole: Vec<u8> = (0..1000u32).map(|n| (n * 7 + 3) as u8).collect();
    for cuts in [
        vec![],
        vec![1],
        vec![1, 2, 3],
        vec![333, 334, 900],
        vec![500, 500],
    ] {
        let mut pieces = Vec::new();
        let mut rest = whole.as_slice();
        let mut at = 0;
        for cut in cuts {
            let (piece, after) = rest.split_at(cut - at);
            pieces.push(piece);
            (rest, at) = (after, cut);
        }
        pieces.push(rest);
        assert_eq!(sum_of(pieces.into_iter()), Sum::of(&whole));
    }
}

#[test]
fn headers_are_written_for_any_text_that_fits() {
    let mut headers = Scratch::default();
    let text = |len| Text {
        len,
        sum: Some(Sum::ZERO),
    };
    assert!(write_headers(
        &mut headers,
        &route(),
        &segment(TcpOptions::default()),
        &text(0)
    ));
    assert_eq!(headers.bytes().len(), 40);
    assert!(IpPacket::parse(headers.bytes()).is_ok());
    let most = 65535 - 40;
    assert!(write_headers(
        &mut headers,
        &route(),
        &segment(TcpOptions::default()),
        &text(most)
    ));
    assert!(!write_headers(
        &mut headers,
        &route(),
        &segment(TcpOptions::default()),
        &text(most + 1)
    ));
}

#[test]
fn only_what_a_device_completes_may_be_longer_than_a_packet() {
    let mut headers = Scratch::default();
    let mut write = |sum| {
        let text = Text { len: 200_000, sum };
        let segment = segment(TcpOptions::default());
        let fits = write_headers(&mut headers, &route(), &segment, &text);
        fits.then(|| headers.bytes().to_vec())
    };
    assert_eq!(write(Some(Sum::ZERO)), None);
    let header = write(None).unwrap();
    assert_eq!((header.len(), &header[2..4]), (40, &[0, 0][..]));
}
