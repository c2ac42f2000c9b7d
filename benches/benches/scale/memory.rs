//! Bytes for each connection of every kind.

use std::time::Duration;

use allocation_counter::measure;
use estab_proto::RxMeta;
use estab_tests::crowd;
use tokio::runtime::{Builder, Runtime};

use crate::crowd::Crowd;
use crate::page::Page;

/// How many of each there are: few, just more than fill a table that doubles, and many.
const COUNTS: [usize; 3] = [1_000, 33_000, 100_000];

/// What a stack holds whatever the number of its connections is there before anything is counted: as
/// many came and rest.
const BEFORE: usize = 500;

/// Measures the bytes for each of so many, over IPv4 or IPv6.
type Bytes = fn(bool, usize) -> f64;

pub(crate) fn measure_all(page: &mut Page) {
    page.section(
        "Memory",
        "Bytes for each of so many, beyond the first five hundred, so that what a stack holds whatever \
         their number does not count. An idle connection has carried a byte each way and was quiet \
         for two seconds; the figure is the mean of both ends. Of the async side everything is \
         counted: both stacks, drivers, what handle and driver share, and the stream in the \
         application's hands. TIME-WAIT is a record, its four-tuple's entry in the \
         table, and its part of the queue; so is a half-open connection.",
    );
    let columns = COUNTS.map(|count| format!("{count}"));
    let [few, some, many] = &columns;
    let over_ipv6 = format!("{some}, IPv6");
    page.head(&["", "goal", few, some, many, &over_ipv6]);
    let kinds: [(&str, &str, Bytes); 5] = [
        ("awake, protocol alone", "", awake),
        ("idle, protocol alone", "", idle),
        ("idle, with the async side", "1024", idle_async),
        ("half-open", "192", half_open),
        ("TIME-WAIT", "96", time_wait),
    ];
    for (name, goal, bytes) in kinds {
        let over_ipv4 = COUNTS.map(|count| (false, count));
        let cells = over_ipv4.into_iter().chain([(true, COUNTS[1])]);
        let cells = cells.map(|(ipv6, count)| format!("{:.0}", bytes(ipv6, count)));
        let row: Vec<String> = [name, goal]
            .map(str::to_owned)
            .into_iter()
            .chain(cells)
            .collect();
        page.row(&row);
        page.bar(name, &row[4]);
    }
    page.picture(&format!("Bytes for each of {many} connections"));
}

/// The bytes that `make` allocates and its result holds, for each of `count`.
pub(crate) fn bytes_for_each<T>(count: usize, make: impl FnOnce() -> T) -> (f64, T) {
    let mut made = None;
    let counted = measure(|| made = Some(make()));
    let made = made.expect("it was made");
    (counted.bytes_current as f64 / count as f64, made)
}

/// `count` more connections, which carry a byte each way and are quiet for two seconds.
fn rest(crowd: &mut crowd::Crowd, count: usize) {
    let before = crowd.ids.len();
    crowd.open(count);
    (before..before + count).for_each(|nth| crowd.ping(nth));
    crowd.pass(Duration::from_secs(2));
}

fn at_rest(ipv6: bool, count: usize, dormant: bool) -> f64 {
    let mut crowd = crowd::Crowd::new(BEFORE + count, ipv6, |config| {
        if !dormant {
            config.dormant_after = None;
        }
    });
    rest(&mut crowd, BEFORE);
    bytes_for_each(2 * count, || rest(&mut crowd, count)).0
}

fn awake(ipv6: bool, count: usize) -> f64 {
    at_rest(ipv6, count, false)
}

fn idle(ipv6: bool, count: usize) -> f64 {
    at_rest(ipv6, count, true)
}

/// What so many more take than the first of them.
fn idle_async(ipv6: bool, count: usize) -> f64 {
    (all_async(ipv6, BEFORE + count) - all_async(ipv6, BEFORE)) / (2 * count) as f64
}

/// The bytes of everything that `count` connections need.
fn all_async(ipv6: bool, count: usize) -> f64 {
    let (bytes, _) = bytes_for_each(1, || {
        let runtime = runtime();
        let crowd = runtime.block_on(async {
            let crowd = Crowd::open(count, ipv6).await.expect("a crowd");
            tokio::time::sleep(Duration::from_secs(2)).await;
            assert_eq!(crowd.dormant().await.expect("stacks"), 2 * count);
            crowd
        });
        (crowd, runtime)
    });
    bytes
}

fn half_open(ipv6: bool, count: usize) -> f64 {
    let mut crowd = crowd::Crowd::new(0, ipv6, |_| ());
    crowd.knock(BEFORE + count);
    let mut syns = Vec::new();
    while let Some(transmit) = crowd.client.poll_transmit(crowd.now) {
        let mut packet = Vec::new();
        transmit.write_to(&mut packet);
        syns.push(packet);
    }
    let (now, mut server) = (crowd.now, crowd.server);
    let mut answer = |syns: &[Vec<u8>]| {
        for syn in syns {
            server.handle_packet(now, syn, RxMeta::default());
            while server.poll_transmit(now).is_some() {}
        }
        server.counts().half_open
    };
    let (before, counted) = syns.split_at(BEFORE);
    answer(before);
    bytes_for_each(count, || assert_eq!(answer(counted), BEFORE + count)).0
}

fn time_wait(ipv6: bool, count: usize) -> f64 {
    let mut crowd = crowd::Crowd::new(0, ipv6, |_| ());
    let mut close = |count| {
        while crowd.client.counts().time_wait < count {
            crowd.open(BEFORE);
            crowd.close();
        }
    };
    close(BEFORE);
    bytes_for_each(count, || close(BEFORE + count)).0
}

/// Everything in one thread, whose allocations are counted.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}
