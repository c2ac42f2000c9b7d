use alloc::vec;

use super::{MAX_PACKET_BYTES, Reply, ReplyQueue};
use crate::addr::FourTuple;
use crate::seq::{SeqNumber, WireWindow};
use crate::stack::testing::{peer, server};
use crate::tcp::Control;
use crate::wire::tcp::{Flags, TcpOptions};

fn control(seq: u32) -> Control {
    Control {
        tuple: FourTuple {
            local: server(),
            remote: peer(1),
        },
        seq: SeqNumber::new(seq),
        ack: SeqNumber::new(0),
        ctl: Flags::RST,
        wnd: WireWindow(0),
        opts: TcpOptions::default(),
        ttl: 64,
        tos: 0,
        route: None,
    }
}

#[test]
fn replies_leave_in_order_and_the_excess_is_counted() {
    let mut replies = ReplyQueue::new(3);
    for seq in 0..5 {
        replies.push_control(control(seq));
    }
    replies.push_packet(vec![0; 20].into());
    assert_eq!((replies.len(), replies.dropped()), (3, 3));
    for seq in 0..3 {
        let Some(Reply::Control(reply)) = replies.pop() else {
            panic!("a segment")
        };
        assert_eq!(reply.seq.to_u32(), seq);
    }
    assert!(replies.pop().is_none());
}

#[test]
fn packets_are_bounded_in_bytes() {
    let mut replies = ReplyQueue::new(1000);
    let size = MAX_PACKET_BYTES / 16;
    for _ in 0..17 {
        replies.push_packet(vec![0; size].into());
    }
    assert_eq!((replies.len(), replies.dropped()), (16, 1));
    replies.pop();
    replies.push_packet(vec![0; size].into());
    assert_eq!((replies.len(), replies.dropped()), (16, 1));
    replies.clear();
    replies.push_packet(vec![0; MAX_PACKET_BYTES].into());
    assert_eq!((replies.len(), replies.dropped()), (1, 1));
}
