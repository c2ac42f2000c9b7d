//! What is left of connections, and what is not one yet.

use estab_proto::RxMeta;
use estab_tests::crowd::Crowd;

use super::{bytes_for_each, check};

/// What a stack holds whatever the number of its connections is there before anything is counted.
const BEFORE: usize = 500;

/// The bytes for each half-open connection.
fn half_open(ipv6: bool, count: usize) -> u64 {
    let mut crowd = Crowd::new(0, ipv6, |_| ());
    crowd.knock(BEFORE + count);
    let mut syns = Vec::new();
    while let Some(transmit) = crowd.client.poll_transmit(crowd.now) {
        let mut packet = Vec::new();
        transmit.write_to(&mut packet);
        syns.push(packet);
    }
    let Crowd {
        now, mut server, ..
    } = crowd;
    let mut answer = |syns: &[Vec<u8>]| {
        for syn in syns {
            server.handle_packet(now, syn, RxMeta::default());
            while server.poll_transmit(now).is_some() {}
        }
        server.counts().half_open
    };
    let (before, counted) = syns.split_at(BEFORE);
    answer(before);
    bytes_for_each(count, || assert_eq!(answer(counted), BEFORE + count))
}

/// The bytes for each connection in TIME-WAIT.
fn time_wait(ipv6: bool, count: usize) -> u64 {
    let mut crowd = Crowd::new(0, ipv6, |_| ());
    let mut close = |count| {
        while crowd.client.counts().time_wait < count {
            crowd.open(BEFORE);
            crowd.close();
        }
    };
    close(BEFORE);
    bytes_for_each(count, || close(BEFORE + count))
}

#[test]
fn a_half_open_connection_is_small() {
    check("half-open", 192, half_open);
}

#[test]
fn a_connection_in_time_wait_is_small() {
    check("TIME-WAIT", 96, time_wait);
}
