//! The rules one by one, each by the section that makes it.

use super::sender::{MSS, Sender, UNA};
use crate::congestion::{Algorithm, Controller};
use crate::recovery::{CaState, Recovery, Retransmit};
use crate::wire::tcp::SackBlock;

/// RFC 6675 §4 SetPipe() and §5: a loss from the first duplicate to the last acknowledgment.
// proves RFC6675-5(4), RFC6675-4SetPipe
#[test]
fn the_pipe_through_an_episode() {
    let mut s = Sender::new(true, 10);
    assert_eq!(s.pipe_and_quota(), (10, 0));
    // Limited transmit (step 3): each duplicate makes room for a segment.
    assert_eq!(s.ack(0, &[(1, 2)]).state, CaState::Disorder);
    assert_eq!(s.pipe_and_quota(), (9, 1));
    s.send(1);
    s.ack(0, &[(1, 3)]);
    s.send(1);
    assert_eq!(s.pipe_and_quota(), (10, 0));
    // The third: segment 0 is lost.
    let sample = s.ack(0, &[(1, 4)]);
    assert_eq!((sample.state, sample.newly_lost), (CaState::Recovery, MSS));
    // Half of the ten that were out without limited transmit (step 4.2).
    assert_eq!(s.windows(), (5, 5));
    // 12 - 3 selectively acknowledged - 1 lost; the retransmission goes at once.
    assert_eq!(s.pipe_and_quota(), (8, 0));
    assert_eq!(s.resend()[..], [0]);
    assert_eq!(s.pipe_and_quota(), (9, 0));
    s.ack(0, &[(1, 8)]);
    assert_eq!(s.pipe_and_quota(), (5, 0));
    s.ack(0, &[(1, 9)]);
    assert_eq!(s.pipe_and_quota(), (4, 1));
    // The boundary of RecoveryPoint (step A).
    let almost = s.input(Sender::at(12).back(1), &[], |_| {});
    assert_eq!(almost.state, CaState::Recovery);
    let done = s.ack(12, &[]);
    assert_eq!((done.state, done.in_recovery), (CaState::Open, true));
    assert_eq!(s.windows(), (5, 5));
    assert_eq!(s.pipe_and_quota(), (0, 5));
}

/// RFC 6675 §5 step 2: three segments in one acknowledgment are as good as three duplicates.
#[test]
fn one_stretch_ack_begins_recovery() {
    let mut s = Sender::new(true, 10);
    assert_eq!(s.ack(0, &[(1, 3)]).state, CaState::Disorder);
    let mut s = Sender::new(true, 10);
    assert_eq!(s.ack(0, &[(1, 4)]).state, CaState::Recovery);
    // More than two segments' worth is enough.
    let mut s = Sender::new(true, 10);
    let block = SackBlock {
        left: Sender::at(1),
        right: Sender::at(4),
    };
    assert_eq!(s.input(UNA, &[block], |_| {}).state, CaState::Recovery);
    // Three separate ranges are.
    let mut s = Sender::new(true, 10);
    assert_eq!(s.ack(0, &[(7, 8), (5, 6), (3, 4)]).newly_lost, 3 * MSS);
}

/// RFC 6675 §5 step 1: small segments may never fill IsLost()'s bytes.
#[test]
fn three_duplicates_of_small_segments_begin_recovery() {
    let mut s = Sender::new(true, 0);
    s.cc = Controller::new(Algorithm::NewReno, MSS);
    for i in 0..8 {
        s.recovery.on_sent(s.now, UNA + i * 10, 10);
    }
    for i in 2..5 {
        assert_eq!(s.recovery.state() == CaState::Disorder, i > 2);
        let block = SackBlock {
            left: UNA + 10,
            right: UNA + i * 10,
        };
        s.input(UNA, &[block], |_| {});
    }
    assert_eq!(
        (s.recovery.state(), s.recovery.lost()),
        (CaState::Recovery, 10)
    );
}

/// RFC 6675 §2: new SACK information makes a duplicate whatever else the segment carries, and
/// nothing else does; RFC 3042 §2: nothing is sent on the latter.
#[test]
fn with_sack_only_news_is_a_duplicate() {
    let mut s = Sender::new(true, 10);
    let block = [SackBlock {
        left: Sender::at(1),
        right: Sender::at(2),
    }];
    let sample = s.input(UNA, &block, |input| {
        input.text = true;
        input.window_changed = true;
    });
    assert!(sample.duplicate);
    for _ in 0..5 {
        assert!(!s.input(UNA, &block, |_| {}).duplicate);
        assert!(!s.ack(0, &[]).duplicate);
    }
    assert_eq!(s.recovery.state(), CaState::Disorder);
    assert_eq!(s.pipe_and_quota(), (9, 1));
    // It may come with an advance of SND.UNA.
    assert!(s.ack(1, &[(3, 4)]).duplicate);
}

/// RFC 5681 §2: the five conditions of a duplicate acknowledgment without SACK.
#[test]
fn without_sack_a_duplicate_is_bare() {
    let mut s = Sender::new(false, 10);
    assert!(s.ack(0, &[]).duplicate);
    assert!(!s.input(UNA, &[], |input| input.text = true).duplicate);
    assert!(
        !s.input(UNA, &[], |input| input.window_changed = true)
            .duplicate
    );
    assert!(!s.ack(1, &[]).duplicate);
    assert!(!s.ack(10, &[]).duplicate);
    // Nothing is outstanding.
    assert!(!s.ack(10, &[]).duplicate);
}

/// RFC 6675 §4 NextSeg(): lost ones in ascending order, then new data, then holes not called lost,
/// then one rescue.
// proves RFC6675-4NextSeg(3), RFC6675-4NextSeg(4)
#[test]
fn what_to_send_next() {
    let mut s = Sender::new(true, 10);
    s.ack(0, &[(8, 9), (5, 6), (3, 4)]);
    // Lost are 0, 1 and 2; four and six are holes with too little above them.
    assert_eq!(s.recovery.lost(), 3 * MSS);
    assert_eq!(
        s.recovery.quota(&s.cc),
        0,
        "new data waits for what is lost"
    );
    for segment in 0..3 {
        assert_eq!(s.pipe_and_quota(), (4, 0));
        assert_eq!(s.resend()[..], [segment]);
        assert_eq!(s.recovery.next_rescue(&s.cc), None);
        s.ack([1, 2, 4][segment as usize], &[]);
    }
    assert_eq!(s.pipe_and_quota(), (4, 1));
    // No new data to send: rule 3, which counts the segment twice.
    assert_eq!(s.rescue(), Some(4));
    assert_eq!(s.pipe_and_quota(), (5, 0));
    assert_eq!(s.rescue(), None);
    s.ack(6, &[]);
    assert_eq!(s.rescue(), Some(6));
    assert_eq!(s.rescue(), Some(7));
    assert_eq!(s.pipe_and_quota(), (5, 0));
    s.ack(7, &[]);
    // Rule 4: the last segment, once, without counting it twice.
    assert_eq!(s.pipe_and_quota(), (3, 2));
    assert_eq!(s.rescue(), Some(9));
    assert_eq!(s.pipe_and_quota(), (3, 2));
    assert_eq!(s.rescue(), None);
    assert_eq!(s.ack(10, &[]).state, CaState::Open);
}

/// RFC 6675 §5.1: after a timeout no recovery begins before RecoveryPoint is acknowledged, and what
/// was selectively acknowledged is not sent again.
// proves RFC6675-5.1#1, RFC6582-3.2(4)
#[test]
fn a_timeout_ends_fast_recovery() {
    let mut s = Sender::new(true, 10);
    s.ack(0, &[(1, 4)]);
    s.resend();
    s.time_out();
    assert_eq!(s.recovery.state(), CaState::Loss);
    assert_eq!(s.windows(), (1, 2));
    assert_eq!(s.resend()[..], [0]);
    s.ack(0, &[(1, 5)]);
    s.ack(0, &[(1, 7)]);
    s.ack(0, &[(1, 9)]);
    assert_eq!((s.recovery.state(), s.windows()), (CaState::Loss, (1, 2)));
    assert_eq!(s.ack(9, &[]).state, CaState::Loss);
    assert_eq!(s.resend()[..], [9]);
    assert_eq!(s.ack(10, &[]).state, CaState::Open);
    assert_eq!(s.recovery.total_retransmits(), 3);
}

/// RFC 2018 §8: a receiver that acknowledges just up to what it had selectively acknowledged has
/// dropped that; after the timeout SND.UNA is sent again all the same.
// proves RFC6675-4Update
#[test]
fn a_reneging_receiver_gets_everything_again() {
    let mut s = Sender::new(true, 10);
    s.ack(0, &[(1, 4), (6, 7)]);
    s.resend();
    s.ack(1, &[]);
    assert_eq!(s.recovery.sacked(), 4 * MSS);
    s.time_out();
    assert_eq!((s.recovery.sacked(), s.recovery.lost()), (0, 9 * MSS));
    assert_eq!(s.resend()[..], [1]);
    s.ack(2, &[]);
    assert_eq!(s.resend()[..], [2, 3]);
}

/// RFC 6582 §3.2 step 3, RFC 5681 §3.2: an episode without SACK.
#[test]
fn an_episode_without_sack() {
    let mut s = Sender::new(false, 10);
    // 0 and 5 are lost: eight duplicates come. Limited transmit (RFC 3042) sends two more.
    s.ack(0, &[]);
    assert_eq!(s.pipe_and_quota(), (9, 1));
    s.send(1);
    s.ack(0, &[]);
    s.send(1);
    let third = s.ack(0, &[]);
    assert_eq!((third.state, third.newly_lost), (CaState::Recovery, MSS));
    assert_eq!(s.windows(), (5, 5));
    assert_eq!(s.resend()[..], [0]);
    // FlightSize 12 against a window of 5 inflated by 3.
    assert_eq!(s.pipe_and_quota(), (9, 0));
    for _ in 0..5 {
        s.ack(0, &[]);
    }
    assert_eq!(s.pipe_and_quota(), (4, 1));
    s.send(1);
    // A partial acknowledgment: the next hole goes at once, and one new segment for the one
    // that the retransmission took out of the network.
    let partial = s.ack(5, &[]);
    assert_eq!(
        (partial.state, partial.newly_lost),
        (CaState::Recovery, MSS)
    );
    assert_eq!(s.resend()[..], [5]);
    assert_eq!(s.pipe_and_quota(), (4, 1));
    // A full acknowledgment: 13 was outstanding since; min(ssthresh, FlightSize + SMSS).
    let full = s.ack(12, &[]);
    assert_eq!(full.state, CaState::Open);
    assert_eq!(s.windows(), (2, 5));
    assert_eq!(s.pipe_and_quota(), (1, 1));
}

/// RFC 6582 §3.2 step 2: duplicates of what was sent before a timeout prove nothing, not even when
/// the very end of it is acknowledged.
// proves RFC6582-3.2(2), RFC6582-3.2(4)
#[test]
fn needless_retransmissions_do_not_begin_recovery() {
    let mut s = Sender::new(false, 4);
    s.time_out();
    assert_eq!(s.resend()[..], [0]);
    assert_eq!(s.ack(4, &[]).state, CaState::Open);
    s.send(2);
    for _ in 0..5 {
        assert_eq!(s.ack(4, &[]).state, CaState::Disorder);
    }
    assert_eq!(s.windows(), (2, 2));
    // RFC 3042 §2: no more than two segments beyond the window meanwhile.
    s.send(2);
    assert_eq!(s.pipe_and_quota(), (2, 0));
    s.ack(5, &[]);
    for _ in 0..3 {
        s.ack(5, &[]);
    }
    assert_eq!(s.recovery.state(), CaState::Recovery);
}

/// RFC 6582 §6: `recover` follows SND.UNA, so that the wrap of the sequence space cannot block a
/// fast retransmit.
// proves RFC6582-6, RFC6582-3.2(1)
#[test]
fn four_gigabytes_without_loss_do_not_block_recovery() {
    let mut s = Sender::new(false, 0);
    let (mut seq, step) = (UNA, 1 << 29);
    for _ in 0..9 {
        s.recovery.on_sent(s.now, seq, step);
        seq += step;
        s.input(seq, &[], |_| {});
    }
    s.recovery.on_sent(s.now, seq, 5 * MSS);
    for _ in 0..3 {
        s.input(seq, &[], |_| {});
    }
    assert_eq!(s.recovery.state(), CaState::Recovery);
    assert_eq!(
        s.recovery.next_retransmit(&s.cc),
        Some(Retransmit { seq, len: MSS })
    );
}

/// RFC 5681 §3.1: the threshold follows what was in flight, not the window, and is held when the
/// same segment times out again; another segment lowers it.
// proves RFC5681-3.1eq.4, RFC5681-3.1#8
#[test]
fn the_threshold_by_flight_and_once_a_segment() {
    let mut s = Sender::new(true, 8);
    s.cc = Controller::new(Algorithm::NewReno, MSS);
    assert_eq!(s.windows().0, 10);
    s.time_out();
    assert_eq!(s.windows(), (1, 4));
    s.resend();
    s.time_out();
    s.resend();
    s.time_out();
    assert_eq!(s.windows(), (1, 4));
    s.resend();
    s.ack(1, &[]);
    assert_eq!(s.resend()[..], [1, 2]);
    s.time_out();
    assert_eq!(s.windows(), (1, 2));
}

/// RFC 5681 §4.3: a retransmission that is lost is a second sign of congestion.
// proves RFC5681-4.3
#[test]
fn a_lost_retransmission_reduces_again() {
    let mut s = Sender::new(true, 10);
    s.ack(0, &[(1, 4)]);
    assert_eq!(s.cc.ssthresh(), 5000);
    s.resend();
    s.time_out();
    assert_eq!(s.cc.ssthresh(), 2500);
}

/// RFC 2883 §4, §5: by the ACK number in the same segment, or inside the second block.
#[test]
fn duplicates_are_reported_by_the_first_block() {
    let mut s = Sender::new(true, 10);
    s.ack(4, &[]);
    assert!(s.ack(4, &[(2, 3)]).dsack);
    assert!(s.ack(4, &[(3, 4)]).dsack);
    assert!(s.ack(4, &[(6, 7), (6, 9)]).dsack);
    assert!(!s.ack(4, &[(5, 6), (8, 9)]).dsack);
    assert!(
        !s.ack(4, &[(6, 9), (2, 3)]).dsack,
        "only the first block reports"
    );
    assert!(!s.ack(4, &[(3, 2)]).dsack);
    assert!(!s.ack(4, &[]).dsack);
    // Too far below to be of this connection's window.
    let ancient = SackBlock {
        left: UNA.back(3 << 29),
        right: UNA,
    };
    assert!(!s.input(Sender::at(4), &[ancient], |_| {}).dsack);
    let mut plain = Sender::new(false, 10);
    assert!(!plain.ack(4, &[(2, 3)]).dsack);
}

#[test]
fn senseless_blocks_and_acks_change_nothing() {
    let mut s = Sender::new(true, 10);
    s.ack(2, &[]);
    let blocks = [
        (1, 5),
        (2, 5),
        (0, 1),
        (5, 5),
        (6, 5),
        (9, 11),
        (11, 12),
        (4_000_000, 5),
        (5, 4_000_000),
    ];
    for block in blocks {
        let sample = s.ack(2, &[block]);
        assert_eq!(
            (sample.newly_sacked, s.recovery.sacked()),
            (0, 0),
            "{block:?}"
        );
    }
    // A segment covered in part is missing.
    let part = SackBlock {
        left: Sender::at(4) + 1,
        right: Sender::at(6).back(1),
    };
    assert_eq!(s.input(Sender::at(2), &[part], |_| {}).newly_sacked, 0);
    for ack in [0, 1, 11, 4_000_000] {
        let sample = s.ack(ack, &[(4, 5)]);
        assert_eq!((sample.newly_acked, sample.newly_sacked), (0, 0), "{ack}");
    }
    assert_eq!(s.recovery.outstanding(), 8 * MSS);
}

/// RFC 8201 §5.4, RFC 5681 §3.1: what no longer fits is cut and sent again, at no cost to the window
/// but that it keeps the number of segments.
#[test]
fn a_smaller_mtu_is_not_congestion() {
    let mut s = Sender::new(true, 10);
    s.recovery.on_sent(s.now, Sender::at(10), 300);
    s.recovery.set_mss(400);
    s.cc.set_mss(400);
    s.recovery.on_mtu_reduced();
    assert_eq!(s.recovery.lost(), 10 * MSS);
    assert_eq!(
        (s.recovery.state(), s.cc.cwnd(), s.cc.ssthresh()),
        (CaState::Open, 4000, u32::MAX)
    );
    let mut sizes = arrayvec::ArrayVec::<u32, 64>::new();
    while let Some(lost) = s.recovery.next_retransmit(&s.cc) {
        s.recovery.on_retransmitted(s.now, lost.seq, lost.len);
        sizes.push(lost.len);
    }
    assert_eq!(sizes[..6], [400, 400, 200, 400, 400, 200]);
    assert!(s.recovery.in_flight() <= 4000);
    let sample = s.input(Sender::at(1), &[], |_| {});
    assert_eq!((sample.state, sample.newly_lost), (CaState::Open, 0));
}

/// A super-segment is cut where its segments fare differently.
#[test]
fn a_super_segment_counts_as_its_segments() {
    let mut s = Sender::new(true, 0);
    s.cc = Controller::new(Algorithm::NewReno, 8 * MSS);
    s.recovery.on_sent(s.now, UNA, 44 * MSS + 500);
    assert_eq!(s.ack(0, &[(10, 12)]).newly_sacked, 2 * MSS);
    assert_eq!(s.recovery.state(), CaState::Disorder);
    let sample = s.ack(0, &[(10, 13)]);
    assert_eq!(
        (sample.state, sample.newly_lost),
        (CaState::Recovery, 10 * MSS)
    );
    assert_eq!(s.resend()[..], [0]);
    let tail = SackBlock {
        left: Sender::at(44),
        right: Sender::at(44) + 500,
    };
    assert_eq!(s.input(UNA, &[tail], |_| {}).newly_sacked, 500);
}

/// A window of at least a segment always lets something out.
#[test]
fn every_mss_makes_progress() {
    for mss in [0, 1, 48, 65_535, u32::MAX] {
        let mut cc = Controller::new(Algorithm::Cubic, mss);
        cc.on_handshake_done(true);
        let mut recovery = Recovery::new(UNA, mss, true);
        assert_eq!(recovery.quota(&cc), cc.cwnd());
        recovery.set_mss(u32::MAX - mss);
        cc.set_mss(u32::MAX - mss);
        assert_eq!(recovery.quota(&cc), cc.cwnd());
    }
}

/// The goals of an idle connection.
#[test]
fn an_idle_connection_is_small() {
    let size = size_of::<Recovery>() + size_of::<Controller>();
    assert!(size <= 432, "{size}");
}
