//! One incomplete datagram and what may join it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem::size_of;
use core::net::IpAddr;

use estab_timer::Instant;

use super::{Datagram, DropReason, Expired, FragmentInfo, FragmentKey};
use crate::wire::{ipv4, protocol, tcp};

/// What a datagram costs before its first fragment: its record and its entries in four trees,
/// whose nodes may be half empty.
const DATAGRAM_COST: usize = 768;

/// By how many pieces the table of a datagram's pieces grows.
const PIECES_STEP: usize = 8;

/// What the allocator adds to an allocation.
const ALLOCATION_COST: usize = 16;

/// An incomplete datagram.
#[derive(Debug)]
pub(super) struct Partial {
    pub(super) key: FragmentKey,
    pub(super) deadline: Instant,
    /// The pieces in order; they do not overlap.
    pieces: Vec<Piece>,
    /// The sum of the pieces' lengths.
    len: usize,
    /// Where the datagram ends, once the last fragment is here.
    end: Option<usize>,
    /// What the first fragment's header said, once it is here.
    first: Option<FragmentInfo>,
    /// The ECN codepoints seen, one bit each.
    ecn_seen: u8,
    condemned: bool,
    /// The bytes charged for it.
    pub(super) charged: usize,
}

#[derive(Debug)]
struct Piece {
    offset: usize,
    data: Box<[u8]>,
}

impl Piece {
    fn end(&self) -> usize {
        self.offset.saturating_add(self.data.len())
    }
}

/// A fragment that is right in itself.
pub(super) struct Fragment<'a> {
    offset: usize,
    end: usize,
    more: bool,
    payload: &'a [u8],
    info: FragmentInfo,
}

impl<'a> Fragment<'a> {
    /// Refuses what is wrong whatever the other fragments say.
    pub(super) fn check(
        src: IpAddr,
        offset: u16,
        more: bool,
        payload: &'a [u8],
        info: FragmentInfo,
    ) -> Result<Self, DropReason> {
        let longest = match src {
            IpAddr::V4(_) => usize::from(u16::MAX).saturating_sub(ipv4::HEADER_LEN),
            IpAddr::V6(_) => usize::from(u16::MAX),
        };
        let offset = usize::from(offset);
        let end = offset.saturating_add(payload.len());
        if payload.is_empty() {
            return Err(DropReason::Empty);
        }
        if more && !payload.len().is_multiple_of(8) {
            return Err(DropReason::BadLength);
        }
        if end > longest {
            return Err(DropReason::TooLong);
        }
        let fragment = Self {
            offset,
            end,
            more,
            payload,
            info,
        };
        if info.protocol == protocol::TCP && fragment.splits_tcp_header() {
            return Err(DropReason::TinyFirst);
        }
        Ok(fragment)
    }

    /// Whether the TCP header is not all in the first fragment (RFC 1858 §3).
    fn splits_tcp_header(&self) -> bool {
        if self.offset != 0 {
            return self.offset < tcp::HEADER_LEN;
        }
        match self.payload.first_chunk::<{ tcp::HEADER_LEN }>() {
            // The upper four bits count words of four bytes.
            Some(header) => self.payload.len() < usize::from(header[12] >> 2 & 0x3c),
            None => true,
        }
    }
}

impl Partial {
    pub(super) fn new(key: FragmentKey, deadline: Instant) -> Self {
        Self {
            key,
            deadline,
            pieces: Vec::new(),
            len: 0,
            end: None,
            first: None,
            ecn_seen: 0,
            condemned: false,
            charged: 0,
        }
    }

    /// The bytes allocated for it.
    pub(super) fn cost(&self) -> usize {
        let pieces = self.pieces.capacity().saturating_mul(size_of::<Piece>());
        let data = self
            .pieces
            .len()
            .saturating_mul(ALLOCATION_COST)
            .saturating_add(self.len);
        DATAGRAM_COST.saturating_add(pieces).saturating_add(data)
    }

    pub(super) fn is_complete(&self) -> bool {
        self.end == Some(self.len)
    }

    /// The bytes that keeping the fragment would cost, `None` for an exact duplicate; condemns the
    /// datagram if the fragment does not go with the others.
    pub(super) fn judge(
        &mut self,
        fragment: &Fragment<'_>,
        max_fragments: usize,
    ) -> Result<Option<usize>, DropReason> {
        if self.condemned {
            return Err(DropReason::Condemned);
        }
        if self.has(fragment) {
            return Ok(None);
        }
        let verdict = if self.contradicts(fragment) {
            Err(DropReason::Overlap)
        } else if self.pieces.len() >= max_fragments {
            Err(DropReason::TooMany)
        } else {
            self.note_ecn(fragment.info.traffic_class)
        };
        if let Err(reason) = verdict {
            self.condemn();
            return Err(reason);
        }
        let growth = if self.pieces.len() == self.pieces.capacity() {
            PIECES_STEP
        } else {
            0
        };
        let growth = growth.saturating_mul(size_of::<Piece>());
        Ok(Some(
            fragment
                .payload
                .len()
                .saturating_add(ALLOCATION_COST)
                .saturating_add(growth),
        ))
    }

    /// Whether the same fragment is here already, down to its bytes.
    fn has(&self, fragment: &Fragment<'_>) -> bool {
        let (_, after) = self.split_at(fragment.offset);
        let last = self.end == Some(fragment.end);
        last != fragment.more
            && after.first().is_some_and(|piece| {
                piece.offset == fragment.offset && *piece.data == *fragment.payload
            })
    }

    /// Whether the fragment overlaps another, or they disagree on where the datagram ends.
    fn contradicts(&self, fragment: &Fragment<'_>) -> bool {
        let (before, after) = self.split_at(fragment.offset);
        let overlaps = before
            .last()
            .is_some_and(|piece| piece.end() > fragment.offset)
            || after
                .first()
                .is_some_and(|piece| piece.offset < fragment.end);
        overlaps
            || match self.end {
                Some(end) => !fragment.more || fragment.end > end,
                None => !fragment.more && !after.is_empty(),
            }
    }

    /// The pieces that begin before `offset`, and the others.
    fn split_at(&self, offset: usize) -> (&[Piece], &[Piece]) {
        let index = self.pieces.partition_point(|piece| piece.offset < offset);
        self.pieces.split_at_checked(index).unwrap_or((&[], &[]))
    }

    /// Keeps a fragment that was judged to fit.
    pub(super) fn keep(&mut self, fragment: &Fragment<'_>) {
        if !fragment.more {
            self.end = Some(fragment.end);
        }
        if fragment.offset == 0 {
            self.first = Some(fragment.info);
        }
        self.len = self.len.saturating_add(fragment.payload.len());
        if self.pieces.len() == self.pieces.capacity() {
            self.pieces.reserve_exact(PIECES_STEP);
        }
        let index = self.split_at(fragment.offset).0.len();
        self.pieces.insert(
            index,
            Piece {
                offset: fragment.offset,
                data: fragment.payload.into(),
            },
        );
    }

    /// Refuses CE beside Not-ECT: no path does that to a datagram whose sender uses ECN, and to
    /// one that does not a mark would be a loss nobody sees.
    fn note_ecn(&mut self, traffic_class: u8) -> Result<(), DropReason> {
        self.ecn_seen |= 1 << (traffic_class & ECN_MASK);
        let has = |codepoint: u8| self.ecn_seen & 1 << codepoint != 0;
        if has(CE) && has(NOT_ECT) {
            Err(DropReason::BadEcn)
        } else {
            Ok(())
        }
    }

    fn condemn(&mut self) {
        self.condemned = true;
        self.pieces = Vec::new();
        self.len = 0;
        self.end = None;
    }

    pub(super) fn into_expired(mut self) -> Expired {
        let begins = self.pieces.first().is_some_and(|piece| piece.offset == 0);
        let first = self
            .first
            .filter(|_| begins)
            .map(|info| (info, self.pieces.swap_remove(0).data));
        Expired {
            key: self.key,
            first,
        }
    }

    pub(super) fn into_datagram(self) -> Option<Datagram> {
        let mut info = self.first?;
        if self.ecn_seen & 1 << CE != 0 {
            info.traffic_class |= CE;
        }
        let mut payload = Vec::with_capacity(self.len);
        for piece in &self.pieces {
            payload.extend_from_slice(&piece.data);
        }
        Some(Datagram { info, payload })
    }
}

/// The ECN field of a traffic class (RFC 3168 §5).
const ECN_MASK: u8 = 0b11;
const NOT_ECT: u8 = 0b00;
const CE: u8 = 0b11;
