//! The timing wheel beside what else keeps timers: tokio's `DelayQueue`, and a `BinaryHeap` that
//! forgets lazily.
//!
//! Each holds 1 k, 100 k or 1 M timers spread over a minute. A sample does a hundred operations:
//!
//! - `arm`: a new timer, somewhere in the minute;
//! - `re-arm`: a random timer moves somewhere else in the minute;
//! - `cancel`: a random timer goes away;
//! - `expire`: the time moves on to where a hundred are due, and they are taken out.
//!
//! The contenders do not promise the same: the wheel is exact to the nanosecond, the heap too, the
//! queue rounds up to milliseconds. Moving the queue's clock is not counted.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use criterion::measurement::{Measurement, WallTime};
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use estab_timer::{Instant, TimerKey, Wheel};
use tokio::runtime::{Builder, Runtime};
use tokio_util::time::DelayQueue;
use tokio_util::time::delay_queue::Key;

/// Operations in a sample.
const BATCH: usize = 100;

/// What the timers are spread over.
const SPAN: Duration = Duration::from_secs(60);

/// A set of timers that carry a number. Times count from the start.
trait Timers {
    const NAME: &str;
    type Key: Copy;

    fn new(clock: &Rc<Runtime>) -> Self;
    fn arm(&mut self, at: Duration, value: u32) -> Self::Key;
    fn re_arm(&mut self, key: Self::Key, at: Duration);
    fn cancel(&mut self, key: Self::Key);
    /// Moves the clock, if there is one.
    fn advance(&mut self, _by: Duration) {}
    /// Takes out what is due, by `now`.
    fn expire(&mut self, now: Duration, expired: &mut Vec<u32>);
}

impl Timers for Wheel<u32> {
    const NAME: &str = "wheel";
    type Key = TimerKey;

    fn new(_: &Rc<Runtime>) -> Self {
        Wheel::new(Instant::ZERO)
    }

    fn arm(&mut self, at: Duration, value: u32) -> TimerKey {
        self.insert(Instant::ZERO + at, value)
    }

    fn re_arm(&mut self, key: TimerKey, at: Duration) {
        self.set(key, Instant::ZERO + at);
    }

    fn cancel(&mut self, key: TimerKey) {
        self.cancel(key);
    }

    fn expire(&mut self, now: Duration, expired: &mut Vec<u32>) {
        while let Some((_, value)) = self.pop_expired(Instant::ZERO + now) {
            expired.push(value);
        }
    }
}

/// `DelayQueue` on a clock that stands until it is moved.
struct TokioQueue {
    queue: DelayQueue<u32>,
    start: tokio::time::Instant,
    clock: Rc<Runtime>,
}

impl Timers for TokioQueue {
    const NAME: &str = "tokio";
    type Key = Key;

    fn new(clock: &Rc<Runtime>) -> Self {
        Self {
            queue: DelayQueue::new(),
            start: tokio::time::sleep(Duration::ZERO).deadline(),
            clock: clock.clone(),
        }
    }

    fn arm(&mut self, at: Duration, value: u32) -> Key {
        self.queue.insert_at(value, self.start + at)
    }

    fn re_arm(&mut self, key: Key, at: Duration) {
        self.queue.reset_at(&key, self.start + at);
    }

    fn cancel(&mut self, key: Key) {
        self.queue.remove(&key);
    }

    fn advance(&mut self, by: Duration) {
        self.clock.block_on(tokio::time::advance(by));
    }

    fn expire(&mut self, _: Duration, expired: &mut Vec<u32>) {
        let drain = std::future::poll_fn(|cx| {
            while let Poll::Ready(Some(entry)) = self.queue.poll_expired(cx) {
                expired.push(entry.into_inner());
            }
            Poll::Ready(())
        });
        self.clock.block_on(tokio::task::unconstrained(drain));
    }
}

/// A heap in which a moved or cancelled timer leaves its old entry behind, to be skipped when it
/// comes up, or swept out when half of all are such.
struct LazyHeap {
    heap: BinaryHeap<Reverse<(Duration, u32, u32)>>,
    /// Generation and value.
    slots: Vec<(u32, u32)>,
    free: Vec<u32>,
}

impl LazyHeap {
    fn push(&mut self, at: Duration, index: u32) {
        let live = self.slots.len() - self.free.len();
        if self.heap.len() > 2 * live + BATCH {
            let slots = &self.slots;
            self.heap
                .retain(|Reverse((_, index, generation))| slots[*index as usize].0 == *generation);
        }
        let generation = self.slots[index as usize].0;
        self.heap.push(Reverse((at, index, generation)));
    }
}

impl Timers for LazyHeap {
    const NAME: &str = "heap";
    type Key = u32;

    fn new(_: &Rc<Runtime>) -> Self {
        Self {
            heap: BinaryHeap::new(),
            slots: Vec::new(),
            free: Vec::new(),
        }
    }

    fn arm(&mut self, at: Duration, value: u32) -> u32 {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push((0, value));
            self.slots.len() as u32 - 1
        });
        self.slots[index as usize].1 = value;
        self.push(at, index);
        index
    }

    fn re_arm(&mut self, index: u32, at: Duration) {
        self.slots[index as usize].0 += 1;
        self.push(at, index);
    }

    fn cancel(&mut self, index: u32) {
        self.slots[index as usize].0 += 1;
        self.free.push(index);
    }

    fn expire(&mut self, now: Duration, expired: &mut Vec<u32>) {
        while let Some(&Reverse((at, index, generation))) = self.heap.peek() {
            if at > now {
                break;
            }
            self.heap.pop();
            let (current, value) = self.slots[index as usize];
            if current == generation {
                self.cancel(index);
                expired.push(value);
            }
        }
    }
}

/// A set of timers in steady use: timer `i` is found under key `i`.
struct Bed<T: Timers> {
    timers: T,
    keys: Vec<T::Key>,
    now: Duration,
    expired: Vec<u32>,
    random: u64,
}

impl<T: Timers> Bed<T> {
    fn new(count: u32, clock: &Rc<Runtime>) -> Self {
        let mut bed = Self {
            timers: T::new(clock),
            keys: Vec::with_capacity(count as usize),
            now: Duration::ZERO,
            expired: Vec::with_capacity(2 * BATCH),
            random: 0x9e37_79b9_7f4a_7c15,
        };
        for value in 0..count {
            let at = bed.someday();
            bed.keys.push(bed.timers.arm(at, value));
        }
        bed
    }

    fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    /// Somewhere in the minute ahead.
    fn someday(&mut self) -> Duration {
        self.now + Duration::from_nanos(self.random() % SPAN.as_nanos() as u64)
    }

    fn somedays(&mut self) -> [Duration; BATCH] {
        std::array::from_fn(|_| self.someday())
    }

    /// A run of timers; they lie anywhere in the minute.
    fn some_timers(&mut self) -> std::ops::Range<usize> {
        let first = self.random() as usize % (self.keys.len() - BATCH + 1);
        first..first + BATCH
    }

    fn arm(&mut self) -> Duration {
        let deadlines = self.somedays();
        let (new, took) = timed(|| deadlines.map(|at| self.timers.arm(at, u32::MAX)));
        for key in new {
            self.timers.cancel(key);
        }
        took
    }

    fn re_arm(&mut self) -> Duration {
        let (deadlines, some) = (self.somedays(), self.some_timers());
        let moves = self.keys[some].iter().zip(deadlines);
        timed(|| moves.for_each(|(&key, at)| self.timers.re_arm(key, at))).1
    }

    fn cancel(&mut self) -> Duration {
        let (deadlines, some) = (self.somedays(), self.some_timers());
        let (first, keys) = (some.start, &mut self.keys[some]);
        let ((), took) = timed(|| keys.iter().for_each(|&key| self.timers.cancel(key)));
        for (i, (key, at)) in keys.iter_mut().zip(deadlines).enumerate() {
            *key = self.timers.arm(at, (first + i) as u32);
        }
        took
    }

    fn expire(&mut self) -> Duration {
        let step = SPAN * BATCH as u32 / self.keys.len() as u32;
        self.now += step;
        self.timers.advance(step);
        let ((), took) = timed(|| self.timers.expire(self.now, &mut self.expired));
        // A minute later, each at its own nanosecond, so the spread stays as it is.
        while let Some(value) = self.expired.pop() {
            let at = self.now + SPAN - Duration::from_nanos(self.random() % step.as_nanos() as u64);
            self.keys[value as usize] = self.timers.arm(at, value);
        }
        took
    }
}

fn timed<R>(work: impl FnOnce() -> R) -> (R, Duration) {
    let start = WallTime.start();
    let result = black_box(work());
    (result, WallTime.end(start))
}

/// Does one batch and says how long it took.
type Operation<T> = fn(&mut Bed<T>) -> Duration;

fn contend<T: Timers>(criterion: &mut Criterion, clock: &Rc<Runtime>, count: u32) {
    let mut bed = Bed::<T>::new(count, clock);
    let operations: [(&str, Operation<T>); 4] = [
        ("arm", Bed::arm),
        ("re-arm", Bed::re_arm),
        ("cancel", Bed::cancel),
        ("expire", Bed::expire),
    ];
    for (name, operation) in operations {
        let mut group: BenchmarkGroup<'_, WallTime> =
            criterion.benchmark_group(format!("timer/{name}"));
        group.throughput(Throughput::Elements(BATCH as u64));
        group.bench_function(BenchmarkId::new(T::NAME, count), |bencher| {
            bencher.iter_custom(|rounds| (0..rounds).map(|_| operation(&mut bed)).sum());
        });
        group.finish();
    }
}

fn main() {
    let clock = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without I/O needs nothing of the system");
    let clock = Rc::new(clock);
    let _context = clock.enter();
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300))
        .configure_from_args();
    for count in [1_000, 100_000, 1_000_000] {
        contend::<Wheel<u32>>(&mut criterion, &clock, count);
        contend::<TokioQueue>(&mut criterion, &clock, count);
        contend::<LazyHeap>(&mut criterion, &clock, count);
    }
    criterion.final_summary();
}
