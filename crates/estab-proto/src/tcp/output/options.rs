//! The options of a segment after the SYN, and the room they take.

use arrayvec::ArrayVec;
use estab_timer::Instant;

use crate::tcp::connection::{Connection, Is};
use crate::tcp::negotiate::{TIMESTAMPS_LEN, timestamp};
use crate::wire::tcp::{AccEcn, MAX_OPTIONS_LEN, SackBlock, TcpOptions, Timestamps};

/// Length of the SACK option without blocks, with its padding.
const SACK_LEN: usize = 4;

/// Length of one block.
const BLOCK_LEN: usize = 8;

impl Connection {
    /// Options that every segment carries.
    #[inline]
    pub(in crate::tcp) fn plain_options(&self, now: Instant) -> TcpOptions {
        TcpOptions {
            timestamps: self.ts.as_ref().map(|ts| Timestamps {
                val: timestamp(now, ts.offset),
                ecr: ts.recent,
            }),
            ..TcpOptions::default()
        }
    }

    /// The options of a segment in the data phase.
    // RFC 9293: MUST-65.
    #[inline]
    pub(super) fn options(&self, now: Instant, accecn: Option<AccEcn>) -> TcpOptions {
        let mut opts = self.plain_options(now);
        if self.has_sack() {
            opts.sack = self.sack_blocks(accecn.as_ref());
        }
        opts.accecn = accecn;
        opts
    }

    /// What to report beyond the acknowledgement number: a duplicate first (RFC 2883 §4), then
    /// the ranges held, the one that changed last in front (RFC 2018 §4).
    fn sack_blocks(&self, accecn: Option<&AccEcn>) -> ArrayVec<SackBlock, 4> {
        let mut blocks = ArrayVec::new();
        if !self.has_sack() {
            return blocks;
        }
        if let Some((left, right)) = self.dsack {
            blocks.push(SackBlock { left, right });
        }
        let most = self.most_sack_blocks(accecn);
        for range in self.recv.ranges() {
            if blocks.len() >= most {
                break;
            }
            let at = |offset: u64| self.rcv.nxt + (offset - self.recv.next()) as u32;
            let (left, right) = (at(range.start), at(range.end));
            // The FIN has a number too: without it the peer's last segment is not all there.
            let fin = u32::from(self.rcv.fin == Some(right));
            blocks.push(SackBlock {
                left,
                right: right + fin,
            });
        }
        blocks
    }

    /// Forty bytes of options hold four blocks, or three beside timestamps.
    fn most_sack_blocks(&self, accecn: Option<&AccEcn>) -> usize {
        let timestamps = if self.ts.is_some() { TIMESTAMPS_LEN } else { 0 };
        let taken = timestamps as usize + padded_len(accecn);
        (MAX_OPTIONS_LEN.saturating_sub(taken + SACK_LEN) / BLOCK_LEN).min(4)
    }

    /// Whether there is something to report by SACK.
    #[inline]
    pub(super) fn has_sack(&self) -> bool {
        self.is.contains(Is::SACK)
            && (self.dsack.is_some() || self.recv.has_out_of_order())
            && !self.is_ack_bare()
    }

    /// The AccECN option of the next segment, if one is due and has room beside the two SACK blocks
    /// that come first.
    #[inline]
    pub(super) fn next_accecn_option(&self) -> Option<AccEcn> {
        self.ecn.as_ref()?;
        let blocks = if self.has_sack() {
            usize::from(self.dsack.is_some()) + self.recv.ranges().take(2).count()
        } else {
            0
        };
        self.accecn_option(blocks)
    }

    /// Bytes that the options which come and go take in the next segment.
    pub(super) fn changing_options_len(&self, accecn: Option<&AccEcn>) -> u32 {
        let sack = if self.has_sack() {
            SACK_LEN + BLOCK_LEN * self.sack_blocks(accecn).len()
        } else {
            0
        };
        (sack + padded_len(accecn)) as u32
    }
}

/// How many SACK blocks fit so many bytes.
pub(super) fn blocks_within(len: u32) -> usize {
    (len as usize).saturating_sub(SACK_LEN) / BLOCK_LEN
}

/// Length of the AccECN option with its padding.
fn padded_len(accecn: Option<&AccEcn>) -> usize {
    accecn.map_or(0, |accecn| accecn.len().next_multiple_of(4))
}
