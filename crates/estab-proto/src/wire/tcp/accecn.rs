//! The AccECN option: how many bytes arrived with which ECN field (RFC 9768 §3.2.3).

/// Which counter stands first, hence the option's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccEcnOrder {
    /// ECT(0), CE, ECT(1): kind 172.
    E0bFirst,
    /// ECT(1), CE, ECT(0): kind 174.
    E1bFirst,
}

/// The AccECN option: up to three counters of 24 bits, the last ones of which may be left out.
///
/// As received: nothing says that a counter fits what was sent.
///
/// ```
/// use estab_proto::wire::tcp::{AccEcn, AccEcnOrder};
///
/// let option = AccEcn::new(AccEcnOrder::E0bFirst, &[1001, 1000]);
/// assert_eq!((option.e0b(), option.ceb(), option.e1b()), (Some(1001), Some(1000), None));
/// assert_eq!(option.len(), 8);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccEcn {
    order: AccEcnOrder,
    fields: u8,
    /// In the order of the wire; those not carried are zero.
    counters: [[u8; 3]; 3],
}

impl AccEcn {
    /// An option with the first `counters`, given in this order: at most three, of each the low 24
    /// bits.
    pub fn new(order: AccEcnOrder, counters: &[u32]) -> Self {
        let mut option = Self {
            order,
            fields: 0,
            counters: [[0; 3]; 3],
        };
        for (field, counter) in option.counters.iter_mut().zip(counters) {
            let [_, high, middle, low] = counter.to_be_bytes();
            *field = [high, middle, low];
            option.fields = option.fields.saturating_add(1);
        }
        option
    }

    /// The option of this order whose contents are `data`. Whatever its length, the whole fields in
    /// it count, and what is left over does not.
    pub(super) fn read(order: AccEcnOrder, data: &[u8]) -> Self {
        let mut option = Self::new(order, &[]);
        let (fields, _) = data.as_chunks::<3>();
        for (field, &counter) in option.counters.iter_mut().zip(fields) {
            *field = counter;
            option.fields = option.fields.saturating_add(1);
        }
        option
    }

    /// Which counter stands first.
    pub fn order(&self) -> AccEcnOrder {
        self.order
    }

    /// Bytes received with ECT(0), if carried.
    pub fn e0b(&self) -> Option<u32> {
        self.counter(match self.order {
            AccEcnOrder::E0bFirst => 0,
            AccEcnOrder::E1bFirst => 2,
        })
    }

    /// Bytes received with CE, if carried.
    pub fn ceb(&self) -> Option<u32> {
        self.counter(1)
    }

    /// Bytes received with ECT(1), if carried.
    pub fn e1b(&self) -> Option<u32> {
        self.counter(match self.order {
            AccEcnOrder::E0bFirst => 2,
            AccEcnOrder::E1bFirst => 0,
        })
    }

    /// The option's length in bytes: 2, 5, 8 or 11.
    #[expect(
        clippy::len_without_is_empty,
        reason = "the shortest has a kind and a length"
    )]
    pub fn len(&self) -> usize {
        usize::from(self.fields).saturating_mul(3).saturating_add(2)
    }

    /// The counters carried, in the order of the wire.
    pub(super) fn fields(&self) -> &[[u8; 3]] {
        self.counters
            .get(..usize::from(self.fields))
            .unwrap_or_default()
    }

    fn counter(&self, place: u8) -> Option<u32> {
        let &[high, middle, low] = self.fields().get(usize::from(place))?;
        Some(u32::from_be_bytes([0, high, middle, low]))
    }
}

#[cfg(test)]
mod tests;
