//! The work that benches measure, apart from how it is measured: `benches/protocol` times it,
//! `instructions` counts its instructions. And the picture that pages have of what was measured.

mod bars;
mod pair;
mod work;

pub use bars::{Bar, Scale, draw};
pub use pair::Pair;
pub use work::{Job, Work, all};
