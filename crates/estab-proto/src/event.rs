//! What a stack tells its driver.

use crate::error::{ConnectionError, SoftError};
use crate::stack::{ConnId, ListenerId};

/// Something the driver or the application should look at.
///
/// Events are coalesced per connection and kind, so their queue is bounded by the number of
/// connections however many packets arrive between two polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// [`Stack::accept`](crate::Stack::accept) or, on a deferring listener,
    /// [`Stack::next_incoming`](crate::Stack::next_incoming) has something.
    Listener(ListenerId),
    /// The open succeeded: the connection is ESTABLISHED.
    Connected(ConnId),
    /// In-order bytes, or the end of the stream, can be received.
    Readable(ConnId),
    /// Acknowledged bytes made room in the send buffer, or few of the bytes in it are still to be sent.
    Writable(ConnId),
    /// The urgent pointer appeared or moved forward (RFC 9293 MUST-32).
    Urgent(ConnId),
    /// Something went wrong that does not end the connection (RFC 9293 MUST-47).
    SoftError(ConnId, SoftError),
    /// The connection is over: `None` after an orderly close by both sides (from TIME-WAIT on),
    /// otherwise why it failed. The last event of a connection; its handle stays valid, and
    /// received bytes readable, until it is released.
    Closed(ConnId, Option<ConnectionError>),
}
