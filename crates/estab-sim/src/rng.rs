//! The random numbers of the nodes: their values never change between releases or machines, so that
//! a seed names the same run for ever.

#[cfg(test)]
mod tests;

/// SplitMix64: 64 bits of state, a period of 2⁶⁴, and every seed a good one.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    /// The sequence of `seed` for the node at `index`: nodes do not share one, so that a node added
    /// behind another changes nothing for it.
    pub(crate) fn new(seed: u64, index: u64) -> Self {
        Self(mix(
            mix(seed ^ 0x243f_6a88_85a3_08d3) ^ mix(index.wrapping_add(1))
        ))
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number from 0 to `last`, both included.
    pub(crate) fn upto(&mut self, last: u64) -> u64 {
        let product = u128::from(self.next_u64()) * (u128::from(last) + 1);
        (product >> 64) as u64
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: Probability) -> bool {
        u128::from(self.next_u64()) < probability.0
    }
}

/// The finalizer of SplitMix64: every bit of the input changes half of the output.
const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A probability in units of 2⁻⁶⁴, compared as an integer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probability(u128);

impl Probability {
    /// # Panics
    ///
    /// If `p` is not from 0 to 1.
    pub(crate) fn new(p: f64) -> Self {
        assert!((0.0..=1.0).contains(&p), "{p} is no probability");
        // Exact: the product of a double and a power of two.
        Self((p * (1u128 << 64) as f64) as u128)
    }
}
