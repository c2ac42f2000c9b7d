//! The compact form in which the state of a quiet connection is kept.
//!
//! Most of a connection's variables are small, or near one another: counters of little traffic,
//! sequence numbers within a window, points in time within a minute. Written one after the other as
//! differences of variable length (LEB128) they take a fifth of their place in the record, and
//! nothing is lost: what is read back is equal in every bit.
//!
//! A part names its fields once, in [`dormant!`]; a field that is added and not named there does not
//! compile.

use alloc::boxed::Box;
use alloc::vec::Vec;

use estab_timer::{Duration, Instant};

use crate::seq::{SeqNumber, WindowScale};

/// What can be written and read back.
pub(crate) trait Dormant {
    /// Appends the value.
    fn dormant(&self, to: &mut Writer);

    /// Reads what [`dormant`](Self::dormant) wrote.
    fn wake(from: &mut Reader<'_>) -> Self;
}

/// Implements [`Dormant`] for a structure by its fields, all of them, in the order in which they are
/// named: those that are near one another should be neighbours.
macro_rules! dormant {
    ($type:ident { $($field:tt),* $(,)? }) => {
        impl $crate::dormant::Dormant for $type {
            fn dormant(&self, to: &mut $crate::dormant::Writer) {
                $crate::dormant::all_named!(self, $type { $($field),* });
                $($crate::dormant::Dormant::dormant(&self.$field, to);)*
            }

            fn wake(from: &mut $crate::dormant::Reader<'_>) -> Self {
                Self { $($field: $crate::dormant::Dormant::wake(from)),* }
            }
        }
    };
}

/// Fails to compile unless every field is named.
macro_rules! all_named {
    ($value:expr, $type:ident { $($field:tt),* }) => {
        let $type { $($field: _),* } = $value;
    };
}

pub(crate) use {all_named, dormant};

/// Where the differences start from.
#[derive(Clone, Copy, Default)]
struct Last {
    seq: u32,
    nanos: u64,
}

/// Writes values.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    last: Last,
}

impl Writer {
    /// A writer whose memory is used again.
    pub(crate) fn reusing(mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        Self {
            bytes,
            last: Last::default(),
        }
    }

    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// What was written, in no more memory than it takes, and the memory it was written in.
    pub(crate) fn finish(self) -> (Box<[u8]>, Vec<u8>) {
        (Box::from(self.bytes.as_slice()), self.bytes)
    }
}

/// Reads values in the order in which they were written.
pub(crate) struct Reader<'a> {
    bytes: core::slice::Iter<'a, u8>,
    last: Last,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes: bytes.iter(),
            last: Last::default(),
        }
    }

    fn number(&mut self) -> u64 {
        let mut value = 0;
        let mut shift = 0;
        for &byte in self.bytes.by_ref() {
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
            shift = (shift + 7).min(63);
        }
        value
    }

    /// Whether everything was read.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.as_slice().is_empty()
    }
}

/// Small for small differences of either sign.
fn zigzag(difference: i64) -> u64 {
    ((difference << 1) ^ (difference >> 63)) as u64
}

fn unzigzag(code: u64) -> i64 {
    (code >> 1) as i64 ^ -((code & 1) as i64)
}

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Dormant for $type {
            fn dormant(&self, to: &mut Writer) {
                to.number(*self as u64);
            }

            fn wake(from: &mut Reader<'_>) -> Self {
                from.number() as Self
            }
        }
    )*};
}

numbers!(u8, u16, u32, u64, usize);

impl Dormant for bool {
    fn dormant(&self, to: &mut Writer) {
        to.number(u64::from(*self));
    }

    fn wake(from: &mut Reader<'_>) -> Self {
        from.number() != 0
    }
}

impl Dormant for SeqNumber {
    fn dormant(&self, to: &mut Writer) {
        let difference = self.to_u32().wrapping_sub(to.last.seq) as i32;
        to.last.seq = self.to_u32();
        to.number(zigzag(i64::from(difference)));
    }

    fn wake(from: &mut Reader<'_>) -> Self {
        let difference = unzigzag(from.number()) as u32;
        from.last.seq = from.last.seq.wrapping_add(difference);
        Self::new(from.last.seq)
    }
}

/// [`Instant::NEVER`] counts as one nanosecond before [`Instant::ZERO`], from where nothing starts.
impl Dormant for Instant {
    fn dormant(&self, to: &mut Writer) {
        let difference = self.as_nanos().wrapping_sub(to.last.nanos) as i64;
        if *self != Self::NEVER {
            to.last.nanos = self.as_nanos();
        }
        to.number(zigzag(difference));
    }

    fn wake(from: &mut Reader<'_>) -> Self {
        let difference = unzigzag(from.number()) as u64;
        let at = Self::from_nanos(from.last.nanos.wrapping_add(difference));
        if at != Self::NEVER {
            from.last.nanos = at.as_nanos();
        }
        at
    }
}

impl Dormant for Duration {
    fn dormant(&self, to: &mut Writer) {
        (self.as_secs(), self.subsec_nanos()).dormant(to);
    }

    fn wake(from: &mut Reader<'_>) -> Self {
        let (secs, nanos) = Dormant::wake(from);
        Self::new(secs, nanos)
    }
}

impl Dormant for WindowScale {
    fn dormant(&self, to: &mut Writer) {
        self.shift().dormant(to);
    }

    fn wake(from: &mut Reader<'_>) -> Self {
        Self::clamped(Dormant::wake(from))
    }
}

impl<T: Dormant> Dormant for Option<T> {
    fn dormant(&self, to: &mut Writer) {
        self.is_some().dormant(to);
        if let Some(value) = self {
            value.dormant(to);
        }
    }

    fn wake(from: &mut Reader<'_>) -> Self {
        bool::wake(from).then(|| T::wake(from))
    }
}

macro_rules! tuples {
    ($(($($name:ident $index:tt),*))*) => {$(
        impl<$($name: Dormant),*> Dormant for ($($name,)*) {
            fn dormant(&self, to: &mut Writer) {
                $(self.$index.dormant(to);)*
            }

            fn wake(from: &mut Reader<'_>) -> Self {
                ($($name::wake(from),)*)
            }
        }
    )*};
}

tuples! {
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
}

#[cfg(test)]
mod tests;
