//! What is left of connections, and what is not one yet.

use estab_proto::RxMeta;
use estab_tests::crowd::Crowd;

use super::bytes_for_each;

/// As many as fill the tables well.
const COUNT: usize = 28_000;

/// The bytes for each half-open connection.
fn half_open(ipv6: bool) -> u64 {
    let mut crowd = Crowd::new(0, ipv6, |_| ());
    crowd.knock(COUNT);
    let mut syns = Vec::new();
    while let Some(transmit) = crowd.client.poll_transmit(crowd.now) {
        let mut packet = Vec::new();
        transmit.write_to(&mut packet);
        syns.push(packet);
    }
    bytes_for_each(COUNT, || {
        let Crowd {
            now, mut server, ..
        } = crowd;
        for syn in &syns {
            server.handle_packet(now, syn, RxMeta::default());
            while server.poll_transmit(now).is_some() {}
        }
        assert_eq!(server.counts().half_open, COUNT);
        server
    })
}

/// The bytes for each connection in TIME-WAIT.
fn time_wait(ipv6: bool) -> u64 {
    bytes_for_each(COUNT, || {
        let mut crowd = Crowd::new(0, ipv6, |_| ());
        while crowd.client.counts().time_wait < COUNT {
            crowd.open(500);
            crowd.close();
        }
        crowd
    })
}

#[test]
fn a_half_open_connection_is_small() {
    for (ipv6, at_most) in [(false, 256), (true, 256)] {
        let bytes = half_open(ipv6);
        println!("half-open, IPv{}: {bytes} bytes", if ipv6 { 6 } else { 4 });
        assert!(bytes <= at_most, "{bytes} bytes");
    }
}

#[test]
fn a_connection_in_time_wait_is_small() {
    // What both stacks hold whatever their number is counted too: some eight bytes of each.
    for (ipv6, at_most) in [(false, 106), (true, 106)] {
        let bytes = time_wait(ipv6);
        println!("TIME-WAIT, IPv{}: {bytes} bytes", if ipv6 { 6 } else { 4 });
        assert!(bytes <= at_most, "{bytes} bytes");
    }
}
