//! The peers, a file each.

pub(crate) mod smoltcp;
