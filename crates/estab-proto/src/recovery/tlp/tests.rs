use super::*;

const NXT: SeqNumber = SeqNumber::new(1000);

/// A probe is out, new data or not.
fn probed(again: bool) -> Tlp {
    let mut tlp = Tlp::new(SeqNumber::new(0));
    tlp.is |= Is::MEASURED | Is::DUE;
    assert!(tlp.on_sent(NXT, again));
    assert!(!tlp.is_due() && !tlp.may_probe());
    tlp
}

fn reply(ack: SeqNumber) -> Reply {
    Reply {
        ack,
        dsack: None,
        bare_duplicate: false,
    }
}

fn is_out(tlp: Tlp) -> bool {
    tlp.is.contains(Is::OUT)
}

/// Both the probe and its original arrived: there was no loss.
// proves RFC8985-7.4.2
#[test]
fn a_report_of_both_is_no_loss() {
    let mut tlp = probed(true);
    assert!(!tlp.on_ack(reply(NXT)), "one of the two");
    assert!(is_out(tlp));
    let twice = Reply {
        dsack: Some(NXT),
        ..reply(NXT)
    };
    assert!(tlp.is_duplicate_report(twice.dsack));
    assert!(!tlp.on_ack(twice));
    assert!(!is_out(tlp));
    // A peer without D-SACK repeats its acknowledgment.
    let mut tlp = probed(true);
    tlp.on_ack(reply(NXT));
    let bare = Reply {
        bare_duplicate: true,
        ..reply(NXT)
    };
    assert!(!tlp.on_ack(bare));
    assert!(!is_out(tlp));
    assert!(!tlp.on_ack(reply(NXT + 1)));
}

/// Nothing says so until data beyond the probe is acknowledged: it repaired a loss. Once.
#[test]
fn silence_about_the_original_is_a_loss() {
    let mut tlp = probed(true);
    assert!(!tlp.on_ack(reply(NXT.back(1))), "not covered");
    assert!(!tlp.on_ack(reply(NXT)));
    let elsewhere = Reply {
        dsack: Some(NXT.back(500)),
        ..reply(NXT + 1)
    };
    assert!(tlp.on_ack(elsewhere));
    assert!(!tlp.on_ack(reply(NXT + 2)));
}

/// New data as a probe is sent once only, so its acknowledgment says nothing of a loss.
#[test]
fn new_data_repairs_nothing() {
    let mut tlp = probed(false);
    assert!(!tlp.is_duplicate_report(Some(NXT)));
    assert!(!tlp.on_ack(reply(NXT)));
    assert!(!is_out(tlp));
}

// proves RFC8985-7.3#1
#[test]
fn one_probe_for_each_measurement() {
    let mut tlp = Tlp::new(SeqNumber::new(0));
    assert!(!tlp.may_probe(), "nothing was measured");
    tlp.on_sample();
    assert!(tlp.may_probe());
    tlp.is |= Is::DUE;
    tlp.on_sent(NXT, false);
    tlp.on_sample();
    assert!(!tlp.may_probe(), "the last one is out");
    tlp.on_ack(reply(NXT));
    assert!(tlp.may_probe());
    let mut tlp = probed(false);
    tlp.on_ack(reply(NXT));
    assert!(!tlp.may_probe(), "measured before the probe");
    // An episode forgets the probe, but not that.
    let mut tlp = probed(true);
    tlp.reset();
    assert!(!is_out(tlp) && !tlp.may_probe());
}
