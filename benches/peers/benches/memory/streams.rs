//! estab with its drivers: streams over a link in memory that carries packets no larger than its MTU,
//! with checksums. The drivers cut and join segments themselves.

use bytes::Bytes;
use estab::Stack;
use estab::device::{Link, LinkConfig};
use estab::tcp::TcpStream;
use tokio::runtime::{Builder, Runtime};

use crate::{Terms, Transfer};

/// Bytes that the application gives at a time.
const BLOCK: u64 = 64 << 10;

/// Two stacks and their applications on one thread.
pub(crate) fn transfer(terms: Terms) -> Transfer {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let (from, to) = runtime.block_on(connect(terms));
    Box::new(move |bytes| run(&runtime, &from, &to, bytes))
}

async fn connect(terms: Terms) -> (TcpStream, TcpStream) {
    let mut config = LinkConfig::default();
    config.mtu = terms.mtu as u32;
    let (left, right) = Link::pair_with(config);
    let left = Stack::builder().addr("10.0.0.1/24").build(left);
    let right = Stack::builder().addr("10.0.0.2/24").build(right);
    let (left, right) = (left.expect("a stack"), right.expect("a stack"));
    let listener = right.listen("10.0.0.2:80").await.expect("a free port");
    let from = left.connect("10.0.0.2:80").await.expect("a connection");
    let (to, _) = listener.accept().await.expect("a connection");
    (from, to)
}

fn run(runtime: &Runtime, from: &TcpStream, to: &TcpStream, bytes: u64) {
    let block = Bytes::from(vec![7; BLOCK as usize]);
    let send = async {
        for _ in 0..bytes / BLOCK {
            let mut left = block.clone();
            while !left.is_empty() {
                from.write_chunk(&mut left).await.expect("a connection");
            }
        }
    };
    let receive = async {
        let mut left = bytes / BLOCK * BLOCK;
        while left > 0 {
            let chunk = to.read_chunk(usize::MAX).await.expect("a connection");
            left -= chunk.expect("not the end").len() as u64;
        }
    };
    runtime.block_on(async { tokio::join!(send, receive) });
}
