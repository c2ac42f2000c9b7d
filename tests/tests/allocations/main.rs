//! What a bulk transfer over a TUN allocates once it runs: nothing for a segment, whether it goes or
//! comes, and no block for most of the bytes. What is left are short tables for a burst, which a
//! connection gives back when it has nothing in hand.
//!
//! Only the thread of the stack and of its application is counted; the kernel's sockets have threads
//! of their own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use allocation_counter::{AllocationInfo, measure};
use estab_netns::isolated;
use estab_tests::kernel::{self, KERNEL, socket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

/// Bytes moved before anything is counted, and while it is.
const LEN: u64 = 64 << 20;

const BLOCK: usize = 256 << 10;

/// Allocations that are too many: one in sixteen segments.
const TOO_MANY: u64 = LEN / 1448 / 16;

/// Bytes allocated that are too many: most of what is moved lies in memory used again. Only what is
/// read in packets of less than half a buffer is copied to blocks of the connection's own.
const TOO_MUCH: u64 = LEN / 2;

fn check(counted: &AllocationInfo) {
    let AllocationInfo {
        count_total,
        bytes_total,
        ..
    } = *counted;
    assert!(
        count_total < TOO_MANY && bytes_total < TOO_MUCH,
        "{counted:?}"
    );
}

/// A connection to a socket of the kernel's, which goes to `serve`.
fn connection(
    runtime: &Runtime,
    serve: impl FnOnce(TcpStream) + Send + 'static,
) -> (estab::Stack, estab::TcpStream) {
    let socket = socket(SocketAddr::new(KERNEL[0], 0)).unwrap();
    socket.set_nonblocking(false).unwrap();
    runtime.block_on(async {
        let stack = kernel::stack().await;
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

#[test]
fn sending_allocates_nothing_for_a_segment() {
    isolated(|| {
        let [(_, one), _] = kernel::runtimes();
        let (_stack, mut stream) = connection(&one, |mut peer| {
            let mut block = vec![0; BLOCK];
            while peer.read(&mut block).is_ok_and(|n| n > 0) {}
        });
        let block = vec![7; BLOCK];
        one.block_on(write(&mut stream, &block));
        let counted = measure(|| one.block_on(write(&mut stream, &block)));
        check(&counted);
    });
}

#[test]
fn receiving_allocates_nothing_for_a_segment() {
    isolated(|| {
        let [(_, one), _] = kernel::runtimes();
        let (_stack, mut stream) = connection(&one, |mut peer| {
            let block = vec![7; BLOCK];
            while peer.write_all(&block).is_ok() {}
        });
        let mut block = vec![0; BLOCK];
        one.block_on(read(&mut stream, &mut block));
        let counted = measure(|| one.block_on(read(&mut stream, &mut block)));
        check(&counted);
    });
}
