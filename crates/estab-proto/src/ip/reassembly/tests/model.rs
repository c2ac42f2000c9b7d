//! Whatever comes: the same as a model that holds a byte at a time.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use core::net::IpAddr;

use proptest::prelude::*;

use super::super::*;
use super::{INFO, assert_empty, complete, dropped, key, put};
use crate::wire::tests::seeded;

/// The same decisions, a byte at a time and without limits.
#[derive(Default)]
struct Model {
    bytes: BTreeMap<usize, u8>,
    fragments: Vec<(usize, bool, Vec<u8>)>,
    end: Option<usize>,
    condemned: bool,
}

impl Model {
    fn insert(&mut self, offset: usize, more: bool, data: &[u8]) -> Outcome {
        let fragment = (offset, more, data.to_vec());
        if self.condemned {
            return dropped(DropReason::Condemned);
        }
        if self.fragments.contains(&fragment) {
            return Outcome::Incomplete;
        }
        let range = offset..offset + data.len();
        let end = if more { self.end } else { Some(range.end) };
        let beyond = |end: usize| self.bytes.keys().any(|at| *at >= end) || range.end > end;
        if self.bytes.range(range.clone()).next().is_some()
            || !more && self.end.is_some()
            || end.is_some_and(beyond)
        {
            self.condemned = true;
            return dropped(DropReason::Overlap);
        }
        self.bytes.extend(range.zip(data.iter().copied()));
        self.fragments.push(fragment);
        self.end = end;
        if self.end == Some(self.bytes.len()) {
            let payload: Vec<u8> = core::mem::take(self).bytes.into_values().collect();
            return complete(&payload);
        }
        Outcome::Incomplete
    }
}

proptest! {
    #![proptest_config(seeded(0x5722))]

    #[test]
    fn any_cut_and_order_gives_the_datagram_back(
        payload in prop::collection::vec(any::<u8>(), 9..2000),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..20),
        order in prop::collection::vec(any::<prop::sample::Index>(), 60),
    ) {
        let mut edges: Vec<usize> =
            cuts.iter().map(|cut| (1 + cut.index((payload.len() - 1) / 8)) * 8).collect();
        edges.extend([0, payload.len()]);
        edges.sort_unstable();
        edges.dedup();
        let mut missing: Vec<_> = edges.windows(2).map(|edge| edge[0]..edge[1]).collect();
        let mut reassembly = Reassembly::default();
        let mut sent: Vec<core::ops::Range<usize>> = Vec::new();
        for pick in order {
            // Something missing, and now and then something sent before.
            if sent.len() % 3 == 2 {
                let range = sent[pick.index(sent.len())].clone();
                let more = range.end < payload.len();
                let data = &payload[range.clone()];
                let outcome = put(&mut reassembly, key(1, 7), range.start as u16, more, data);
                prop_assert_eq!(outcome, Outcome::Incomplete);
            }
            let range = missing.swap_remove(pick.index(missing.len()));
            sent.push(range.clone());
            let more = range.end < payload.len();
            let data = &payload[range.clone()];
            let outcome = put(&mut reassembly, key(1, 7), range.start as u16, more, data);
            if missing.is_empty() {
                prop_assert_eq!(outcome, complete(&payload));
                break;
            }
            prop_assert_eq!(outcome, Outcome::Incomplete);
        }
        prop_assert_eq!(reassembly.bytes_held(), 0);
    }

    #[test]
    fn decides_as_the_model_does(
        fragments in prop::collection::vec((0u16..6, any::<bool>(), 1usize..4, 0u8..2), 1..30),
    ) {
        let (mut reassembly, mut model) = (Reassembly::default(), Model::default());
        for (slot, more, words, fill) in fragments {
            if slot == 0 && !more {
                continue;
            }
            let data = vec![fill; words * 8];
            let outcome = put(&mut reassembly, key(1, 7), slot * 8, more, &data);
            prop_assert_eq!(outcome, model.insert(usize::from(slot) * 8, more, &data));
        }
    }

    #[test]
    fn a_flood_stays_within_every_limit_and_leaves_nothing(
        fragments in prop::collection::vec(
            (0u8..6, 0u32..8, 0u16..40, any::<bool>(), 1usize..200),
            1..300,
        ),
        max_datagrams in 1usize..12,
        max_bytes in 1000usize..20_000,
    ) {
        let config = ReassemblyConfig {
            max_bytes,
            max_bytes_per_source: max_bytes / 4,
            max_datagrams,
            ..Default::default()
        };
        let mut reassembly = Reassembly::new(config);
        for (step, (host, ident, slot, more, words)) in fragments.into_iter().enumerate() {
            let now = Instant::from_millis(step as u64 * 200);
            let data = vec![0; words * 8];
            reassembly.insert(now, key(host, ident), slot * 8, more, &data, INFO);
            prop_assert!(reassembly.bytes_held() <= max_bytes);
            prop_assert!(reassembly.datagrams() <= max_datagrams);
            let mut by_source = BTreeMap::<IpAddr, usize>::new();
            for partial in reassembly.partials.values() {
                prop_assert_eq!(partial.charged, partial.cost());
                *by_source.entry(partial.key.src).or_default() += partial.charged;
            }
            prop_assert_eq!(by_source.values().sum::<usize>(), reassembly.bytes_held());
            prop_assert!(by_source.values().all(|bytes| *bytes <= max_bytes / 4));
            prop_assert_eq!(by_source.len(), reassembly.sources.len());
        }
        reassembly.expire(Instant::NEVER);
        assert_empty(&reassembly);
    }
}
