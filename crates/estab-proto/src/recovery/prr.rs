//! Proportional rate reduction: how much to send per acknowledgment while the window is being
//! reduced (RFC 9937).

/// The state of a reduction (RFC 9937 §5), in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prr {
    /// The window to arrive at: ssthresh.
    target: u32,
    /// RecoverFS: what was in flight, or arrived with the acknowledgment that began it.
    recover_fs: u32,
    /// prr_delivered: what arrived since.
    delivered: u64,
    /// prr_out: what was sent since.
    out: u64,
}

/// What an acknowledgment during the reduction says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// DeliveredData: how much arrived by its account.
    pub(super) delivered: u32,
    /// The pipe after it.
    pub(super) in_flight: u32,
    /// SafeACK: SND.UNA advanced, and nothing further was found lost.
    pub(super) safe: bool,
}

impl Prr {
    /// A reduction to `target` begins (RFC 9937 §6.1).
    pub(super) fn new(target: u32, recover_fs: u32) -> Self {
        Self {
            target,
            recover_fs: recover_fs.max(1),
            delivered: 0,
            out: 0,
        }
    }

    /// The window when the reduction is over (RFC 9937 §6.4).
    pub(super) fn target(&self) -> u32 {
        self.target
    }

    /// Something was sent, new or again (RFC 9937 §6.3).
    pub(super) fn on_sent(&mut self, len: u32) {
        self.out += u64::from(len);
    }

    /// The window after an acknowledgment: the pipe and SndCnt (RFC 9937 §6.2). `None` leaves it as
    /// it is.
    pub(super) fn on_ack(&mut self, progress: Progress, mss: u32) -> Option<u32> {
        let Progress {
            delivered,
            in_flight,
            safe,
        } = progress;
        if delivered == 0 {
            return None;
        }
        self.delivered += u64::from(delivered);
        let mut send = if in_flight > self.target {
            // Proportional: the share of the target that its share of the flight has earned.
            let share = u128::from(self.delivered) * u128::from(self.target);
            // Rounded up to whole segments: part of one cannot be sent.
            let earned = share.div_ceil(u128::from(self.recover_fs)) as u64;
            earned
                .next_multiple_of(mss.max(1).into())
                .saturating_sub(self.out)
        } else {
            // Below the target: as much as arrived, and a segment more while that looks safe.
            let conserved = self.delivered.saturating_sub(self.out);
            let grown = conserved.max(delivered.into()) + u64::from(if safe { mss } else { 0 });
            grown.min(u64::from(self.target - in_flight))
        };
        if self.out == 0 && send == 0 {
            // The fast retransmit always goes out.
            send = mss.into();
        }
        Some(in_flight.saturating_add(u32::try_from(send).unwrap_or(u32::MAX)))
    }
}

#[cfg(test)]
mod tests;
