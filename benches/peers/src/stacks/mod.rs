//! The peers, a file each.

pub(crate) mod ipstack;
pub(crate) mod netstack_smoltcp;
pub(crate) mod smoltcp;
pub(crate) mod tcp_ip;
pub(crate) mod tokio_smoltcp;
