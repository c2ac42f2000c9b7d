//! Local ports for active opens (RFC 6056).
//!
//! Candidates form a random walk through the whole range: a random start and a random stride with
//! no common divisor with the size of the range, so each port comes up exactly once. Start and
//! stride come from a keyed generator and depend on nothing an observer can see or influence; there
//! is no table of counters that could leak which connections exist.

/// The range of ports an active open may pick from, in the order of one random walk.
pub(crate) struct Candidates {
    first: u32,
    size: u32,
    position: u32,
    stride: u32,
    left: u32,
}

impl Candidates {
    /// A walk over the ports from `first` to `last`, both included, or the other way round; port 0
    /// is never among them. `random` is 64 unpredictable bits.
    pub(crate) fn new((first, last): (u16, u16), random: u64) -> Self {
        let (first, last) = (first.min(last).max(1), first.max(last).max(1));
        let size = u32::from(last - first) + 1;
        let mut stride = (random >> 32) as u32 % size;
        while gcd(stride, size) != 1 {
            stride = (stride + 1) % size.max(2);
        }
        Self {
            first: u32::from(first),
            size,
            position: random as u32 % size,
            stride,
            left: size,
        }
    }
}

impl Iterator for Candidates {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        self.left = self.left.checked_sub(1)?;
        let port = self.first + self.position;
        self.position = (self.position + self.stride) % self.size;
        Some(port as u16)
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests;
