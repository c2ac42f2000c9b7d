//! What one acknowledgment tells BBR.

use estab_timer::{Duration, Instant};

use crate::recovery::{AckSample, RateSample};

/// The rate sample RS of draft-ietf-ccwg-bbr §2.3, and what of the connection's state C goes with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signals {
    pub(super) now: Instant,
    /// RS.delivery_rate, in bytes per second; 0 if it cannot be told.
    pub(super) delivery_rate: u64,
    /// RS.delivered.
    pub(super) delivered: u32,
    /// RS.prior_delivered.
    pub(super) prior_delivered: u64,
    /// RS.is_app_limited.
    pub(super) is_app_limited: bool,
    /// RS.tx_in_flight.
    pub(super) tx_in_flight: u32,
    /// RS.lost.
    pub(super) lost: u32,
    /// RS.newly_acked, cumulatively or selectively.
    pub(super) newly_acked: u32,
    /// RS.rtt: of the segment that was sent last.
    pub(super) rtt: Duration,
    /// C.inflight.
    pub(super) in_flight: u32,
    /// C.delivered.
    pub(super) total_delivered: u64,
}

impl Signals {
    pub(super) fn new(sample: &AckSample, rate: &RateSample, newly_acked: u32) -> Self {
        Self {
            now: sample.now,
            delivery_rate: rate.delivery_rate(),
            delivered: rate.delivered,
            prior_delivered: rate.prior_delivered,
            is_app_limited: rate.is_app_limited,
            tx_in_flight: rate.tx_in_flight,
            lost: rate.lost,
            newly_acked,
            rtt: rate.rtt,
            in_flight: sample.in_flight,
            total_delivered: sample.delivered,
        }
    }
}
