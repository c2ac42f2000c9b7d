use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use super::*;
use crate::shard::testing::Pair;

/// The `i`th number of a sequence that looks random.
pub(in crate::shard) fn draw(seed: u64, i: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, i).hash(&mut hasher);
    hasher.finish()
}

fn text(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8).collect()
}

/// Writes of many sizes; the sequence of packets that leave, and all that arrives.
fn talk(ipv6: bool, segments: bool, seed: u64, room: usize) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut pair = Pair::connected(ipv6, segments);
    let (mut packets, mut arrived) = (Vec::new(), Vec::new());
    pair.client.device.room = room;
    for i in 0..60 {
        let len = draw(seed, 2 * i) % (1 << (draw(seed, 2 * i + 1) % 18));
        pair.write(&text(len as usize));
        packets.extend(pair.step(|packets| packets));
        arrived.extend(pair.read());
    }
    for _ in 0..20 {
        packets.extend(pair.step(|packets| packets));
        arrived.extend(pair.read());
    }
    (packets, arrived)
}

#[test]
fn segments_are_those_the_stack_would_have_made() {
    for seed in 0..10 {
        for ipv6 in [false, true] {
            let (plain, bytes) = talk(ipv6, false, seed, usize::MAX);
            assert!(plain.len() > 100);
            for room in [usize::MAX, 1] {
                let (cut, text) = talk(ipv6, true, seed, room);
                for (i, (a, b)) in plain.iter().zip(&cut).enumerate() {
                    assert_eq!(a, b, "seed {seed}, IPv6 {ipv6}, room {room}, packet {i}");
                }
                assert_eq!(plain.len(), cut.len());
                assert_eq!(text, bytes);
            }
        }
    }
}

/// A packet with 3000 bytes of text, ended by FIN and PSH.
fn large(pseudo: u16) -> Vec<u8> {
    let mut headers = vec![0; 40];
    headers[0] = 0x45;
    headers[9] = TCP;
    headers[32] = 0x50;
    headers[33] = 0x10 | FIN_PSH;
    put(&mut headers, 36, pseudo);
    headers
}

/// The frames of a packet of which the device takes `room` at a time.
fn frames(cutter: &mut Cutter, headers: &[u8], size: Option<u16>, room: usize) -> Vec<Vec<u8>> {
    let text = text(3000);
    let (mut frames, mut left) = (Vec::new(), room);
    let mut offer = |frame: &[u8]| {
        if left == 0 {
            left = room;
            return Ok(false);
        }
        left -= 1;
        frames.push(frame.to_vec());
        Ok(true)
    };
    let pieces = [&text[..999], &text[999..1000], &text[1000..]].into_iter();
    let mut done = cutter
        .send(headers, pieces, 3000, size, &mut offer)
        .unwrap();
    while !done {
        assert!(cutter.is_busy());
        done = cutter.resume(&mut offer).unwrap();
    }
    assert!(!cutter.is_busy());
    frames
}

#[test]
fn a_device_may_complete_the_checksums_only() {
    let headers = large(
        Sum::of(&[0, TCP])
            .add_bytes(&3020u16.to_be_bytes())
            .folded(),
    );
    for room in [1, 2, 9] {
        let frames = frames(&mut Cutter::new(true), &headers, Some(1400), room);
        let lens: Vec<_> = frames.iter().map(Vec::len).collect();
        assert_eq!(lens, [1440, 1440, 240]);
        for frame in &frames {
            let pseudo = Sum::of(&[0, TCP]).add_bytes(&((frame.len() - 20) as u16).to_be_bytes());
            assert_eq!(frame[36..38], pseudo.folded().to_be_bytes());
        }
        let flags: Vec<_> = frames.iter().map(|frame| frame[33]).collect();
        assert_eq!(flags, [0x10, 0x10, 0x10 | FIN_PSH]);
        let text: Vec<_> = frames
            .iter()
            .flat_map(|frame| frame[40..].to_vec())
            .collect();
        assert_eq!(text, self::text(3000));
    }
}

#[test]
fn what_is_not_tcp_goes_as_it_is() {
    let mut headers = large(0x1234);
    headers[9] = 17;
    for size in [None, Some(1400)] {
        let frames = frames(&mut Cutter::new(false), &headers, size, 1);
        assert_eq!(frames, [[&headers[..], &text(3000)].concat()]);
    }
    let frames = frames(&mut Cutter::new(false), &[], None, 1);
    assert_eq!(frames, [text(3000)]);
}

#[test]
fn a_whole_packet_is_gathered_as_it_would_have_been_copied() {
    let pseudo = Sum::of(&[0, TCP]).add_bytes(&5020u16.to_be_bytes());
    let headers = large(pseudo.folded());
    let text = text(5000);
    let pieces = || [&text[..999], &text[999..1000], &text[1000..]].into_iter();
    for completes in [false, true] {
        let mut cutter = Cutter::new(completes);
        let mut copied = Vec::new();
        let mut take = |frame: &[u8]| {
            copied = frame.to_vec();
            Ok(true)
        };
        assert!(
            cutter
                .send(&headers, pieces(), 5000, None, &mut take)
                .unwrap()
        );
        // The length in the IP header, and its sum, are right in what the stack makes.
        let headers = &copied[..36].to_vec();
        let headers = [headers, &pseudo.folded().to_be_bytes()[..], &[0, 0]].concat();
        let whole = cutter.whole(&headers, pieces(), 5000, Some(5000)).unwrap();
        assert_eq!([&whole, &text[..]].concat(), copied);

        assert!(!cutter.is_busy());
        cutter.keep(&whole, pieces());
        assert!(cutter.is_busy());
        assert!(!cutter.resume(|_| Ok(false)).unwrap());
        let mut later = Vec::new();
        let resumed = cutter.resume(|frame| {
            later = frame.to_vec();
            Ok(true)
        });
        assert!(resumed.unwrap() && !cutter.is_busy());
        assert_eq!(later, copied);
    }
}

#[test]
fn little_text_is_copied_and_what_is_too_long_is_cut() {
    let headers = large(0);
    let text = text(5000);
    let cutter = Cutter::new(false);
    let whole = |len, size| {
        let pieces = [&text[..len]].into_iter();
        cutter.whole(&headers, pieces, len, size).is_some()
    };
    assert!(!whole(100, None));
    assert!(!whole(5000, Some(4999)));
    assert!(whole(5000, Some(5000)));
}
