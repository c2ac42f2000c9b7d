//! Every public type and future: may it move between threads, be shared, be moved while polled?
//! A change here is a breaking change.

use std::io::{IoSlice, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use estab::config::TcpConfig;
use estab::device::{
    Caps, Device, Link, LinkConfig, Packet, PacketIo, PacketStream, Received, Tap,
};
use estab::tcp::{
    Chunks, Connections, Lender, OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf,
};
use estab::{
    Driver, Incoming, IncomingListener, ListenConfig, Stack, StackBuilder, StackGone, TcpListener,
    TcpSocket, TcpStream,
};
use tokio::io::Interest;

fn require_send<T: Send>(_: &T) {}
fn require_sync<T: Sync>(_: &T) {}
fn require_unpin<T: Unpin>(_: &T) {}

trait AmbiguousIfUnpin<A> {
    fn some_item(&self) {}
}
impl<T: ?Sized> AmbiguousIfUnpin<()> for T {}
impl<T: ?Sized + Unpin> AmbiguousIfUnpin<[u8; 0]> for T {}

fn make<T>() -> T {
    unreachable!("only its type is of interest")
}

/// The type is `Send`, `Sync` and `Unpin`.
macro_rules! value {
    ($($type:ty),* $(,)?) => {
        $(
            #[allow(unreachable_code)]
            let _ = || {
                let value: $type = make();
                require_send(&value);
                require_sync(&value);
                require_unpin(&value);
            };
        )*
    };
}

/// The future of an async call is `Send` and `Sync`, and not `Unpin`.
macro_rules! future {
    ($($on:ty, $name:ident => $call:expr);* $(;)?) => {
        $(
            #[allow(unreachable_code, unused_variables, unused_mut)]
            let _ = || {
                let mut $name: $on = make();
                let future = $call;
                require_send(&future);
                require_sync(&future);
                AmbiguousIfUnpin::some_item(&future);
            };
        )*
    };
}

#[test]
fn values() {
    value!(
        Stack,
        StackBuilder,
        StackGone,
        TcpStream,
        TcpListener,
        TcpSocket
    );
    value!(Incoming, IncomingListener, Connections<'_>);
    value!(
        ReadHalf<'_>,
        WriteHalf<'_>,
        OwnedReadHalf,
        OwnedWriteHalf,
        ReuniteError,
        Chunks,
        Lender
    );
    value!(Link, LinkConfig, Caps, Received, Packet<'_>);
    value!(PacketIo<tokio::net::UnixStream>, Tap<Link, Vec<u8>>);
    #[cfg(target_os = "linux")]
    value!(estab::device::TunBuilder);
}

/// Devices and the driver move between threads, but belong to one at a time.
#[test]
fn driver() {
    fn check<D: Device + 'static>() {
        #[allow(unreachable_code)]
        let _ = || {
            let driver: Driver<D> = make();
            require_send(&driver);
            AmbiguousIfUnpin::some_item(&driver);
        };
    }
    check::<Link>();
    check::<Box<dyn Device>>();
    check::<Tap<Link, Vec<u8>>>();
    type Channel = futures::channel::mpsc::Receiver<std::io::Result<Bytes>>;
    check::<PacketStream<Channel, futures::channel::mpsc::Sender<Bytes>>>();
    #[cfg(target_os = "linux")]
    check::<estab::device::TunDevice>();
}

#[test]
fn stack_futures() {
    future! {
        Stack, s => s.connect("10.0.0.1:1");
        Stack, s => s.connect(make::<SocketAddr>());
        Stack, s => s.listen("10.0.0.1:1");
        Stack, s => s.stats();
        Stack, s => s.counts();
        Stack, s => s.device_stats();
        Stack, s => s.add_addr("10.0.0.1/24");
        Stack, s => s.remove_addr(make::<IpAddr>());
        Stack, s => s.shutdown();
        Stack, s => s.closed();
        Stack, s => TcpStream::connect(&s, "10.0.0.1:1");
        Stack, s => TcpListener::bind(&s, "10.0.0.1:1");
        Stack, s => TcpListener::bind_any(&s);
        Stack, s => TcpListener::bind_with(&s, make::<ListenConfig>());
        Stack, s => IncomingListener::bind(&s, "10.0.0.1:1");
        Stack, s => IncomingListener::bind_any(&s);
        Stack, s => IncomingListener::bind_with(&s, make::<ListenConfig>());
        TcpSocket, s => s.connect(make::<SocketAddr>());
        TcpSocket, s => s.listen(1);
        TcpListener, l => l.accept();
        IncomingListener, l => l.next();
        Incoming, i => i.accept();
    }
}

#[test]
fn stream_futures() {
    future! {
        TcpStream, s => s.peek(make::<&mut [u8]>());
        TcpStream, s => s.ready(Interest::READABLE);
        TcpStream, s => s.readable();
        TcpStream, s => s.writable();
        TcpStream, s => s.info();
        TcpStream, s => s.read_chunk(1);
        TcpStream, s => s.write_chunk(make::<&mut Bytes>());
        TcpStream, s => s.send_urgent(make::<&[u8]>());
        TcpStream, s => s.urgent();
        OwnedReadHalf, s => s.peek(make::<&mut [u8]>());
        OwnedReadHalf, s => s.read_chunk(1);
        OwnedWriteHalf, s => s.write_chunk(make::<&mut Bytes>());
        OwnedReadHalf, s => s.ready(Interest::READABLE);
        OwnedReadHalf, s => s.readable();
        OwnedWriteHalf, s => s.ready(Interest::WRITABLE);
        OwnedWriteHalf, s => s.writable();
    }
}

/// The methods of tokio's types, with tokio's signatures: this compiles, or parity is lost.
#[test]
fn tokio_parity() {
    #[allow(unreachable_code)]
    let _ = |stream: TcpStream, socket: TcpSocket, listener: TcpListener| async move {
        let _: SocketAddr = stream.local_addr()?;
        let _: SocketAddr = stream.peer_addr()?;
        let _: Option<std::io::Error> = stream.take_error()?;
        let _: usize = stream.try_read(make::<&mut [u8]>())?;
        let _: usize = stream.try_read_vectored(make::<&mut [IoSliceMut<'_>]>())?;
        let _: usize = stream.try_write(make::<&[u8]>())?;
        let _: usize = stream.try_write_vectored(make::<&[IoSlice<'_>]>())?;
        let _: bool = stream.nodelay()?;
        stream.set_nodelay(true)?;
        let _: Option<Duration> = stream.linger()?;
        stream.set_linger(None)?;
        stream.set_zero_linger()?;
        let _: u32 = stream.ttl()?;
        stream.set_ttl(1)?;
        socket.bind(make::<SocketAddr>())?;
        let _: bool = socket.keepalive()?;
        socket.set_keepalive(true)?;
        socket.set_nodelay(true)?;
        let _: u32 = socket.send_buffer_size()?;
        socket.set_send_buffer_size(1)?;
        let _: u32 = socket.recv_buffer_size()?;
        socket.set_recv_buffer_size(1)?;
        socket.set_linger(None)?;
        let _: u32 = socket.tos()?;
        socket.set_tos(0)?;
        socket.set_config(make::<TcpConfig>());
        let _: TcpListener = socket.listen(1).await?;
        let _: u32 = listener.ttl()?;
        listener.set_ttl(1)?;
        let _: (TcpStream, SocketAddr) = listener.accept().await?;
        std::io::Result::Ok(())
    };
}
