//! Whether anything more is to be expected from the device.
//!
//! Only an empty read tells that nothing more has come, and between a short question and its answer
//! that read is a good part of the work. But who asks one question after the other sends as many packets
//! for each. So after as many as always lately, the answer goes out first, and the device is asked again
//! after it.

/// How often in a row as many packets came as the time before, until that is a habit for certain.
const TIMES: u8 = 4;

/// Guesses in a row: then it is looked whether the habit still holds. Were there always more packets than
/// are guessed, nobody would notice otherwise.
const GUESSES: u8 = 32;

/// How many packets came the last times.
#[derive(Debug, Default)]
pub(super) struct Habit {
    last: usize,
    /// How often in a row it was as many as the time before.
    times: u8,
    guesses: u8,
}

impl Habit {
    /// So many packets have come, and no more: the device was asked.
    pub(super) fn learn(&mut self, packets: usize) {
        if packets > 0 {
            self.times = match self.last == packets {
                true => TIMES.min(self.times + 1),
                false => 0,
            };
            self.last = packets;
            self.guesses = 0;
        }
    }

    /// Whether so many packets are all for now, most likely: a bold guess, where something is to be sent
    /// anyway, or a careful one.
    pub(super) fn is_all(&mut self, packets: usize, is_bold: bool) -> bool {
        let times = if is_bold { 1 } else { TIMES };
        let holds = self.times >= times && self.guesses < GUESSES;
        let is_all = holds && self.last == packets;
        self.guesses += u8::from(is_all);
        is_all
    }
}

#[cfg(test)]
mod tests;
