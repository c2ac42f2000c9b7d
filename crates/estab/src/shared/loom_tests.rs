//! A handle on one thread and a driver on another, in every order of events: no wake-up, no signal
//! and no byte is lost. Run with `RUSTFLAGS="--cfg estab_loom" cargo test -p estab --lib loom`.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::Poll;

use bytes::Bytes;
use loom::future::block_on;
use loom::thread;

use super::rx::{Batch, Read};
use super::*;
use crate::shard::Calls;

fn conn() -> Arc<Conn> {
    let endpoint = SocketAddr::from(([10, 0, 0, 1], 1));
    let tuple = FourTuple {
        local: endpoint,
        remote: endpoint,
    };
    let shards = Shard::all(1, &TcpConfig::default());
    let shard = Arc::clone(&shards[0]);
    shard.hold();
    let config = Arc::clone(&shard.tcp);
    Arc::new(Conn::new(ConnId::default(), tuple, shard, config))
}

/// A driver that answers until it was told of `until`, and returns how many calls it took.
fn drive(conn: &Conn, until: u8, mut answer: impl FnMut(u8)) {
    let mut told = 0;
    block_on(poll_fn(|cx| {
        let mut calls = Calls::default();
        conn.shard.bell.answer(cx.waker(), &mut calls);
        for _ in calls.rung {
            let signals = conn.take_signals();
            answer(signals);
            told |= signals;
        }
        if told & until == until {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }));
}

#[test]
fn loom_every_signal_reaches_the_driver() {
    loom::model(|| {
        let conn = conn();
        let other = Arc::clone(&conn);
        let ringing = thread::spawn(move || {
            other.ring(signal::READ);
            other.ring(signal::WRITE);
        });
        drive(&conn, signal::READ | signal::WRITE, |_| {});
        ringing.join().unwrap();
    });
}

#[test]
fn loom_what_was_written_is_taken_before_the_handle_is_released() {
    loom::model(|| {
        let conn = conn();
        {
            let mut tx = lock(&conn.tx);
            tx.open();
            tx.set_room(100);
        }
        let handle = Handle {
            conn: Arc::clone(&conn),
        };
        let writing = thread::spawn(move || {
            assert_eq!(lock(&handle.conn.tx).write_chunk(Bytes::from("x")), Ok(1));
            handle.conn.ring(signal::WRITE);
            drop(handle);
        });
        let mut taken = 0;
        drive(&conn, signal::RELEASE, |_| {
            taken += lock(&conn.tx).take(Chunks::new()).len();
        });
        assert_eq!(taken, 1);
        writing.join().unwrap();
    });
}

#[test]
fn loom_a_reader_is_woken_for_what_the_driver_received() {
    loom::model(|| {
        let conn = conn();
        let other = Arc::clone(&conn);
        let receiving = thread::spawn(move || {
            let mut rx = lock(&other.rx);
            rx.extend([Bytes::from("x")].into_iter(), Chunks::new);
            let readers = rx.wakers.take();
            drop(rx);
            readers.wake();
            other.end(None);
        });
        let mut received = 0;
        loop {
            let mut batch = Batch::<16>::new();
            let read = block_on(Waiter::new(&conn.rx).until(|rx| {
                Some(rx.read(10, &mut batch)).filter(|read| *read != Read::WouldBlock)
            }));
            if read == Read::End {
                break;
            }
            received += batch.len();
        }
        assert_eq!(received, 1);
        receiving.join().unwrap();
    });
}

#[test]
fn loom_a_writer_is_woken_when_there_is_room() {
    loom::model(|| {
        let conn = conn();
        lock(&conn.tx).open();
        let other = Arc::clone(&conn);
        let acknowledged = thread::spawn(move || {
            let mut tx = lock(&other.tx);
            tx.set_room(1);
            let writers = tx.wakers.take();
            drop(tx);
            writers.wake();
        });
        block_on(Waiter::new(&conn.tx).until(|tx| tx.is_ready().then_some(())));
        assert_eq!(lock(&conn.tx).write_chunk(Bytes::from("xx")), Ok(1));
        acknowledged.join().unwrap();
    });
}
