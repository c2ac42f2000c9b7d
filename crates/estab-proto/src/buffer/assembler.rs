//! Which bytes beyond RCV.NXT are held: the out-of-order extents, and how recently each changed.

use alloc::collections::BTreeMap;
use core::ops::Range;

/// An extent: a run of bytes with a hole on either side. Its start is its key.
#[derive(Debug)]
struct Extent {
    end: u64,
    /// The order in which extents were last touched.
    stamp: u64,
}

/// The disjoint extents held beyond a hole, by place and by recency.
///
/// Extents that meet are one, so there is at least a byte missing between any two. Every operation
/// takes time in the logarithm of their number, and in the number of those it removes.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    extents: BTreeMap<u64, Extent>,
    /// Stamp to start.
    recent: BTreeMap<u64, u64>,
    last_stamp: u64,
}

impl Assembler {
    /// The number of extents.
    pub(super) fn len(&self) -> usize {
        self.extents.len()
    }

    /// Whether there is no extent.
    pub(super) fn is_empty(&self) -> bool {
        self.extents.is_empty()
    }

    /// Whether `range` would be an extent of its own, one that meets no other.
    pub(super) fn is_apart(&self, range: &Range<u64>) -> bool {
        self.extents
            .range(..=range.end)
            .next_back()
            .is_none_or(|(_, extent)| extent.end < range.start)
    }

    /// Where the first extent begins.
    pub(super) fn first_start(&self) -> Option<u64> {
        self.extents.first_key_value().map(|(&start, _)| start)
    }

    /// The extent furthest from RCV.NXT.
    pub(super) fn last(&self) -> Option<Range<u64>> {
        self.extents
            .last_key_value()
            .map(|(&start, extent)| start..extent.end)
    }

    /// Removes the extent furthest from RCV.NXT.
    pub(super) fn pop_last(&mut self) -> Option<Range<u64>> {
        let (start, extent) = self.extents.pop_last()?;
        self.recent.remove(&extent.stamp);
        Some(start..extent.end)
    }

    /// Removes the first extent if it begins at or before `point`.
    pub(super) fn pop_first(&mut self, point: u64) -> Option<Range<u64>> {
        let entry = self.extents.first_entry()?;
        if *entry.key() > point {
            return None;
        }
        let (start, extent) = entry.remove_entry();
        self.recent.remove(&extent.stamp);
        Some(start..extent.end)
    }

    /// Adds `range`, which is not empty, and makes the extent it becomes part of the most recent.
    ///
    /// Calls `gap` for each part that was missing, in order, and returns the first part that was
    /// not (RFC 2883 §4.2).
    pub(super) fn insert(
        &mut self,
        range: Range<u64>,
        mut gap: impl FnMut(Range<u64>),
    ) -> Option<Range<u64>> {
        let mut whole = range.clone();
        if let Some((&start, extent)) = self.extents.range(..range.start).next_back()
            && extent.end >= range.start
        {
            whole.start = start;
        }

        let mut duplicate = None;
        let mut at = range.start;
        for (&start, extent) in self.extents.range(whole.start..=range.end) {
            if at < start {
                gap(at..start);
            }
            let held = start.max(range.start)..extent.end.min(range.end);
            if duplicate.is_none() && !held.is_empty() {
                duplicate = Some(held);
            }
            at = at.max(extent.end);
        }
        if at < range.end {
            gap(at..range.end);
        }
        whole.end = at.max(range.end);
        self.join(whole);
        duplicate
    }

    /// Replaces every extent that begins in `whole` or at its end by `whole`, the most recent.
    fn join(&mut self, whole: Range<u64>) {
        let within = (whole.start + 1)..=whole.end;
        while let Some((&start, extent)) = self.extents.range(within.clone()).next() {
            self.recent.remove(&extent.stamp);
            self.extents.remove(&start);
        }
        let extent = self
            .extents
            .entry(whole.start)
            .or_insert(Extent { end: 0, stamp: 0 });
        extent.end = whole.end;
        if extent.stamp == 0 || extent.stamp != self.last_stamp {
            self.recent.remove(&extent.stamp);
            self.last_stamp += 1;
            extent.stamp = self.last_stamp;
            self.recent.insert(extent.stamp, whole.start);
        }
    }

    /// The extents, the one with the most recently received text first (RFC 2018 §4).
    pub(super) fn by_recency(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.recent.values().rev().filter_map(|start| {
            let extent = self.extents.get(start)?;
            Some(*start..extent.end)
        })
    }
}
