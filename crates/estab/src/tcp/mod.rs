//! TCP, in the shape of `tokio::net`.
//!
//! Types, methods, errors and drop behaviour follow [`tokio::net`], so that code written for it
//! needs new imports and a [`Stack`](crate::Stack) to open connections from. Where it differs, the
//! method says so; in short:
//!
//! - Whatever needs the driver's answer is `async`: [`TcpSocket::listen`], [`TcpStream::info`].
//! - An endpoint given as text is parsed and never looked up in the DNS.
//! - After a reset, both directions report the error once, each for itself, so that neither half of
//!   a split stream mistakes it for an orderly end; a kernel tells only whoever asks first.

mod chunks;
mod extra;
mod incoming;
mod io;
mod lend;
mod listener;
mod socket;
mod split;
mod split_owned;
mod stream;

pub use chunks::Chunks;
pub use incoming::{Incoming, IncomingListener};
pub use lend::Lender;
pub use listener::{Connections, TcpListener};
pub use socket::TcpSocket;
pub use split::{ReadHalf, WriteHalf};
pub use split_owned::{OwnedReadHalf, OwnedWriteHalf, ReuniteError};
pub use stream::TcpStream;
