use super::*;

fn pool() -> Pool {
    Pool {
        size: 1000,
        lent: Vec::new(),
    }
}

#[test]
fn a_buffer_comes_back_when_its_last_slice_is_gone() {
    let mut pool = pool();
    let buffer = pool.get();
    let place = buffer.as_ptr();
    let packet = pool.lend(buffer, 600);
    let text = packet.slice(40..);
    drop(packet);
    let other = pool.get();
    assert_ne!(other.as_ptr(), place, "in use");
    drop(text);
    let buffer = pool.get();
    assert_eq!((buffer.as_ptr(), buffer.len()), (place, 1000));
}

#[test]
fn it_keeps_only_so_many() {
    let mut pool = pool();
    let packets: Vec<_> = (0..2 * POOL)
        .map(|_| {
            let buffer = pool.get();
            pool.lend(buffer, 600)
        })
        .collect();
    assert_eq!(packets.len(), 2 * POOL);
    assert_eq!(pool.lent.len(), POOL);
    drop(packets);
    assert!(pool.lent.iter().all(Bytes::is_unique));
}
