//! The options of the TCP header.

use arrayvec::ArrayVec;

use super::accecn::{AccEcn, AccEcnOrder};
use crate::seq::SeqNumber;
use crate::wire::WireError;
use crate::wire::writer::Writer;

/// The most bytes of options a header has room for: a data offset of 15 words less 5.
pub const MAX_LEN: usize = 40;

/// Option kinds (RFC 9293 §3.2, RFC 7323, RFC 2018, RFC 9768 §3.2.3).
mod kind {
    pub(super) const EOL: u8 = 0;
    pub(super) const NOP: u8 = 1;
    pub(super) const MSS: u8 = 2;
    pub(super) const WINDOW_SCALE: u8 = 3;
    pub(super) const SACK_PERMITTED: u8 = 4;
    pub(super) const SACK: u8 = 5;
    pub(super) const TIMESTAMPS: u8 = 8;
    pub(super) const ACCECN_E0B_FIRST: u8 = 172;
    pub(super) const ACCECN_E1B_FIRST: u8 = 174;
}

/// One block of the SACK option: the bytes from `left` up to, not including, `right` have been
/// received (RFC 2018 §3).
///
/// As received: nothing says that the block is not empty, not reversed, or within the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SackBlock {
    /// The first sequence number of the block.
    pub left: SeqNumber,
    /// The sequence number that follows the block.
    pub right: SeqNumber,
}

/// The timestamps option (RFC 7323 §3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timestamps {
    /// TSval: the sender's clock, in its own ticks.
    pub val: u32,
    /// TSecr: the timestamp echoed; meaningful only in a segment with ACK.
    pub ecr: u32,
}

impl Timestamps {
    #[inline]
    fn from_bytes([a, b, c, d, e, f, g, h]: [u8; 8]) -> Self {
        Self {
            val: u32::from_be_bytes([a, b, c, d]),
            ecr: u32::from_be_bytes([e, f, g, h]),
        }
    }

    /// The option behind two NOPs, which make whole words of it (RFC 7323 appendix A).
    #[inline]
    pub(super) fn words(self) -> [u32; 3] {
        let lead = u32::from_be_bytes([kind::NOP, kind::NOP, kind::TIMESTAMPS, 10]);
        [lead, self.val, self.ecr]
    }

    /// The same as bytes.
    #[inline]
    fn padded(self) -> [u8; PADDED_LEN] {
        let mut bytes = [0; PADDED_LEN];
        for (place, word) in bytes.as_chunks_mut().0.iter_mut().zip(self.words()) {
            *place = word.to_be_bytes();
        }
        bytes
    }
}

/// The length of the timestamps option behind two NOPs.
const PADDED_LEN: usize = 12;

/// The options of a segment that this crate understands.
///
/// If an option comes twice the last one counts. Unknown options are skipped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TcpOptions {
    /// Maximum segment size in bytes, as sent (RFC 9293 §3.7.1).
    pub mss: Option<u16>,
    /// Window scale shift, as sent; it may exceed 14 (RFC 7323 §2.2).
    pub window_scale: Option<u8>,
    /// Whether SACK is permitted (RFC 2018 §2).
    pub sack_permitted: bool,
    /// Timestamps.
    pub timestamps: Option<Timestamps>,
    /// SACK blocks, in the order sent: the first is the most recent.
    pub sack: ArrayVec<SackBlock, 4>,
    /// Counters of Accurate ECN.
    pub accecn: Option<AccEcn>,
}

impl TcpOptions {
    /// Reads the options between the fixed header and the data.
    ///
    /// # Errors
    ///
    /// [`WireError::BadOption`] if an option's length is below 2, runs past the end or is not
    /// that of its kind.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        match Self::parse_lenient(bytes) {
            (options, false) => Ok(options),
            (_, true) => Err(WireError::BadOption),
        }
    }

    /// Like [`parse`](Self::parse), but keeps what came before the malformation; the flag tells
    /// that there was one.
    ///
    /// A segment must not be able to end a connection by its options alone, so the stack ignores
    /// what it cannot read.
    pub fn parse_lenient(bytes: &[u8]) -> (Self, bool) {
        let mut options = Self::default();
        let intact = options.read(bytes);
        (options, !intact)
    }

    /// Notes the options in `bytes`, up to the first malformed one; false if there is one.
    #[inline]
    pub(super) fn read(&mut self, bytes: &[u8]) -> bool {
        // What nearly every segment of an established connection carries (RFC 7323 appendix A).
        if let [kind::NOP, kind::NOP, kind::TIMESTAMPS, 10, data @ ..] = bytes
            && let Ok(data) = data.try_into()
        {
            self.timestamps = Some(Timestamps::from_bytes(data));
            return true;
        }
        match bytes.split_at_checked(MAX_LEN) {
            Some((bytes, excess)) => self.scan(bytes) && excess.is_empty(),
            None => self.scan(bytes),
        }
    }

    /// The length of the encoded options in bytes: a multiple of 4, at most [`MAX_LEN`].
    #[inline]
    pub fn encoded_len(&self) -> usize {
        if self.lone_timestamps().is_some() {
            return PADDED_LEN;
        }
        self.len_before_sack()
            .saturating_add(match self.sack_blocks_that_fit() {
                0 => 0,
                // At most 4 blocks of 8 bytes, behind NOP NOP kind length.
                blocks => blocks.saturating_mul(8).saturating_add(4),
            })
    }

    /// Writes the options into the front of `buf`; returns [`encoded_len`](Self::encoded_len), or
    /// 0 if `buf` is too short.
    ///
    /// The order is Linux's: `mss, sackOK, TS, nop, wscale`, with a lone `TS` or `sackOK` behind
    /// two NOPs, then AccECN behind as many NOPs as fill its last word, then `nop nop SACK`. SACK
    /// blocks that do not fit are left out, the oldest first: three remain beside timestamps.
    // RFC 9293: MUST-68, MUST-69.
    #[inline]
    pub fn emit(&self, buf: &mut [u8]) -> usize {
        if let Some(timestamps) = self.lone_timestamps()
            && let Some(place) = buf.first_chunk_mut()
        {
            *place = timestamps.padded();
            return PADDED_LEN;
        }
        let mut out = Writer::new(buf);
        if let Some(mss) = self.mss {
            let [high, low] = mss.to_be_bytes();
            out.put(&[kind::MSS, 4, high, low]);
        }
        match (self.sack_permitted, self.timestamps.is_some()) {
            (true, true) => out.put(&[kind::SACK_PERMITTED, 2]),
            (true, false) => out.put(&[kind::NOP, kind::NOP, kind::SACK_PERMITTED, 2]),
            (false, true) => out.put(&[kind::NOP, kind::NOP]),
            (false, false) => &mut out,
        };
        if let Some(Timestamps { val, ecr }) = self.timestamps {
            out.put(&[kind::TIMESTAMPS, 10])
                .put(&val.to_be_bytes())
                .put(&ecr.to_be_bytes());
        }
        if let Some(shift) = self.window_scale {
            out.put(&[kind::NOP, kind::WINDOW_SCALE, 3, shift]);
        }
        if let Some(accecn) = &self.accecn {
            put_accecn(&mut out, accecn);
        }
        let blocks = self.sack_blocks_that_fit();
        if blocks > 0 {
            let len = blocks.saturating_mul(8).saturating_add(2) as u8;
            out.put(&[kind::NOP, kind::NOP, kind::SACK, len]);
            for block in self.sack.iter().take(blocks) {
                out.put(&block.left.to_u32().to_be_bytes());
                out.put(&block.right.to_u32().to_be_bytes());
            }
        }
        out.finish()
    }

    /// The timestamps if there is nothing else, as in nearly every segment of an established
    /// connection.
    #[inline]
    pub(super) fn lone_timestamps(&self) -> Option<Timestamps> {
        let others = self.mss.is_some()
            || self.window_scale.is_some()
            || self.sack_permitted
            || self.accecn.is_some()
            || !self.sack.is_empty();
        self.timestamps.filter(|_| !others)
    }

    /// The length in bytes of everything but the SACK option.
    fn len_before_sack(&self) -> usize {
        let mss = if self.mss.is_some() { 4 } else { 0 };
        let sack_permitted_and_timestamps = match (self.sack_permitted, self.timestamps) {
            (_, Some(_)) => 12,
            (true, None) => 4,
            (false, None) => 0,
        };
        let window_scale = if self.window_scale.is_some() {
            4usize
        } else {
            0
        };
        let accecn = self
            .accecn
            .map_or(0, |accecn| accecn.len().next_multiple_of(4));
        window_scale
            .saturating_add(mss)
            .saturating_add(sack_permitted_and_timestamps)
            .saturating_add(accecn)
    }

    fn sack_blocks_that_fit(&self) -> usize {
        let room = MAX_LEN
            .saturating_sub(self.len_before_sack())
            .saturating_sub(4)
            / 8;
        self.sack.len().min(room)
    }

    /// Takes options until the end; false if one is malformed. Each step moves on by a byte at
    /// least.
    // RFC 9293: MUST-6, MUST-7, MUST-64, MUST-68.
    fn scan(&mut self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        loop {
            rest = match *rest {
                [] | [kind::EOL, ..] => return true,
                [kind::NOP, ref after @ ..] => after,
                [_] => return false,
                [kind, len, ..] => {
                    let Some((option, after)) = rest.split_at_checked(usize::from(len)) else {
                        return false;
                    };
                    match option {
                        [_, _, data @ ..] if self.take(kind, data) => after,
                        _ => return false,
                    }
                }
            };
        }
    }

    /// Notes one option; false if its length is not that of its kind.
    // RFC 9293: MUST-4.
    fn take(&mut self, kind: u8, data: &[u8]) -> bool {
        match (kind, data) {
            (kind::MSS, &[a, b]) => self.mss = Some(u16::from_be_bytes([a, b])),
            (kind::WINDOW_SCALE, &[shift]) => self.window_scale = Some(shift),
            (kind::SACK_PERMITTED, []) => self.sack_permitted = true,
            (kind::TIMESTAMPS, data) => match data.try_into() {
                Ok(data) => self.timestamps = Some(Timestamps::from_bytes(data)),
                Err(_) => return false,
            },
            (kind::SACK, data) => return self.take_sack(data),
            (kind::ACCECN_E0B_FIRST, data) => {
                self.accecn = Some(AccEcn::read(AccEcnOrder::E0bFirst, data));
            }
            (kind::ACCECN_E1B_FIRST, data) => {
                self.accecn = Some(AccEcn::read(AccEcnOrder::E1bFirst, data));
            }
            (kind::MSS | kind::WINDOW_SCALE | kind::SACK_PERMITTED, _) => return false,
            _ => {}
        }
        true
    }

    fn take_sack(&mut self, data: &[u8]) -> bool {
        let (blocks, rest) = data.as_chunks::<8>();
        if blocks.is_empty() || !rest.is_empty() {
            return false;
        }
        self.sack.clear();
        for &[a, b, c, d, e, f, g, h] in blocks {
            let block = SackBlock {
                left: SeqNumber::new(u32::from_be_bytes([a, b, c, d])),
                right: SeqNumber::new(u32::from_be_bytes([e, f, g, h])),
            };
            if self.sack.try_push(block).is_err() {
                return false;
            }
        }
        true
    }
}

/// Writes the AccECN option, NOPs first.
fn put_accecn(out: &mut Writer<'_>, accecn: &AccEcn) {
    let len = accecn.len();
    for _ in len..len.next_multiple_of(4) {
        out.put(&[kind::NOP]);
    }
    let kind = match accecn.order() {
        AccEcnOrder::E0bFirst => kind::ACCECN_E0B_FIRST,
        AccEcnOrder::E1bFirst => kind::ACCECN_E1B_FIRST,
    };
    out.put(&[kind, len as u8]);
    for counter in accecn.fields() {
        out.put(counter);
    }
}

#[cfg(test)]
mod tests;
