//! Filters that forget: the largest bandwidth of two cycles, the largest value of some rounds.

/// BBR.max_bw_filter: the largest of the present probing cycle and of the one before
/// (draft-ietf-ccwg-bbr §5.5.6), in bytes per second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MaxBw {
    previous: u64,
    present: u64,
}

impl MaxBw {
    pub(super) fn get(self) -> u64 {
        self.previous.max(self.present)
    }

    pub(super) fn update(&mut self, bw: u64) {
        self.present = self.present.max(bw);
    }

    /// AdvanceMaxBwFilter(): a cycle has ended. One without a sample does not count, so that what is
    /// known is not forgotten for nothing.
    pub(super) fn advance(&mut self) {
        if self.present > 0 {
            self.previous = core::mem::take(&mut self.present);
        }
    }
}

/// The largest value of the last rounds: the best three, each later than the one before
/// (Kathleen Nichols' algorithm).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WindowedMax {
    /// Round and value, the largest first.
    best: [(u32, u32); 3],
}

impl WindowedMax {
    pub(super) fn get(&self) -> u32 {
        self.best[0].1
    }

    /// Takes a value of round `now` in; what is older than `len` rounds no longer counts.
    pub(super) fn update(&mut self, now: u32, len: u32, value: u32) {
        let sample = (now, value);
        let age = |(round, _): (u32, u32)| now.wrapping_sub(round);
        if value >= self.best[0].1 || age(self.best[2]) > len {
            self.best = [sample; 3];
            return;
        }
        if value >= self.best[1].1 {
            self.best[1] = sample;
            self.best[2] = sample;
        } else if value >= self.best[2].1 {
            self.best[2] = sample;
        }
        while age(self.best[0]) > len {
            self.best = [self.best[1], self.best[2], sample];
        }
        // Without a second best of its own, a quarter and a half of the window on.
        if self.best[1].0 == self.best[0].0 && age(self.best[1]) > len / 4 {
            self.best[1] = sample;
            self.best[2] = sample;
        } else if self.best[2].0 == self.best[1].0 && age(self.best[2]) > len / 2 {
            self.best[2] = sample;
        }
    }
}
