//! Received bytes: those in order that the application has not taken yet, and those beyond a hole.

use alloc::boxed::Box;
use core::ops::Range;

use bytes::Bytes;

use super::assembler::Assembler;
use super::queue::Queue;
use super::store::{PAGE, Store};
use super::{MAX_BLOCK, MIN_BLOCK, not_empty, share};

/// The most extents kept beyond holes. An honest path with 5% of its packets out of order stays
/// far below it.
const MAX_RANGES: usize = 1024;

/// What [`RecvBuffer::insert`] did with a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inserted {
    /// The number of bytes RCV.NXT moves by: bytes of the text, and bytes held before that are now
    /// in order.
    pub advanced: u32,
    /// The first part of the text that was held or delivered before: what a D-SACK block reports
    /// (RFC 2883 §4).
    pub duplicate: Option<Range<u64>>,
    /// Whether RCV.NXT moved while text was held beyond it, so that all or part of a gap was
    /// filled and an ACK is due at once (RFC 5681 §4.2).
    pub filled_hole: bool,
    /// Whether the text began beyond RCV.NXT, so that an ACK is due at once (RFC 5681 §4.2).
    pub out_of_order: bool,
    /// The number of bytes dropped because there were too many ranges: of the text, or of the
    /// furthest range held, which made room for it.
    pub refused: u32,
}

/// The received bytes of a connection until the application has taken them.
///
/// Places are stream offsets: 0 is the first byte of the stream, and they do not wrap. Of bytes
/// received more than once, the first ones count.
///
/// ```
/// use estab_proto::buffer::RecvBuffer;
///
/// let mut buffer = RecvBuffer::new(65_535);
/// assert!(buffer.insert(5, b"world", None).out_of_order);
/// assert_eq!(buffer.ranges().next(), Some(5..10));
/// assert_eq!(buffer.insert(0, b"hello", None).advanced, 10);
///
/// let mut text = [0; 10];
/// assert_eq!(buffer.read(&mut text), 10);
/// assert_eq!(&text, b"helloworld");
/// ```
#[derive(Debug)]
pub struct RecvBuffer {
    next: u64,
    queue: Queue,
    /// Boxed, and there only while text is held beyond a hole.
    beyond: Option<Box<Beyond>>,
    capacity: u32,
    /// Bytes handed over by `take_chunk` and not yet consumed.
    handed: u32,
    /// The memory those keep alive.
    handed_charge: u32,
}

/// The text held beyond a hole.
#[derive(Debug, Default)]
struct Beyond {
    extents: Assembler,
    store: Store,
}

impl RecvBuffer {
    /// An empty buffer that may hold `capacity` bytes, and has allocated nothing.
    pub const fn new(capacity: u32) -> Self {
        Self {
            next: 0,
            queue: Queue::new(),
            beyond: None,
            capacity,
            handed: 0,
            handed_charge: 0,
        }
    }

    /// An empty buffer with RCV.NXT at stream offset `next`.
    pub(crate) const fn resumed(next: u64, capacity: u32) -> Self {
        let mut buffer = Self::new(capacity);
        buffer.next = next;
        buffer
    }

    /// The stream offset of RCV.NXT: the first byte not yet received.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Takes received text that begins at stream offset `offset`.
    ///
    /// The caller has trimmed it to the window. Text of 256 bytes and more that is at least half of
    /// `backing` is kept as a slice of it; anything else is copied. `backing` is the received
    /// buffer the text lies in: its length is what the text is charged, so it should tell the
    /// memory that stays alive. A `backing` the text does not lie in is ignored.
    ///
    /// At most 1,024 ranges are held beyond holes. When there would be more, what is furthest from
    /// RCV.NXT is dropped; text at RCV.NXT is always taken. Empty text changes nothing.
    pub fn insert(&mut self, offset: u64, text: &[u8], backing: Option<&Bytes>) -> Inserted {
        if text.is_empty() {
            return Inserted::default();
        }
        if offset == self.next && self.beyond.is_none() {
            self.append(text, backing);
            return Inserted {
                advanced: text.len() as u32,
                ..Inserted::default()
            };
        }
        let range = offset..offset + text.len() as u64;
        if offset > self.next {
            self.insert_beyond(range, text, backing)
        } else {
            self.insert_at_next(range, text, backing)
        }
    }

    /// Appends text at RCV.NXT and moves RCV.NXT past it.
    fn append(&mut self, text: &[u8], backing: Option<&Bytes>) {
        match share(text, backing) {
            Some(bytes) => self.queue.push(bytes, backing.map_or(0, Bytes::len)),
            None => self.queue.append(text, self.block()),
        }
        self.next += text.len() as u64;
    }

    /// The size a new block should have: twice the last one while short texts follow each other, so
    /// that blocks are few, but no more than the window has room for, so that they do not outgrow the
    /// capacity. A page at most while there are pages, which have taken memory for the same part of the
    /// window already.
    fn block(&self) -> usize {
        let most = if self.beyond.is_some() {
            PAGE
        } else {
            MAX_BLOCK
        };
        (2 * self.queue.tail_capacity())
            .clamp(MIN_BLOCK, most)
            .min(self.window() as usize)
    }

    /// Inserts text that begins at RCV.NXT or before it.
    fn insert_at_next(
        &mut self,
        range: Range<u64>,
        text: &[u8],
        backing: Option<&Bytes>,
    ) -> Inserted {
        let before = self.next;
        let mut duplicate = not_empty(range.start..range.end.min(before));
        let filled_hole = self.beyond.is_some() && range.end > before;
        while self.next < range.end {
            let extent = self
                .beyond
                .as_ref()
                .and_then(|beyond| beyond.extents.first());
            let stop = extent
                .as_ref()
                .map_or(range.end, |extent| extent.start.min(range.end));
            let part = (self.next - range.start) as usize..(stop - range.start) as usize;
            self.append(&text[part], backing);
            if let Some(extent) = extent.filter(|extent| extent.start == stop) {
                let held = || not_empty(extent.start..extent.end.min(range.end));
                duplicate = duplicate.or_else(held);
                self.pull();
            }
        }
        let advanced = (self.next - before) as u32;
        Inserted {
            advanced,
            duplicate,
            filled_hole,
            ..Inserted::default()
        }
    }

    /// Moves the first extent, which begins at RCV.NXT, to the bytes in order.
    fn pull(&mut self) {
        let block = self.block();
        let Some(beyond) = &mut self.beyond else {
            return;
        };
        let Some(extent) = beyond.extents.pop_first() else {
            return;
        };
        self.next = extent.end;
        beyond.store.drain(extent, &mut self.queue, block);
        if beyond.extents.is_empty() {
            self.beyond = None;
        } else {
            beyond.store.discard_before(self.next);
        }
    }

    /// Inserts text that begins beyond RCV.NXT.
    fn insert_beyond(
        &mut self,
        range: Range<u64>,
        text: &[u8],
        backing: Option<&Bytes>,
    ) -> Inserted {
        let mut inserted = Inserted {
            out_of_order: true,
            ..Inserted::default()
        };
        let Beyond { extents, store } = &mut **self.beyond.get_or_insert_default();
        if extents.len() >= MAX_RANGES && extents.is_apart(&range) {
            if extents.last().is_some_and(|last| last.start < range.start) {
                inserted.refused = text.len() as u32;
                return inserted;
            }
            if let Some(dropped) = extents.pop_last() {
                inserted.refused = (dropped.end - dropped.start) as u32;
                store.discard_from(extents.last().map_or(self.next, |last| last.end));
            }
        }
        inserted.duplicate = extents.insert(range.clone(), |gap| {
            let part = (gap.start - range.start) as usize..(gap.end - range.start) as usize;
            store.write(gap.start, &text[part], backing);
        });
        inserted
    }

    /// The number of in-order bytes ready for [`read`](Self::read) or
    /// [`take_chunk`](Self::take_chunk).
    pub fn readable(&self) -> usize {
        self.queue.len()
    }

    /// Copies out as many in-order bytes as there are and fit, and counts them as consumed.
    pub fn read(&mut self, into: &mut [u8]) -> usize {
        let n = self.peek(into);
        self.queue.advance(n)
    }

    /// Copies out as many in-order bytes as there are and fit, and leaves them in the buffer.
    pub fn peek(&self, into: &mut [u8]) -> usize {
        let mut n = 0;
        for slice in self.queue.slices(0, into.len()) {
            into[n..n + slice.len()].copy_from_slice(slice);
            n += slice.len();
        }
        n
    }

    /// Hands over the next in-order bytes that lie together, without a copy unless they are less
    /// than half of the block they lie in, or short texts in a block of up to 4 KiB.
    ///
    /// They count as held until [`consumed`](Self::consumed) says otherwise.
    pub fn take_chunk(&mut self) -> Option<Bytes> {
        self.take_chunk_with(Bytes::copy_from_slice)
    }

    /// Like [`take_chunk`](Self::take_chunk), but what is to be copied is copied by `copy`, which may
    /// have memory for it.
    pub fn take_chunk_with(&mut self, copy: impl FnOnce(&[u8]) -> Bytes) -> Option<Bytes> {
        let (bytes, charge) = self.queue.pop(copy)?;
        self.handed += bytes.len() as u32;
        self.handed_charge += charge as u32;
        Some(bytes)
    }

    /// Says that the application is done with `n` bytes of the chunks handed over, or with all if
    /// there are fewer.
    pub fn consumed(&mut self, n: usize) {
        let n = n.min(self.handed as usize);
        if n > 0 {
            // In proportion: which chunk they belong to is not worth a record each.
            let share = u64::from(self.handed_charge) * n as u64 / u64::from(self.handed);
            self.handed -= n as u32;
            self.handed_charge -= share as u32;
        }
    }

    /// The number of in-order bytes not yet consumed, those handed over included.
    pub fn held(&self) -> u32 {
        self.queue.len() as u32 + self.handed
    }

    /// The number of bytes from RCV.NXT on that there is room for.
    ///
    /// Text beyond a hole does not count: it lies in the window already, and the window's right
    /// edge must not move left (RFC 9293 §3.8.6, SHLD-14).
    pub fn window(&self) -> u32 {
        self.capacity.saturating_sub(self.held())
    }

    /// The number of bytes the buffer may hold.
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Changes the number of bytes the buffer may hold.
    ///
    /// Nothing held is dropped. A smaller capacity moves the right edge that
    /// [`window`](Self::window) tells to the left; the caller goes on honouring the edge it has
    /// announced.
    pub fn set_capacity(&mut self, capacity: u32) {
        self.capacity = capacity;
    }

    /// The ranges held beyond a hole, the one with the most recently received text first, as the
    /// SACK option reports them (RFC 2018 §4).
    pub fn ranges(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.beyond
            .iter()
            .flat_map(|beyond| beyond.extents.by_recency())
    }

    /// Whether text is held beyond a hole.
    pub fn has_out_of_order(&self) -> bool {
        self.beyond.is_some()
    }

    /// Drops the text held beyond holes, for want of memory, and returns how many bytes that was.
    /// The sender still has it (RFC 2018 §8).
    pub fn drop_out_of_order(&mut self) -> u64 {
        let dropped = self.ranges().map(|range| range.end - range.start).sum();
        self.beyond = None;
        dropped
    }

    /// The bytes of memory held: whole blocks however little of them is in use, the records of
    /// ranges, and what the chunks handed over and not yet consumed keep alive.
    #[inline]
    pub fn allocated(&self) -> usize {
        let beyond = self.beyond.as_ref().map_or(0, |beyond| {
            size_of::<Beyond>() + beyond.extents.allocated() + beyond.store.allocated()
        });
        self.allocated_in_order() + beyond
    }

    /// The part of [`allocated`](Self::allocated) that is not for text beyond holes.
    pub fn allocated_in_order(&self) -> usize {
        self.queue.allocated() + self.handed_charge as usize
    }

    /// Gives back memory kept for bytes to come.
    pub fn shrink(&mut self) {
        self.queue.shrink();
        if let Some(beyond) = &mut self.beyond {
            beyond.extents.shrink();
        }
    }

    /// Drops every byte held. RCV.NXT stays, and so do the chunks handed over.
    pub fn clear(&mut self) {
        self.queue = Queue::new();
        self.beyond = None;
    }
}

#[cfg(test)]
mod tests;
