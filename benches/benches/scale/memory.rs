//! Bytes for each connection of every kind.

use std::time::Duration;

use allocation_counter::measure;
use estab_proto::RxMeta;
use estab_tests::crowd;
use tokio::runtime::{Builder, Runtime};

use crate::crowd::Crowd;
use crate::page::Page;

/// How many of each there are.
const COUNT: usize = 100_000;

/// Measures the bytes for each, over IPv4 or IPv6.
type Bytes = fn(bool) -> f64;

pub(crate) fn measure_all(page: &mut Page) {
    page.section(
        "Memory",
        "Bytes for each of 100,000. An idle connection has carried a byte each way and was quiet for \
         two seconds; the figure is the mean of both ends. Of the async side everything is counted: \
         both stacks, drivers, what handle and driver share, and the stream in the application's \
         hands.",
    );
    page.head(&["", "goal", "IPv4", "IPv6"]);
    let kinds: [(&str, &str, Bytes); 5] = [
        ("awake, protocol alone", "", awake),
        ("idle, protocol alone", "", idle),
        ("idle, with the async side", "1024", idle_async),
        ("half-open", "192", half_open),
        ("TIME-WAIT", "96", time_wait),
    ];
    for (name, goal, bytes) in kinds {
        let cells = [false, true].map(|ipv6| format!("{:.0}", bytes(ipv6)));
        page.row(&[name, goal, &cells[0], &cells[1]]);
    }
}

/// The bytes that `make` allocates and its result holds, for each of `count`.
pub(crate) fn bytes_for_each<T>(count: usize, make: impl FnOnce() -> T) -> (f64, T) {
    let mut made = None;
    let counted = measure(|| made = Some(make()));
    let made = made.expect("it was made");
    (counted.bytes_current as f64 / count as f64, made)
}

fn idle_crowd(ipv6: bool, dormant: bool) -> crowd::Crowd {
    let mut crowd = crowd::Crowd::new(COUNT, ipv6, |config| {
        if !dormant {
            config.dormant_after = None;
        }
    });
    crowd.open(COUNT);
    (0..COUNT).for_each(|nth| crowd.ping(nth));
    crowd.pass(Duration::from_secs(2));
    crowd
}

fn awake(ipv6: bool) -> f64 {
    bytes_for_each(2 * COUNT, || idle_crowd(ipv6, false)).0
}

fn idle(ipv6: bool) -> f64 {
    bytes_for_each(2 * COUNT, || idle_crowd(ipv6, true)).0
}

fn idle_async(ipv6: bool) -> f64 {
    let (bytes, _) = bytes_for_each(2 * COUNT, || {
        let runtime = runtime();
        let crowd = runtime.block_on(async {
            let crowd = Crowd::open(COUNT, ipv6).await.expect("a crowd");
            tokio::time::sleep(Duration::from_secs(2)).await;
            assert_eq!(crowd.dormant().await.expect("stacks"), 2 * COUNT);
            crowd
        });
        (crowd, runtime)
    });
    bytes
}

fn half_open(ipv6: bool) -> f64 {
    let mut crowd = crowd::Crowd::new(0, ipv6, |_| ());
    crowd.knock(COUNT);
    let mut syns = Vec::new();
    while let Some(transmit) = crowd.client.poll_transmit(crowd.now) {
        let mut packet = Vec::new();
        transmit.write_to(&mut packet);
        syns.push(packet);
    }
    let (now, mut server) = (crowd.now, crowd.server);
    let (bytes, _) = bytes_for_each(COUNT, || {
        for syn in &syns {
            server.handle_packet(now, syn, RxMeta::default());
            while server.poll_transmit(now).is_some() {}
        }
        assert_eq!(server.counts().half_open, COUNT);
    });
    bytes
}

fn time_wait(ipv6: bool) -> f64 {
    let (bytes, _) = bytes_for_each(COUNT, || {
        let mut crowd = crowd::Crowd::new(0, ipv6, |_| ());
        while crowd.client.counts().time_wait < COUNT {
            crowd.open(500);
            crowd.close();
        }
        crowd
    });
    bytes
}

/// Everything in one thread, whose allocations are counted.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}
