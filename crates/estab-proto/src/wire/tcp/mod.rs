//! The TCP header (RFC 9293 §3.1) and its options.

mod accecn;
mod flags;
mod header;
mod options;

pub use accecn::{AccEcn, AccEcnOrder};
pub use flags::Flags;
pub use header::{HEADER_LEN, Segment, fill_checksum, fill_partial_checksum};
pub use options::{MAX_LEN as MAX_OPTIONS_LEN, SackBlock, TcpOptions, Timestamps};
