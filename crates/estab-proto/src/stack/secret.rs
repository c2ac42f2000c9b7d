//! The secret of a stack and the keys made of it.
//!
//! One secret of 256 bits comes from the operating system when the stack is made. Each use has a
//! key of its own, so that what one reveals (an initial sequence number, a flow label) says nothing
//! about another.

use core::hash::{BuildHasher, Hasher};

use siphasher::sip::{SipHasher13, SipHasher24};

/// A 128-bit key for SipHash.
#[derive(Clone, Copy)]
pub(crate) struct Key([u64; 2]);

impl Key {
    /// SipHash-2-4 of `bytes`: a pseudo-random function without the key.
    pub(crate) fn prf(&self, bytes: &[u8]) -> u64 {
        SipHasher24::new_with_keys(self.0[0], self.0[1]).hash(bytes)
    }

    /// SipHash-1-3 of `bytes`, as the tables hash, all at once.
    #[inline]
    pub(crate) fn table_hash(&self, bytes: &[u8]) -> u64 {
        SipHasher13::new_with_keys(self.0[0], self.0[1]).hash(bytes)
    }
}

/// The hash of tables whose keys a peer can choose: SipHash-1-3, keyed.
impl BuildHasher for Key {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.0[0], self.0[1])
    }
}

/// What a key is for.
#[derive(Clone, Copy)]
enum Purpose {
    Table,
    SequenceNumber,
    Timestamp,
    FlowLabel,
    Cookie,
    Random,
}

/// The keys of a stack.
pub(crate) struct Secrets {
    /// Hash tables keyed by what peers choose.
    pub(crate) table: Key,
    /// Initial sequence numbers (RFC 6528).
    pub(crate) sequence: Key,
    /// Timestamp offsets (RFC 7323 §5.4).
    pub(crate) timestamp: Key,
    /// IPv6 flow labels (RFC 6437).
    pub(crate) flow_label: Key,
    /// SYN cookies (RFC 4987 §3.6).
    pub(crate) cookie: Key,
    random: Key,
    drawn: u64,
}

impl Secrets {
    /// The keys made of `secret`.
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        let (root, input) = secret.split_at(16);
        let mut key = [0; 16];
        key.copy_from_slice(root);
        let derive = |purpose: Purpose| {
            let half = |half: u8| {
                let mut hasher = SipHasher24::new_with_key(&key);
                hasher.write(input);
                hasher.write(&[purpose as u8, half]);
                hasher.finish()
            };
            Key([half(0), half(1)])
        };
        Self {
            table: derive(Purpose::Table),
            sequence: derive(Purpose::SequenceNumber),
            timestamp: derive(Purpose::Timestamp),
            flow_label: derive(Purpose::FlowLabel),
            cookie: derive(Purpose::Cookie),
            random: derive(Purpose::Random),
            drawn: 0,
        }
    }

    /// The next number of an unpredictable sequence.
    pub(crate) fn random(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        self.random.prf(&self.drawn.to_be_bytes())
    }
}

#[cfg(test)]
mod tests;
