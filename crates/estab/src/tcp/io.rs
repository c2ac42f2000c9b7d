//! Reading and writing, as every form of a stream does it.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{Interest, ReadBuf, Ready};

use crate::error;
use crate::shared::rx::{BATCH, Batch, COPIED, Read, Rx};
use crate::shared::tx::{Refused, Tx};
use crate::shared::wakers::Waiter;
use crate::shared::{Handle, signal};
use crate::sync::lock;

/// The bytes that a reader looks at where they lie. There is no memory for it before the first look.
#[derive(Debug, Default)]
pub(crate) struct View(Option<Box<Bytes>>);

impl Read {
    /// Whether there were bytes; there are none at the end of the stream.
    fn into_result(self) -> io::Result<()> {
        match self {
            Self::Bytes | Self::End => Ok(()),
            Self::Error(error) => Err(error::connection(error)),
            Self::WouldBlock => Err(ErrorKind::WouldBlock.into()),
        }
    }

    /// The answer, unless it is to wait.
    fn settled(self) -> Option<Self> {
        (self != Self::WouldBlock).then_some(self)
    }
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::WouldBlock => ErrorKind::WouldBlock.into(),
            Refused::BrokenPipe => ErrorKind::BrokenPipe.into(),
            Refused::Error(error) => error::connection(error),
        }
    }
}

impl Handle {
    /// Asks the receiving half for bytes, now or later.
    fn poll_rx(
        &self,
        cx: &mut Context<'_>,
        ask: impl FnOnce(&mut Rx) -> Read,
    ) -> Poll<io::Result<()>> {
        let mut rx = lock(&self.conn.rx);
        let read = ask(&mut rx);
        if read == Read::WouldBlock {
            rx.wakers.set_task(cx.waker());
            return Poll::Pending;
        }
        drop(rx);
        Poll::Ready(read.into_result())
    }

    /// Tells the driver that bytes were taken.
    fn took<const N: usize>(&self, batch: &Batch<N>) {
        if !batch.is_empty() {
            self.conn.ring(signal::READ);
        }
    }

    pub(crate) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let max = buf.remaining().min(COPIED);
        if max == 0 {
            return Poll::Ready(Ok(()));
        }
        let mut batch = Batch::<BATCH>::new();
        let polled = self.poll_rx(cx, |rx| rx.read(max, &mut batch));
        self.took(&batch);
        batch.iter().for_each(|chunk| buf.put_slice(chunk));
        polled
    }

    pub(crate) fn poll_peek(
        &self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        let max = buf.remaining();
        if max == 0 {
            return Poll::Ready(Ok(0));
        }
        let mut batch = Batch::new();
        self.poll_rx(cx, |rx| rx.peek(max, &mut batch))
            .map_ok(|()| {
                batch.iter().for_each(|chunk| buf.put_slice(chunk));
                max - buf.remaining()
            })
    }

    pub(crate) async fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let mut batch = Batch::new();
        let look = |rx: &mut Rx| rx.peek(buf.len(), &mut batch).settled();
        Waiter::new(&self.conn.rx).until(look).await.into_result()?;
        Ok(scatter(&batch, &mut [IoSliceMut::new(buf)]))
    }

    pub(crate) fn try_read(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let max: usize = bufs.iter().map(|buf| buf.len()).sum();
        if max == 0 {
            return Ok(0);
        }
        let mut batch = Batch::new();
        let read = lock(&self.conn.rx).read(max.min(COPIED), &mut batch);
        self.took(&batch);
        read.into_result()?;
        Ok(scatter(&batch, bufs))
    }

    pub(crate) async fn read_chunk(&self, max: usize) -> io::Result<Option<Bytes>> {
        if max == 0 {
            return Ok(Some(Bytes::new()));
        }
        let mut batch = Batch::<1>::new();
        let take = |rx: &mut Rx| rx.read(max, &mut batch).settled();
        Waiter::new(&self.conn.rx).until(take).await.into_result()?;
        self.took(&batch);
        Ok(batch.pop())
    }

    pub(crate) fn poll_read_chunk(
        &self,
        cx: &mut Context<'_>,
        max: usize,
    ) -> Poll<io::Result<Option<Bytes>>> {
        if max == 0 {
            return Poll::Ready(Ok(Some(Bytes::new())));
        }
        let mut batch = Batch::<1>::new();
        ready!(self.poll_rx(cx, |rx| rx.read(max, &mut batch)))?;
        self.took(&batch);
        Poll::Ready(Ok(batch.pop()))
    }

    pub(crate) fn poll_fill<'a>(
        &self,
        cx: &mut Context<'_>,
        view: &'a mut View,
    ) -> Poll<io::Result<&'a [u8]>> {
        let front = &mut **view.0.get_or_insert_default();
        ready!(self.poll_rx(cx, |rx| rx.front(front)))?;
        Poll::Ready(Ok(front))
    }

    pub(crate) fn consume(&self, view: &mut View, n: usize) {
        let Some(front) = view.0.as_deref_mut().filter(|_| n > 0) else {
            return;
        };
        // What was seen must not pin memory for longer than what is left of it.
        front.advance(n.min(front.len()));
        if front.is_empty() {
            *front = Bytes::new();
        }
        lock(&self.conn.rx).skip(n);
        self.conn.ring(signal::READ);
    }

    pub(crate) fn try_write(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let len: usize = bufs.iter().map(|buf| buf.len()).sum();
        if len == 0 {
            return Ok(0);
        }
        let mut tx = lock(&self.conn.tx);
        let written = if tx.joins(len) {
            tx.write_small(bufs, &self.conn.shard.blocks)?
        } else {
            // Copied outside the lock. If another writer is quicker, less is taken.
            let room = tx.writable()?;
            drop(tx);
            let block = self.conn.shard.blocks.copy(bufs, len.min(room));
            lock(&self.conn.tx).write_chunk(block)?
        };
        self.conn.ring(signal::WRITE);
        Ok(written)
    }

    /// Writes `head`, at most [`SMALL`] bytes, by copying it, and after it `chunk` as it lies, with
    /// nothing between them.
    pub(crate) fn try_write_with(&self, head: &[IoSlice<'_>], chunk: Bytes) -> io::Result<usize> {
        let len: usize = head.iter().map(|buf| buf.len()).sum();
        let mut tx = lock(&self.conn.tx);
        let mut written = tx.write_small(head, &self.conn.shard.blocks)?;
        if written == len {
            match tx.write_chunk(chunk) {
                Ok(taken) => written += taken,
                Err(refused) if written == 0 => return Err(refused.into()),
                Err(_) => {}
            }
        }
        drop(tx);
        self.conn.ring(signal::WRITE);
        Ok(written)
    }

    pub(crate) fn poll_write(
        &self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_until_written(cx, || self.try_write(bufs))
    }

    /// Tries until it does not have to wait.
    pub(crate) fn poll_until_written(
        &self,
        cx: &mut Context<'_>,
        mut write: impl FnMut() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            match write() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
            if self.poll_write_ready(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    pub(crate) async fn write_chunk(&self, chunk: &mut Bytes) -> io::Result<usize> {
        if chunk.is_empty() {
            return Ok(0);
        }
        let write = |tx: &mut Tx| match tx.write_chunk(chunk.clone()) {
            Err(Refused::WouldBlock) => None,
            done => Some(done),
        };
        let written = Waiter::new(&self.conn.tx).until(write).await?;
        self.conn.ring(signal::WRITE);
        drop(chunk.split_to(written));
        Ok(written)
    }

    pub(crate) fn poll_write_chunk(
        &self,
        cx: &mut Context<'_>,
        chunk: &mut Bytes,
    ) -> Poll<io::Result<usize>> {
        if chunk.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let written =
            ready!(self.poll_until_written(cx, || self.try_write_with(&[], chunk.clone())))?;
        drop(chunk.split_to(written));
        Poll::Ready(Ok(written))
    }

    /// Queues the FIN.
    pub(crate) fn shutdown(&self) {
        if lock(&self.conn.tx).shut() {
            self.conn.ring(signal::SHUTDOWN);
        }
    }

    pub(crate) async fn readable(&self) {
        Waiter::new(&self.conn.rx)
            .until(|rx| rx.is_ready().then_some(()))
            .await;
    }

    pub(crate) async fn writable(&self) {
        Waiter::new(&self.conn.tx)
            .until(|tx| tx.is_ready().then_some(()))
            .await;
    }

    /// Waits for any of the kinds of readiness in `interest`.
    pub(crate) async fn ready(&self, interest: Interest) -> Ready {
        let mut reader = Waiter::new(&self.conn.rx);
        let mut writer = Waiter::new(&self.conn.tx);
        let reads = interest.is_readable() || interest.is_error() || has_priority(interest);
        let writes = interest.is_writable() || interest.is_error();
        std::future::poll_fn(move |cx| {
            let mut ready = Ready::EMPTY;
            if reads && let Poll::Ready(side) = reader.poll(cx, |rx| read_side(rx, interest)) {
                ready |= side;
            }
            if writes && let Poll::Ready(side) = writer.poll(cx, |tx| write_side(tx, interest)) {
                ready |= side;
            }
            if ready.is_empty() {
                Poll::Pending
            } else {
                Poll::Ready(ready)
            }
        })
        .await
    }
}

fn read_side(rx: &mut Rx, interest: Interest) -> Option<Ready> {
    let mut ready = Ready::EMPTY;
    if interest.is_readable() && rx.is_ready() {
        ready |= Ready::READABLE;
        if rx.is_ended() {
            ready |= Ready::READ_CLOSED;
        }
    }
    if interest.is_error() && rx.has_failed() {
        ready |= Ready::ERROR;
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if interest.is_priority() && rx.urgent {
        ready |= Ready::PRIORITY;
    }
    (!ready.is_empty()).then_some(ready)
}

fn write_side(tx: &mut Tx, interest: Interest) -> Option<Ready> {
    let mut ready = Ready::EMPTY;
    if interest.is_writable() && tx.is_ready() {
        ready |= Ready::WRITABLE;
        if tx.is_closed() {
            ready |= Ready::WRITE_CLOSED;
        }
    }
    if interest.is_error() && tx.has_failed() {
        ready |= Ready::ERROR;
    }
    (!ready.is_empty()).then_some(ready)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn has_priority(interest: Interest) -> bool {
    interest.is_priority()
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn has_priority(_: Interest) -> bool {
    false
}

/// Copies `batch` into `bufs`, which have room for it, and returns its length.
fn scatter(batch: &Batch, bufs: &mut [IoSliceMut<'_>]) -> usize {
    let mut bufs = bufs.iter_mut();
    let mut room: &mut [u8] = &mut [];
    let mut copied = 0;
    for mut chunk in batch.iter().map(|chunk| &chunk[..]) {
        while !chunk.is_empty() {
            if room.is_empty() {
                let Some(next) = bufs.next() else {
                    return copied;
                };
                room = next;
                continue;
            }
            let n = chunk.len().min(room.len());
            let (filled, rest) = std::mem::take(&mut room).split_at_mut(n);
            filled.copy_from_slice(&chunk[..n]);
            (chunk, room) = (&chunk[n..], rest);
            copied += n;
        }
    }
    copied
}
