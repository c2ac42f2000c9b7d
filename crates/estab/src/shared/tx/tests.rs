use super::*;

fn open(room: usize) -> Tx {
    let mut tx = Tx::default();
    tx.open();
    tx.set_room(room);
    tx
}

fn slices(text: &str) -> [IoSlice<'_>; 2] {
    let (a, b) = text.as_bytes().split_at(text.len() / 2);
    [IoSlice::new(a), IoSlice::new(b)]
}

fn write(tx: &mut Tx, text: &str) -> Result<usize, Refused> {
    tx.write_small(&slices(text), &Blocks::default())
}

#[test]
fn writes_keep_their_order_and_stop_at_the_room() {
    let mut tx = open(10);
    assert_eq!(write(&mut tx, "abc"), Ok(3));
    assert_eq!(write(&mut tx, "de"), Ok(2));
    assert_eq!(tx.write_chunk(Bytes::from_static(b"fgh")), Ok(3));
    assert_eq!(write(&mut tx, "ijkl"), Ok(2));
    assert_eq!(write(&mut tx, "m"), Err(Refused::WouldBlock));
    assert!(!tx.is_ready());

    let chunks = tx.take(Chunks::new());
    assert_eq!(
        chunks.iter().map(|chunk| &chunk[..]).collect::<Vec<_>>(),
        [&b"abcde"[..], b"fgh", b"ij"]
    );
    assert!(tx.is_drained());
    tx.set_room(3);
    assert_eq!(tx.write_chunk(Bytes::from_static(b"klmn")), Ok(3));
}

#[test]
fn the_memory_of_little_serves_again() {
    let mut tx = open(1000);
    write(&mut tx, "ping").unwrap();
    let place = tx.tail.as_ptr();
    assert_eq!(tx.take_little().as_deref(), Some(&b"ping"[..]));
    assert!(tx.is_drained() && tx.take_little().is_none());
    assert_eq!(tx.rest().capacity(), 0);
    write(&mut tx, "pong").unwrap();
    assert_eq!(tx.tail.as_ptr(), place);
    // Much is not copied, nor what follows something.
    write(&mut tx, &"x".repeat(LITTLE)).unwrap();
    assert_eq!(tx.take_little(), None);
    assert_eq!(tx.take(Chunks::new()).len(), 1);
    tx.write_chunk(Bytes::from_static(b"chunk")).unwrap();
    write(&mut tx, "x").unwrap();
    assert_eq!(tx.take_little(), None);
    assert!(tx.joins(TINY) && !tx.joins(TINY + 1));
}

#[test]
fn what_the_stack_had_no_room_for_goes_first_again() {
    let mut tx = open(100);
    write(&mut tx, "first").unwrap();
    let taken = tx.take(Chunks::new());
    write(&mut tx, "second").unwrap();
    let _ = tx.put_back(taken);
    tx.set_room(20);
    assert_eq!(tx.writable(), Ok(9));
    assert_eq!(
        tx.take(Chunks::new())
            .iter()
            .flatten()
            .copied()
            .collect::<Vec<_>>(),
        b"firstsecond"
    );
}

#[test]
fn after_the_end_the_error_comes_once_then_a_broken_pipe() {
    let mut tx = open(10);
    assert!(tx.shut());
    assert!(!tx.shut());
    assert_eq!(tx.writable(), Err(Refused::BrokenPipe));
    tx.end(Some(ConnectionError::Reset));
    tx.end(None);
    assert_eq!(tx.writable(), Err(Refused::Error(ConnectionError::Reset)));
    assert_eq!(tx.writable(), Err(Refused::BrokenPipe));
    assert!(tx.is_ready());
}

#[test]
fn nothing_is_written_before_the_handshake_ends() {
    let mut tx = Tx::default();
    tx.set_room(10);
    assert_eq!(tx.writable(), Err(Refused::WouldBlock));
    assert_eq!(tx.outcome(), None);
    let mut refused = Tx::default();
    refused.end(Some(ConnectionError::Refused));
    assert_eq!(refused.outcome(), Some(Err(ConnectionError::Refused)));
    tx.open();
    assert_eq!(tx.outcome(), Some(Ok(())));
    // What comes after does not undo it.
    tx.end(Some(ConnectionError::Reset));
    assert_eq!(tx.outcome(), Some(Ok(())));
    assert_eq!(tx.writable(), Err(Refused::Error(ConnectionError::Reset)));
}

#[test]
fn who_waits_is_told_once_and_writes_his_share() {
    let mut tx = open(100);
    assert!(!tx.is_awaited());
    tx.wakers.set_task(std::task::Waker::noop());
    assert!(tx.is_awaited());
    assert!(tx.may_soon_write());
    assert!(!tx.may_soon_write(), "he is in line already");
    let (bytes, woken) = tx.let_write(30);
    woken.wake();
    assert_eq!(bytes, 30);
    assert_eq!(tx.writable(), Ok(30));
    assert!(tx.may_soon_write() && !tx.is_awaited());
    let (bytes, woken) = tx.let_write(1000);
    woken.wake();
    assert_eq!(bytes, 30);
}

#[test]
fn small_writes_lie_in_blocks_that_are_used_again() {
    let blocks = Blocks::default();
    let mut tx = open(usize::MAX);
    let mut places = Vec::new();
    for round in 0..3 {
        let text = "x".repeat(700);
        for _ in 0..3 {
            tx.write_small(&slices(&text), &blocks).unwrap();
        }
        let taken = tx.take(Chunks::new());
        assert_eq!(taken.iter().map(Bytes::len).sum::<usize>(), 2100, "{round}");
        places.push(taken[0].as_ptr());
    }
    assert_eq!(places[1], places[2]);
}
