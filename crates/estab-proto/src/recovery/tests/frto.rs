//! F-RTO: the acknowledgments after a timeout decide whether it was spurious (RFC 5682).

use estab_timer::Duration;

use super::spurious::{later, reordered, sender, state};
use crate::recovery::{CaState, Evidence};

/// F-RTO (RFC 5682 §2.1, §3.1), for want of timestamps: the second acknowledgment decides.
// proves RFC5682-2.1(2b), RFC5682-2.1(3b)
#[test]
fn a_timeout_is_undone_by_frto() {
    for sack in [false, true] {
        let mut s = sender(sack, 10);
        let before = state(&s);
        later(&mut s, 300);
        s.time_out();
        assert_eq!(s.resend()[..], [0]);
        later(&mut s, 200);
        assert_eq!(s.ack(1, &[]).spurious, None);
        // New data, not what was outstanding.
        assert_eq!(s.resend()[..], []);
        assert!(s.recovery.wants_new_data());
        assert_eq!(s.pipe_and_quota(), (0, 2));
        s.send(2);
        assert_eq!(s.rescue(), None);
        let sample = s.ack(2, &[]);
        let spurious = sample.spurious.unwrap();
        assert_eq!(spurious.evidence, Evidence::Acknowledgments);
        assert!(spurious.timeout && spurious.undone);
        assert_eq!((sample.state, state(&s)), (CaState::Open, before));
        assert_eq!(sample.rtt, Some(Duration::from_millis(500)));
        assert_eq!((s.recovery.lost(), s.pipe_and_quota().0), (0, 10));
        assert_eq!(s.recovery.total_retransmits(), 1);
        // Duplicates may begin fast recovery at once (§2.2).
        s.ack(2, &[(3, 4)]);
        s.ack(2, &[(3, 5)]);
        s.ack(2, &[(3, 6)]);
        assert_eq!(s.recovery.state(), CaState::Recovery);
    }
}

/// RFC 5682 §3.1 step 3: what was selectively acknowledged counts if it was sent before.
// proves RFC5682-3.1(2)-(3)
#[test]
fn selective_acknowledgments_decide_as_well() {
    let mut s = sender(true, 10);
    later(&mut s, 300);
    s.time_out();
    s.resend();
    s.ack(0, &[(3, 4)]);
    assert_eq!(s.recovery.state(), CaState::Loss);
    s.ack(1, &[]);
    s.send(2);
    assert!(s.ack(1, &[(4, 5)]).spurious.is_some());
    assert_eq!(s.recovery.state(), CaState::Disorder);

    let mut s = sender(true, 10);
    later(&mut s, 300);
    s.time_out();
    s.resend();
    s.ack(1, &[]);
    s.send(2);
    assert_eq!(s.ack(1, &[(10, 11)]).spurious, None);
    // Three segments are in the window now, and two of them are out.
    assert_eq!(s.windows(), (3, 5));
    assert_eq!(s.resend()[..], [1, 2]);
}

/// RFC 5682 §2.1 step 2a and 3a: a real loss. Everything is sent again in slow start.
// proves RFC5682-2.1(2a), RFC5682-2.1(3a), RFC5682-4
#[test]
fn a_real_loss_is_recovered_by_slow_start() {
    let mut s = sender(false, 10);
    s.time_out();
    s.resend();
    // Step 2a: a duplicate.
    s.ack(0, &[]);
    s.ack(1, &[]);
    assert_eq!(s.resend()[..], [1, 2]);

    let mut s = sender(false, 10);
    s.time_out();
    s.resend();
    s.ack(1, &[]);
    s.send(2);
    // Step 3a: a duplicate.
    s.ack(1, &[]);
    assert_eq!(s.windows(), (3, 5));
    assert_eq!(s.resend()[..], [1]);
    s.ack(2, &[]);
    assert_eq!(s.resend()[..], [2, 3]);
    assert_eq!(s.recovery.state(), CaState::Loss);
}

/// RFC 5682 §2.1 step 2b: no new data, no test.
#[test]
fn without_new_data_everything_is_sent_again() {
    let mut s = sender(true, 10);
    s.time_out();
    s.resend();
    s.ack(1, &[]);
    assert_eq!(s.rescue(), Some(1));
    assert_eq!(s.resend()[..], [2]);
    assert_eq!(s.ack(2, &[]).spurious, None);
}

/// RFC 5682 §2.1 step 1: another timeout of the same segment starts it again; one in an earlier
/// recovery does not.
// proves RFC5682-2.1/3.1, RFC5682-2.1(1)
#[test]
fn when_frto_runs() {
    let mut s = sender(true, 10);
    s.time_out();
    s.resend();
    s.time_out();
    s.resend();
    s.ack(1, &[]);
    assert_eq!(s.resend()[..], []);
    s.send(2);
    // A third timeout, for another segment, while it runs: the usual recovery.
    s.time_out();
    assert_eq!(s.resend()[..], [1]);
    s.ack(2, &[]);
    assert_eq!(s.resend()[..], [2, 3]);

    let mut s = sender(true, 10);
    reordered(&mut s);
    s.time_out();
    s.resend();
    s.ack(1, &[(1, 4)]);
    s.ack(4, &[]);
    assert_eq!(s.resend()[..], [4, 5]);
}
