//! Initial sequence numbers, timestamp offsets and flow labels: what a keyed hash makes
//! unpredictable to everyone but the two ends.

use estab_timer::Instant;

use crate::config::IsnPolicy;
use crate::seq::SeqNumber;
use crate::stack::secret::Secrets;
use crate::stack::tuple::TupleKey;

/// One tick of the clock of initial sequence numbers (RFC 9293 MUST-8).
const TICK_MICROS: u64 = 4;

/// The initial sequence number for a new incarnation of `tuple` (RFC 6528 §3): the 4 µs clock plus
/// a keyed hash of the tuple, so that it grows from one incarnation to the next while different
/// tuples are unrelated.
// RFC 9293: MUST-9, SHLD-1.
pub(crate) fn initial(
    secrets: &Secrets,
    policy: IsnPolicy,
    now: Instant,
    tuple: &TupleKey,
) -> SeqNumber {
    match policy {
        IsnPolicy::Keyed => {
            let clock = (now.as_micros() / TICK_MICROS) as u32;
            SeqNumber::new(clock.wrapping_add(secrets.sequence.prf(tuple.bytes()) as u32))
        }
        IsnPolicy::Fixed(value) => SeqNumber::new(value),
    }
}

/// The initial sequence number for an incarnation that follows one whose SND.NXT was `old_nxt`:
/// above everything the old one sent (RFC 6191 §2, RFC 9293 MAY-2).
///
/// The clock alone does it unless the old one sent more than 250 kB/s over its life; then a whole
/// unscaled window is left between the two.
pub(crate) fn above(candidate: SeqNumber, old_nxt: SeqNumber) -> SeqNumber {
    if candidate.after(old_nxt) {
        candidate
    } else {
        old_nxt + 0x1_0001
    }
}

/// The displacement of the timestamp clock towards one peer address (RFC 7323 §5.4).
///
/// One per address pair and not per connection, so that timestamps grow from one incarnation of a
/// four-tuple to the next and a peer in TIME-WAIT can tell them apart (RFC 6191 §3).
pub(crate) fn timestamp_offset(secrets: &Secrets, tuple: &TupleKey) -> u32 {
    secrets.timestamp.prf(tuple.addresses()) as u32
}

/// The IPv6 flow label of a connection: 20 bits, not zero (RFC 6437 §3).
pub(crate) fn flow_label(secrets: &Secrets, tuple: &TupleKey) -> u32 {
    (secrets.flow_label.prf(tuple.bytes()) as u32 & 0x000f_ffff).max(1)
}

#[cfg(test)]
mod tests;
