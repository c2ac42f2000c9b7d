use super::*;

fn read(rx: &mut Rx, max: usize) -> Result<Vec<u8>, Read> {
    let mut batch = Batch::<BATCH>::new();
    match rx.read(max, &mut batch) {
        Read::Bytes => Ok(batch.concat()),
        other => Err(other),
    }
}

fn peek(rx: &mut Rx, max: usize) -> Result<Vec<u8>, Read> {
    let mut batch = Batch::new();
    match rx.peek(max, &mut batch) {
        Read::Bytes => Ok(batch.concat()),
        other => Err(other),
    }
}

#[test]
fn bytes_come_in_order_and_are_counted_once() {
    let mut rx = Rx::default();
    assert_eq!(read(&mut rx, 10), Err(Read::WouldBlock));
    rx.extend(
        ["abc", "", "defg", "h"].into_iter().map(Bytes::from),
        Chunks::new,
    );
    assert_eq!(peek(&mut rx, 4).unwrap(), b"abcd");
    assert_eq!(read(&mut rx, 4).unwrap(), b"abcd");
    assert_eq!(rx.take_consumed().0, 4);
    assert_eq!(peek(&mut rx, 100).unwrap(), b"efgh");
    assert_eq!(read(&mut rx, 100).unwrap(), b"efgh");
    assert_eq!(rx.take_consumed().0, 4);
    assert_eq!(rx.take_consumed().0, 0);
    assert_eq!(read(&mut rx, 1), Err(Read::WouldBlock));
}

#[test]
fn one_read_takes_a_bounded_number_of_chunks() {
    let mut rx = Rx::default();
    rx.extend((0..BATCH + 1).map(|_| Bytes::from("x")), Chunks::new);
    assert_eq!(read(&mut rx, 100).unwrap().len(), BATCH);
    assert_eq!(read(&mut rx, 100).unwrap().len(), 1);
}

#[test]
fn the_error_follows_the_bytes_and_is_reported_once() {
    let mut rx = Rx::default();
    rx.extend([Bytes::from("last words")].into_iter(), Chunks::new);
    rx.end(Some(ConnectionError::Reset));
    rx.end(None);
    assert!(rx.is_ready() && rx.has_failed());
    assert_eq!(read(&mut rx, 100).unwrap(), b"last words");
    assert_eq!(peek(&mut rx, 1), Err(Read::Error(ConnectionError::Reset)));
    assert_eq!(read(&mut rx, 1), Err(Read::End));
    assert_eq!(rx.take_error(), None);
}

#[test]
fn nothing_is_left_of_what_was_discarded() {
    let mut rx = Rx::default();
    rx.extend([Bytes::from("unread")].into_iter(), Chunks::new);
    rx.discard();
    assert!(!rx.is_ready());
    rx.end(None);
    assert!(rx.is_ready());
    assert_eq!(read(&mut rx, 1), Err(Read::End));
}
