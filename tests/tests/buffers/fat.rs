//! Paths that hold a lot, and buffers nobody configured.

use std::time::Duration;

use estab_proto::Info;
use estab_proto::config::{Limits, TcpConfig};
use estab_sim::{Bandwidth, Loss, Node, Path, PathBuilder};

use crate::world::{Segments, World};

const MS: Duration = Duration::from_millis(1);
const RTT: Duration = Duration::from_millis(100);

fn path(rate: Bandwidth) -> PathBuilder {
    Path::builder().rtt(RTT).rate(rate).queue_bdp(1.0)
}

/// Whether the sender would send more if the receiver's window let it.
fn is_held_back(info: &Info) -> bool {
    info.in_flight + info.snd_mss > info.snd_wnd && info.in_flight + info.snd_mss <= info.cwnd
}

/// Lets slow start run until the path is full, and asserts that nothing but the path ended it.
fn fill(world: &mut World, rate: Bandwidth) {
    let product = rate.bytes_in(RTT) as u32;
    for ms in 0..3000 {
        world.run(MS);
        let info = world.info();
        if info.cwnd >= product {
            return;
        }
        assert!(!is_held_back(&info), "after {ms} ms: {info:?}");
    }
    panic!("a slow start of 3 s: {:?}", world.info());
}

/// The shares of `rate` that each tenth of a second brings.
fn shares(world: &mut World, rate: Bandwidth, tenths: usize) -> Vec<f64> {
    (0..tenths)
        .map(|_| world.rate_during(100 * MS) / rate.bits_per_second() as f64)
        .collect()
}

fn median(mut shares: Vec<f64>) -> f64 {
    shares.sort_by(f64::total_cmp);
    shares[shares.len() / 2]
}

/// Next to nothing is held once all is delivered: what may still prove a recovery needless.
fn rests(world: &mut World) {
    world.is_writing = false;
    world.run(Duration::from_secs(3));
    for stack in [&world.sender, &world.receiver] {
        let held = stack.counts().buffer_bytes;
        assert!(held < 1000, "{held}");
    }
}

#[test]
fn ten_gigabit_over_a_tenth_of_a_second_are_filled() {
    let rate = Bandwidth::gbit(10);
    let mut world = World::new(path(rate).build(), Segments::Super, TcpConfig::modern());
    world.is_writing = true;
    fill(&mut world, rate);
    let shares = shares(&mut world, rate, 6);
    assert!(median(shares.clone()) >= 0.9, "{shares:.3?}");
    rests(&mut world);
}

#[test]
fn a_gigabit_is_filled_segment_by_segment() {
    let rate = Bandwidth::gbit(1);
    let mut world = World::new(path(rate).build(), Segments::Plain, TcpConfig::modern());
    world.is_writing = true;
    fill(&mut world, rate);
    let shares = shares(&mut world, rate, 20);
    assert!(median(shares.clone()) >= 0.9, "{shares:.3?}");
    rests(&mut world);
}

/// The product is 50 kB, and the queue holds as much again.
#[test]
fn a_short_path_keeps_its_buffers_short() {
    for timestamps in [true, false] {
        let path = Path::builder().rtt(20 * MS).rate(Bandwidth::mbit(20));
        let mut tcp = TcpConfig::modern();
        tcp.timestamps = timestamps;
        let mut world = World::new(path.queue_bdp(1.0).build(), Segments::Plain, tcp);
        world.is_writing = true;
        let mut most = 0;
        for _ in 0..100 {
            world.run(100 * MS);
            let capacity = world.receiver.info(world.to[0]).unwrap().recv_capacity;
            most = most.max(capacity);
            let queued = world.sender.send_queued(world.from[0]);
            assert!(queued <= 300_000, "{queued}, timestamps {timestamps}");
        }
        assert!(most <= 600_000, "{most}, timestamps {timestamps}");
    }
}

#[test]
fn slow_start_is_not_held_back_without_timestamps() {
    let rate = Bandwidth::gbit(1);
    let mut tcp = TcpConfig::modern();
    tcp.timestamps = false;
    let mut world = World::new(path(rate).build(), Segments::Plain, tcp);
    world.is_writing = true;
    fill(&mut world, rate);
}

#[test]
fn a_loss_does_not_outgrow_the_budget() {
    let rate = Bandwidth::gbit(10);
    let lossy = path(rate).there(Node::Loss(Loss::Exactly(vec![5000])));
    let mut world = World::new(lossy.build(), Segments::Super, TcpConfig::modern());
    world.is_writing = true;
    let (mut most, mut lost) = (0, 0);
    for _ in 0..25 {
        world.run(100 * MS);
        most = most.max(world.receiver.counts().buffer_bytes);
        lost = lost.max(world.info().lost);
    }
    assert!(lost > 0);
    assert!(
        most > 50 << 20,
        "a round trip's bytes wait behind a hole: {most}"
    );
    assert!(most < 512 << 20, "{most}");
    rests(&mut world);
}

#[test]
fn flows_under_pressure_share_what_there_is() {
    let rate = Bandwidth::gbit(1);
    let mut limits = Limits::default();
    // The path alone holds 12.5 MB, and slow start would take twice that.
    limits.buffer_bytes = 16 << 20;
    let lossy = path(rate).there(Node::Loss(Loss::Uniform(1e-5)));
    let tcp = TcpConfig::modern();
    let mut world = World::crowded(lossy.build(), Segments::Plain, tcp, limits, 8);
    world.is_writing = true;
    let mut most = [0; 2];
    for ms in 0..4000 {
        world.run(MS);
        if ms == 1000 {
            world.delivered.fill(0);
        }
        let stacks = [&world.sender, &world.receiver];
        most = [0, 1].map(|i| most[i].max(stacks[i].counts().buffer_bytes));
    }
    assert!(most[0] > 12 << 20, "no pressure: {most:?}");
    assert!(most.iter().all(|most| *most <= 17 << 20), "{most:?}");
    let total: u64 = world.delivered.iter().sum();
    let half = rate.bytes_in(3 * Duration::from_secs(1)) / 2;
    assert!(total >= half, "{total}");
    let least = world.delivered.iter().min().unwrap();
    assert!(least * 8 * 4 >= total, "{:?}", world.delivered);
}

#[test]
fn an_application_that_does_not_read_keeps_the_window_small() {
    let rate = Bandwidth::gbit(1);
    let mut world = World::new(path(rate).build(), Segments::Plain, TcpConfig::modern());
    world.is_writing = true;
    world.is_reading = false;
    world.run(Duration::from_secs(3));
    let held = world.receiver.counts().buffer_bytes;
    assert!(held <= 300 << 10, "{held}");
    world.is_reading = true;
    world.run(Duration::from_secs(2));
    let shares = shares(&mut world, rate, 5);
    assert!(median(shares.clone()) >= 0.9, "{shares:.3?}");
}
