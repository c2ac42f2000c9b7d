//! What a connection over a TUN allocates once it runs: nothing for a segment, a super-segment, a read
//! or a write, whether bytes go or come, with offload and without. What is left, however much goes or
//! comes, is a table that grows now and then, or a block more, because more was on its way at once than
//! ever before, and a few bytes between large writes.
//!
//! Only the thread of the stack and of its application is counted; the kernel's sockets have threads
//! of their own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use allocation_counter::measure;
use estab::Stack;
use estab::device::TunDevice;
use estab_netns::isolated;
use estab_tests::kernel::{self, KERNEL, OURS, socket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

/// Bytes moved before anything is counted, and while it is.
const LEN: u64 = 64 << 20;

const BLOCK: usize = 256 << 10;

/// Echoes before anything is counted, and while it is.
const ECHOES: u64 = 5_000;

/// Bytes allocated that are too many: what is moved lies in memory used again.
const TOO_MUCH: u64 = LEN / 8;

/// Allocations of tables that grow, of single blocks, and of the call that runs it all, at most.
const TABLES: u64 = 32;

/// Counts what `work` allocates in the second of two runs.
fn check(too_many: u64, mut work: impl FnMut()) {
    work();
    let counted = measure(work);
    println!(
        "{} allocations, {} bytes",
        counted.count_total, counted.bytes_total
    );
    assert!(counted.count_total < too_many, "{counted:?}");
    assert!(counted.bytes_total < TOO_MUCH, "{counted:?}");
}

/// A connection to a socket of the kernel's, which goes to `serve`.
fn connection(
    runtime: &Runtime,
    offload: bool,
    serve: impl FnOnce(TcpStream) + Send + 'static,
) -> (Stack, estab::TcpStream) {
    let socket = socket(SocketAddr::new(KERNEL[0], 0)).unwrap();
    socket.set_nonblocking(false).unwrap();
    runtime.block_on(async {
        let tun = TunDevice::builder().addr((KERNEL[0], 24)).offload(offload);
        let tun = tun.build().await.unwrap();
        let stack = Stack::builder().addr((OURS[0], 24)).build(tun).unwrap();
        socket.bind(&SocketAddr::new(KERNEL[0], 0).into()).unwrap();
        socket.listen(1).unwrap();
        let listener = TcpListener::from(socket);
        let addr = listener.local_addr().unwrap();
        thread::spawn(move || serve(listener.accept().unwrap().0));
        let stream = stack.connect(addr).await.unwrap();
        (stack, stream)
    })
}

async fn write(stream: &mut estab::TcpStream, block: &[u8]) {
    for _ in 0..LEN / BLOCK as u64 {
        stream.write_all(block).await.unwrap();
    }
}

async fn read(stream: &mut estab::TcpStream, block: &mut [u8]) {
    let mut left = LEN;
    while left > 0 {
        let n = stream.read(block).await.unwrap();
        assert_ne!(n, 0);
        left = left.saturating_sub(n as u64);
    }
}

fn sends(offload: bool) {
    isolated(|| {
        let [(_, one), _] = kernel::runtimes();
        let (_stack, mut stream) = connection(&one, offload, |mut peer| {
            let mut block = vec![0; BLOCK];
            while peer.read(&mut block).is_ok_and(|n| n > 0) {}
        });
        let block = vec![7; BLOCK];
        check(TABLES, || one.block_on(write(&mut stream, &block)));
    });
}

fn receives(offload: bool) {
    isolated(|| {
        let [(_, one), _] = kernel::runtimes();
        let (_stack, mut stream) = connection(&one, offload, |mut peer| {
            let block = vec![7; BLOCK];
            while peer.write_all(&block).is_ok() {}
        });
        let mut block = vec![0; BLOCK];
        check(TABLES, || one.block_on(read(&mut stream, &mut block)));
    });
}

#[test]
fn sending_allocates_nothing_for_a_segment() {
    sends(true);
}

#[test]
fn sending_without_offload_allocates_nothing_for_a_segment() {
    sends(false);
}

#[test]
fn receiving_allocates_nothing() {
    receives(true);
}

#[test]
fn receiving_without_offload_allocates_nothing() {
    receives(false);
}

#[test]
fn an_echo_allocates_nothing() {
    isolated(|| {
        let [(_, one), _] = kernel::runtimes();
        let (_stack, mut stream) = connection(&one, true, |mut peer| {
            peer.set_nodelay(true).unwrap();
            let mut byte = [7];
            while peer.write_all(&byte).is_ok() && peer.read_exact(&mut byte).is_ok() {}
        });
        let echo = async |stream: &mut estab::TcpStream| {
            let mut byte = [0];
            for _ in 0..ECHOES {
                stream.read_exact(&mut byte).await.unwrap();
                stream.write_all(&byte).await.unwrap();
            }
        };
        check(TABLES, || one.block_on(echo(&mut stream)));
    });
}
