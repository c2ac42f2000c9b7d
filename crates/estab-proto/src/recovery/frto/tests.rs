use super::*;

const UNA: SeqNumber = SeqNumber::new(u32::MAX - 2);

fn at(segment: u32) -> SeqNumber {
    UNA + segment
}

/// After a timeout with ten segments out, of which the first was sent again.
fn started() -> Frto {
    let mut frto = Frto::start(UNA);
    frto.on_retransmitted(at(1));
    frto
}

/// An acknowledgment up to segment `una`, while everything before `nxt` is sent.
fn ack(una: u32, nxt: u32, sack: bool) -> Heard {
    Heard {
        una: at(una),
        nxt: at(nxt),
        highest: None,
        sack,
        advanced: true,
        duplicate: false,
        fresh: true,
    }
}

/// A duplicate, with `highest` selectively acknowledged if there is SACK.
fn duplicate(una: u32, nxt: u32, highest: Option<u32>) -> Heard {
    Heard {
        highest: highest.map(at),
        advanced: false,
        duplicate: true,
        fresh: highest.is_some(),
        ..ack(una, nxt, highest.is_some())
    }
}

#[test]
fn two_advances_prove_the_timeout_spurious() {
    for sack in [false, true] {
        let mut frto = started();
        assert!(frto.holds_back());
        assert_eq!(frto.probing(at(10)), None);
        assert_eq!(frto.on_ack(&ack(1, 10, sack)), Finding::Open);
        assert_eq!(frto, Frto::Probing { recover: at(10) });
        assert_eq!(frto.probing(at(12)), Some(2));
        assert_eq!(frto.on_ack(&ack(2, 12, sack)), Finding::Spurious);
        assert_eq!(frto, Frto::Off);
        assert_eq!(frto.on_ack(&ack(3, 12, sack)), Finding::Open);
    }
}

/// Step 2a: a duplicate without SACK, everything acknowledged, or a part of the first segment.
#[test]
fn the_first_acknowledgment_may_prove_nothing() {
    let lost = Finding::Lost { late: false };
    for heard in [
        duplicate(0, 10, None),
        ack(10, 10, false),
        ack(10, 10, true),
    ] {
        let mut frto = started();
        assert_eq!(frto.on_ack(&heard), lost, "{heard:?}");
        assert_eq!(frto, Frto::Off);
    }
    let mut frto = Frto::start(UNA);
    frto.on_retransmitted(at(2));
    assert_eq!(frto.on_ack(&ack(1, 10, true)), lost);
}

/// RFC 5682 §3.1 step 2: duplicates with SACK blocks are waited out.
#[test]
fn selective_acknowledgments_before_the_first_are_waited_out() {
    let mut frto = started();
    assert_eq!(frto.on_ack(&duplicate(0, 10, Some(3))), Finding::Open);
    assert_eq!(frto, Frto::Resent { end: at(1) });
    frto.on_ack(&ack(1, 10, true));
    assert_eq!(frto.on_ack(&duplicate(1, 12, Some(5))), Finding::Spurious);
}

/// Step 3a: a duplicate, or news of the new data before any of the old.
#[test]
fn the_second_acknowledgment_may_prove_a_loss() {
    let lost = Finding::Lost { late: true };
    for (heard, sack) in [
        (duplicate(1, 12, None), false),
        (duplicate(1, 12, Some(11)), true),
        (ack(11, 12, true), true),
        (
            Heard {
                fresh: false,
                ..ack(2, 12, true)
            },
            true,
        ),
    ] {
        let mut frto = started();
        frto.on_ack(&ack(1, 10, sack));
        assert_eq!(frto.on_ack(&heard), lost, "{heard:?}");
    }
    // Without SACK an advance is an advance (§2.1 step 3b).
    let mut frto = started();
    frto.on_ack(&ack(1, 10, false));
    assert_eq!(frto.on_ack(&ack(11, 12, false)), Finding::Spurious);
}

#[test]
fn what_neither_advances_nor_duplicates_is_ignored() {
    for steps in 0..2 {
        let mut frto = started();
        if steps > 0 {
            frto.on_ack(&ack(1, 10, true));
        }
        let before = frto;
        let update = Heard {
            advanced: false,
            fresh: false,
            ..ack(steps, 10, true)
        };
        assert_eq!(frto.on_ack(&update), Finding::Open);
        assert_eq!(frto, before);
    }
}

/// Step 2b: without new data the rest is sent again.
#[test]
fn a_retransmission_instead_of_new_data_ends_it() {
    let mut frto = started();
    frto.on_ack(&ack(1, 10, true));
    frto.on_retransmitted(at(2));
    assert_eq!(frto, Frto::Off);
}
