//! Handles on one thread and drivers on others, in every order of events: no wake-up, no signal and
//! no byte is lost. Run with `RUSTFLAGS="--cfg estab_loom" cargo test --release -p estab --lib loom`.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::Poll;

use bytes::Bytes;
use estab_proto::{IncomingId, ListenerId};
use loom::future::block_on;
use loom::thread;

use super::accept::{Acceptor, Attempt, Entry};
use super::rx::{Batch, Read};
use super::*;
use crate::shard::{Calls, Command};

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

/// Tries the orders in which a thread is interrupted twice at most: all of them are too many where
/// much happens, and what can be lost is lost in these.
fn bounded(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(model);
}

/// The driver takes what is written as it comes, and wakes only who waits.
#[test]
fn loom_a_writer_gets_on_with_room_for_a_byte_at_a_time() {
    bounded(|| {
        let conn = conn();
        {
            let mut tx = lock(&conn.tx);
            tx.open();
            tx.set_room(1);
        }
        let handle = Handle {
            conn: Arc::clone(&conn),
        };
        let writing = thread::spawn(move || {
            for _ in 0..2 {
                let conn = &handle.conn;
                block_on(Waiter::new(&conn.tx).until(|tx| tx.is_ready().then_some(())));
                assert_eq!(lock(&conn.tx).write_chunk(Bytes::from("xx")), Ok(1));
                conn.ring(signal::WRITE);
            }
            drop(handle);
        });
        let mut taken = 0;
        drive(&conn, signal::RELEASE, |_| {
            let mut tx = lock(&conn.tx);
            taken += tx.take(Chunks::new()).len();
            tx.set_room(0);
            drop(tx);
            // Acknowledged.
            let mut tx = lock(&conn.tx);
            tx.set_room(1);
            let writers = (!tx.wakers.is_empty()).then(|| tx.wakers.take());
            drop(tx);
            writers.into_iter().for_each(|writers| writers.wake());
        });
        assert_eq!(taken, 2);
        writing.join().unwrap();
    });
}

/// Two drivers have an attempt each, and one task takes both.
#[test]
fn loom_whoever_accepts_gets_what_every_shard_has() {
    bounded(|| {
        let shards = Shard::all(2, &TcpConfig::default());
        let config = Arc::clone(&shards[0].tcp);
        let acceptor = Arc::new(Acceptor::<Attempt>::new(Arc::clone(&shards), config));
        for shard in 0..2 {
            Attempt::listening(Arc::clone(&acceptor)).set_id(shard, ListenerId::default());
        }
        let offering = [0, 1].map(|shard| {
            let acceptor = Arc::clone(&acceptor);
            thread::spawn(move || offer(&acceptor, shard))
        });
        let mut got = [0; 2];
        for _ in 0..2 {
            let attempt = block_on(acceptor.next()).expect("nobody ends the listener");
            got[attempt.shard] += 1;
        }
        assert_eq!(got, [1, 1]);
        offering.into_iter().for_each(|it| it.join().unwrap());
    });
}

/// A driver that has an attempt, and runs until somebody has taken it.
fn offer(acceptor: &Acceptor<Attempt>, shard: usize) {
    let endpoint = SocketAddr::from(([10, 0, 0, 1], 1));
    let mut attempt = Some(Attempt {
        shard,
        id: IncomingId::default(),
        tuple: FourTuple {
            local: endpoint,
            remote: endpoint,
        },
    });
    assert!(acceptor.serve(shard, || attempt.take()).is_empty());
    block_on(poll_fn(|cx| {
        let mut calls = Calls::default();
        acceptor.shards[shard].bell.answer(cx.waker(), &mut calls);
        for command in calls.commands {
            assert!(matches!(command, Command::Serve(_)));
            assert!(acceptor.serve(shard, || attempt.take()).is_empty());
        }
        match attempt {
            Some(_) => Poll::Pending,
            None => Poll::Ready(()),
        }
    }));
}
