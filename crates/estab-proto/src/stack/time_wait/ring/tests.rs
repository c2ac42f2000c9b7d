use alloc::collections::VecDeque;
use core::net::{Ipv4Addr, SocketAddr};

use super::Ring;
use crate::addr::FourTuple;
use crate::seq::SeqNumber;
use crate::stack::time_wait::{Place, TimeWait};
use crate::stack::tuple::TupleKey;
use crate::wire::tcp::Flags;

fn record(n: u32) -> TimeWait {
    let end = SocketAddr::new(Ipv4Addr::from_bits(n).into(), 1);
    TimeWait {
        key: TupleKey::new(&FourTuple {
            local: end,
            remote: end,
        }),
        snd_nxt: SeqNumber::new(n),
        rcv_nxt: SeqNumber::new(n),
        rcv_wnd: Default::default(),
        ecn: Flags::empty(),
        has_timestamps: false,
        ttl: 1,
        tos: 0,
        place: Place::InOrder,
        recent: 0,
        acked_millis: 0,
        deadline: [0; 2],
    }
}

#[test]
fn it_behaves_as_a_queue_from_which_some_are_missing() {
    let mut ring = Ring {
        base: u32::MAX - 100,
        ..Ring::default()
    };
    let mut model = VecDeque::new();
    let mut dice = 1_u32;
    for n in 0..20_000 {
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let growing = n % 4000 < 2000;
        match (dice >> 16) % 8 {
            0..=2 => model.push_back((ring.push(record(n)), n)),
            3 | 4 if growing => model.push_back((ring.push(record(n)), n)),
            5 if !model.is_empty() => {
                let (number, n) = model.remove(dice as usize % model.len()).unwrap();
                assert_eq!(ring.remove(number).unwrap().snd_nxt, SeqNumber::new(n));
                assert!(ring.get(number).is_none() && ring.remove(number).is_none());
            }
            _ => {
                let first = ring
                    .front()
                    .map(|(number, it)| (number, it.snd_nxt.to_u32()));
                assert_eq!(first, model.front().copied());
                if let Some((number, _)) = model.pop_front() {
                    assert!(ring.remove(number).is_some());
                }
            }
        }
        assert_eq!(ring.len(), model.len());
        if let Some(&(number, n)) = model.get(dice as usize % model.len().max(1)) {
            assert_eq!(ring.get(number).unwrap().snd_nxt, SeqNumber::new(n));
        }
    }
    for (number, _) in model {
        ring.remove(number);
    }
    assert_eq!((ring.len(), ring.holes()), (0, 0));
    assert!(ring.chunks.is_empty());
}
