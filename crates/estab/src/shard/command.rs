//! What a handle asks of the driver beyond bytes.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use estab_proto::config::TcpConfig;
use estab_proto::{
    ConnId, Counts, FourTuple, IncomingId, Info, IpCidr, ListenConfig, ListenerId, Stats,
};
use futures::channel::oneshot;
use tokio::sync::OwnedSemaphorePermit;

use crate::error::StackGone;
use crate::shared::Handle;
use crate::shared::accept::Listening;
use crate::stack::DeviceStats;

/// A command, with where its answer goes.
#[derive(Debug)]
pub(crate) enum Command {
    /// Start an active open.
    Connect(Opening),
    /// Start to listen. The answer is where.
    Listen {
        config: Box<ListenConfig>,
        listening: Listening,
        reply: Reply<io::Result<SocketAddr>>,
    },
    /// Somebody waits to accept.
    Serve(ListenerId),
    /// The listener was dropped.
    CloseListener(Listening),
    /// Answer a held SYN. The answer is a connection in SYN-RECEIVED.
    Accept {
        id: IncomingId,
        tuple: FourTuple,
        config: Arc<TcpConfig>,
        reply: Reply<io::Result<Handle>>,
    },
    /// Reset a held SYN.
    Refuse(IncomingId),
    /// Forget a held SYN.
    Ignore(IncomingId),
    /// Snapshot one connection.
    Info(ConnId, Reply<Option<Info>>),
    /// Snapshot the stack's counters.
    Stats(Reply<Stats>),
    /// Snapshot the sizes of the stack's tables.
    Counts(Reply<Counts>),
    /// Snapshot the device's counters.
    DeviceStats(Reply<DeviceStats>),
    /// Take one more address.
    AddAddr(IpCidr, Reply<()>),
    /// Give an address up.
    RemoveAddr(IpAddr, Reply<bool>),
    /// Send urgent bytes.
    SendUrgent(ConnId, Vec<u8>, Reply<io::Result<usize>>),
    /// How far ahead the urgent mark is.
    Urgent(ConnId, Reply<Option<u64>>),
    /// End once the last connection has.
    Shutdown,
    /// Reset every connection and end.
    Abort,
    /// Another driver of the stack has ended.
    End(StackGone),
}

/// An active open.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) remote: SocketAddr,
    pub(crate) local: Option<SocketAddr>,
    pub(crate) config: Option<Box<TcpConfig>>,
    /// Shards that had neither room nor a port.
    pub(crate) refused: usize,
    /// The answer is a connection in SYN-SENT.
    pub(crate) reply: Reply<io::Result<Handle>>,
}

/// Carries one answer, and the permit that bounds how many commands wait.
pub(crate) struct Reply<T> {
    answer: oneshot::Sender<T>,
    permit: OwnedSemaphorePermit,
}

impl<T> Reply<T> {
    pub(super) fn new(permit: OwnedSemaphorePermit) -> (Self, oneshot::Receiver<T>) {
        let (sender, receiver) = oneshot::channel();
        (
            Self {
                answer: sender,
                permit,
            },
            receiver,
        )
    }

    /// Answers; if nobody waits any more, the answer is dropped, which releases what it holds.
    pub(crate) fn send(self, answer: T) {
        drop(self.permit);
        drop(self.answer.send(answer));
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reply")
    }
}
