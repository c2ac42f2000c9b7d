//! The work that benches measure, apart from how it is measured: `benches/protocol` times it,
//! `instructions` counts its instructions.

mod pair;
mod work;

pub use pair::Pair;
pub use work::{Job, Work, all};
