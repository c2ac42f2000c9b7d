use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use super::*;

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Gate {
    open: bool,
    wakers: Wakers,
}

impl Wait for Gate {
    fn wakers(&mut self) -> &mut Wakers {
        &mut self.wakers
    }
}

fn open(gate: &mut Gate) -> Option<()> {
    gate.open.then_some(())
}

#[test]
fn every_waiter_is_woken_once_and_a_dropped_one_not_at_all() {
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut cx = Context::from_waker(&waker);
    let gate = Mutex::new(Gate::default());
    let (mut one, mut two, mut three) =
        (Waiter::new(&gate), Waiter::new(&gate), Waiter::new(&gate));
    for waiter in [&mut one, &mut two, &mut three] {
        assert!(waiter.poll(&mut cx, open).is_pending());
        assert!(waiter.poll(&mut cx, open).is_pending());
    }
    lock(&gate).wakers.set_task(&waker);
    drop(three);

    let woken = lock(&gate).wakers.take();
    woken.wake();
    assert_eq!(count.0.load(Ordering::Relaxed), 3);

    // Woken in vain: waits again.
    assert!(one.poll(&mut cx, open).is_pending());
    lock(&gate).open = true;
    let woken = lock(&gate).wakers.take();
    woken.wake();
    assert_eq!(count.0.load(Ordering::Relaxed), 4);
    assert!(one.poll(&mut cx, open).is_ready());
    assert!(two.poll(&mut cx, open).is_ready());
}
