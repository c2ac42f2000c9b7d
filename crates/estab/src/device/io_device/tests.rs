use std::io::IoSlice;

use futures::task::{noop_waker, noop_waker_ref};
use tokio::io::{empty, join};

use super::*;

/// Takes at most `limit` bytes of each write, and remembers each write.
struct Writes {
    writes: Vec<Vec<u8>>,
    limit: usize,
}

impl AsyncWrite for Writes {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let n = buf.len().min(self.limit);
        self.writes.push(buf[..n].to_vec());
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn a_packet_in_pieces_is_one_write_and_a_short_write_a_drop() {
    let writes = Writes {
        writes: Vec::new(),
        limit: 6,
    };
    let mut device = PacketIo::new(join(empty(), writes), 1500);
    let mut cx = Context::from_waker(noop_waker_ref());
    for pieces in [["abc", "def"], ["toolong", "!"]] {
        let slices = pieces.map(|piece| IoSlice::new(piece.as_bytes()));
        assert!(matches!(
            device.poll_send(&mut cx, &Packet::new(&slices)),
            Poll::Ready(Ok(()))
        ));
    }
    assert_eq!(device.dropped(), 1);
    assert_eq!(
        device.into_inner().into_inner().1.writes,
        [b"abcdef", b"toolon"]
    );
}

#[test]
fn an_empty_read_is_the_end() {
    let mut device = PacketIo::new(join(empty(), tokio::io::sink()), 1500);
    let end = device.poll_recv(&mut Context::from_waker(&noop_waker()), &mut [0; 10]);
    assert!(matches!(end, Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof));
}
