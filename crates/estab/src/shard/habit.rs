//! Whether anything more is to be expected from the device.
//!
//! Only an empty read tells that nothing more has come, and between a short question and its answer
//! that read is a good part of the work. But who asks one question after the other always sends as many
//! packets for it. So after as many as twice before, the answer goes out first, and the device is asked
//! again after it.

/// Guesses in a row: then it is looked whether the habit still holds. Were there always more packets than
/// are guessed, nobody would notice otherwise.
const GUESSES: u8 = 32;

/// How many packets came the last times.
#[derive(Debug, Default)]
pub(super) struct Habit {
    last: usize,
    /// It was as many the time before that.
    holds: bool,
    guesses: u8,
}

impl Habit {
    /// So many packets have come, and no more: the device was asked.
    pub(super) fn learn(&mut self, packets: usize) {
        if packets > 0 {
            self.holds = self.last == packets;
            self.last = packets;
            self.guesses = 0;
        }
    }

    /// Whether so many packets are all for now, most likely.
    pub(super) fn is_all(&mut self, packets: usize) -> bool {
        let is_all = self.holds && self.last == packets && self.guesses < GUESSES;
        self.guesses += u8::from(is_all);
        is_all
    }
}

#[cfg(test)]
mod tests;
