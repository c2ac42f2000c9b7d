use super::*;
use EcnCodepoint::{Ce, Ect0, Ect1, NotEct};
use EcnMode::{Accurate, Classic, Off};

fn config(ecn: Ecn) -> TcpConfig {
    TcpConfig {
        ecn,
        ..TcpConfig::modern()
    }
}

fn segment(ctl: Flags, ace: u8, ecn: EcnCodepoint) -> Segment<'static> {
    Segment {
        ctl: ctl.with_ace(ace),
        ecn,
        ..Segment::default()
    }
}

fn syn(ace: u8) -> Segment<'static> {
    segment(Flags::SYN, ace, NotEct)
}

fn syn_ack(ace: u8) -> Segment<'static> {
    segment(Flags::SYN | Flags::ACK, ace, NotEct)
}

// proves RFC9768-3.1.2#2, RFC3168-6.1.1#1, RFC3168-6.1.1#2, RFC8311-3
#[test]
fn all_eight_syns() {
    let table = [
        // AE CWR ECE, then what each setting makes of it.
        (0b000, [Off, Off, Off, Off]),
        (0b001, [Off, Accurate, Off, Accurate]),
        (0b010, [Off, Accurate, Off, Accurate]),
        (0b011, [Off, Classic, Classic, Classic]),
        (0b100, [Off, Accurate, Off, Accurate]),
        (0b101, [Off, Accurate, Off, Accurate]),
        (0b110, [Off, Accurate, Off, Accurate]),
        (0b111, [Off, Accurate, Classic, Accurate]),
    ];
    let settings = [Ecn::Off, Ecn::Passive, Ecn::Classic, Ecn::Accurate];
    for (ace, modes) in table {
        for (setting, mode) in settings.into_iter().zip(modes) {
            let agreed = Agreement::from_syn(&syn(ace), &config(setting));
            assert_eq!(agreed.mode, mode, "{ace:03b} {setting:?}");
            assert_eq!(agreed.ect, mode != Off);
            let answer = agreed.syn_ack_flags().ace();
            let expected = match mode {
                Off => 0b000,
                Classic => 0b001,
                Accurate => 0b010,
            };
            assert_eq!(answer, expected, "{ace:03b} {setting:?}");
        }
    }
}

// proves RFC9768-3.1.1,Table2
#[test]
fn the_answer_says_how_the_syn_arrived() {
    for (ecn, ace) in [(NotEct, 0b010), (Ect1, 0b011), (Ect0, 0b100), (Ce, 0b110)] {
        let syn = segment(Flags::SYN, 0b111, ecn);
        let agreed = Agreement::from_syn(&syn, &config(Ecn::Passive));
        assert_eq!(agreed.syn_ack_flags().ace(), ace);
    }
}

// proves RFC9768-3.1.2#1, RFC3168-6.1.1#5
#[test]
fn all_eight_syn_acks() {
    let table = [
        (0b000, Off, Off, false),
        (0b001, Classic, Classic, true),
        (0b010, Off, Accurate, true),
        // A SYN that was not ECN-capable cannot arrive as if it were.
        (0b011, Off, Accurate, false),
        (0b100, Off, Accurate, false),
        // Not defined yet: agrees (RFC 9768 §3.1.3). To RFC 3168, AE says nothing.
        (0b101, Classic, Accurate, true),
        (0b110, Off, Accurate, false),
        // Reflected.
        (0b111, Off, Off, false),
    ];
    for (ace, classic, accurate, ect) in table {
        let agreed = |ecn| Agreement::from_syn_ack(&syn_ack(ace), &config(ecn), 0);
        assert_eq!(agreed(Ecn::Off), Agreement::default());
        assert_eq!(agreed(Ecn::Passive), Agreement::default(), "not asked");
        assert_eq!(agreed(Ecn::Classic).mode, classic, "{ace:03b}");
        assert_eq!(agreed(Ecn::Accurate).mode, accurate, "{ace:03b}");
        assert_eq!(agreed(Ecn::Accurate).ect, ect, "{ace:03b}");
    }
}

// proves RFC9768-3.1.1#1, RFC9768-3.1.4.1, RFC3168-6.1.1.1, RFC3168-6.1.1#1
#[test]
fn a_syn_that_stays_unanswered_stops_asking() {
    let flags = |ecn, attempt| syn_flags(&config(ecn), attempt).ace();
    for attempt in 0..5 {
        assert_eq!(flags(Ecn::Off, attempt), 0b000);
        assert_eq!(flags(Ecn::Passive, attempt), 0b000);
    }
    let asked = [0, 1, 2, 3].map(|attempt| flags(Ecn::Classic, attempt));
    assert_eq!(asked, [0b011, 0b000, 0b000, 0b000]);
    let asked = [0, 1, 2, 3].map(|attempt| flags(Ecn::Accurate, attempt));
    assert_eq!(asked, [0b111, 0b111, 0b000, 0b000]);
}

// proves RFC3168-6.1.1#3
#[test]
fn nothing_is_ecn_capable_after_a_syn_that_did_not_ask() {
    for (ecn, ace, last) in [(Ecn::Classic, 0b001, 0), (Ecn::Accurate, 0b010, 1)] {
        for attempt in 0..4 {
            let agreed = Agreement::from_syn_ack(&syn_ack(ace), &config(ecn), attempt);
            assert_ne!(agreed.mode, Off, "the peer's marks are reported");
            assert_eq!(agreed.ect, attempt <= last, "{ecn:?} {attempt}");
        }
    }
}

// proves RFC9768-3.2.3.2.2
#[test]
fn a_repeated_syn_ack_loses_the_option_then_the_flags() {
    let accurate = Agreement::from_syn(&syn(0b111), &config(Ecn::Passive));
    let sent = |repeats| {
        let mut agreed = accurate;
        agreed.take_repetition(repeats);
        let option = agreed.syn_ack_option(repeats);
        (agreed.syn_ack_flags().ace(), option.is_some())
    };
    let all = [sent(0), sent(1), sent(2), sent(3)];
    let plain = (0b000, false);
    assert_eq!(all, [(0b010, true), (0b010, false), plain, plain]);
    let option = accurate.syn_ack_option(0).unwrap();
    let counters = (option.e0b(), option.ceb(), option.e1b());
    assert_eq!(counters, (Some(1), Some(0), Some(1)));

    let mut classic = Agreement::from_syn(&syn(0b011), &config(Ecn::Passive));
    classic.take_repetition(3);
    assert_eq!(classic.syn_ack_flags().ace(), 0b001);
    assert_eq!(classic.syn_ack_option(0), None);
}

// proves RFC9768-3.1.5#1, RFC9768-3.1.5#2
#[test]
fn a_repeated_syn_may_give_up_but_not_change_its_mind() {
    let passive = config(Ecn::Passive);
    for (first, changed, same) in [(0b111, 0b011, 0b111), (0b011, 0b111, 0b011)] {
        let mut agreed = Agreement::from_syn(&syn(first), &passive);
        let before = agreed;
        assert!(agreed.take_repeated_syn(&syn(same), &passive));
        assert_eq!(agreed, before);
        assert!(!agreed.take_repeated_syn(&syn(changed), &passive));
        assert!(agreed.take_repeated_syn(&syn(0b000), &passive));
        assert_eq!((agreed.mode, agreed.ect), (before.mode, false));
        assert_eq!(agreed.syn_ack_flags().ace(), 0b000);
    }
    // To RFC 3168 both are the same.
    let classic = config(Ecn::Classic);
    let mut agreed = Agreement::from_syn(&syn(0b111), &classic);
    assert!(agreed.take_repeated_syn(&syn(0b111), &classic));
    assert!(agreed.take_repeated_syn(&syn(0b011), &classic));
    // Who did not ask at first does not get it later.
    let mut agreed = Agreement::from_syn(&syn(0b000), &passive);
    assert!(agreed.take_repeated_syn(&syn(0b111), &passive));
    assert_eq!(agreed, Agreement::default());
}

#[test]
fn syns_that_cross_agree_on_what_both_asked_for() {
    let crossed = |ecn, ace, attempt| {
        let agreed = Agreement::from_crossing_syn(&syn(ace), &config(ecn), attempt);
        (agreed.mode, agreed.ect)
    };
    assert_eq!(crossed(Ecn::Passive, 0b111, 0), (Off, false));
    assert_eq!(crossed(Ecn::Accurate, 0b111, 0), (Accurate, true));
    assert_eq!(crossed(Ecn::Accurate, 0b011, 0), (Classic, true));
    assert_eq!(crossed(Ecn::Classic, 0b111, 0), (Classic, true));
    assert_eq!(crossed(Ecn::Classic, 0b000, 0), (Off, false));
    assert_eq!(crossed(Ecn::Accurate, 0b111, 2), (Accurate, false));
}

#[test]
fn a_cookie_is_read_by_the_count_that_comes_back() {
    let recalled = |ecn, ace, classic| {
        let seg = segment(Flags::ACK, ace, NotEct);
        Agreement::from_cookie(&seg, &config(ecn), classic).mode
    };
    for ace in 0..8 {
        let accurate = if ace < 2 { Off } else { Accurate };
        assert_eq!(recalled(Ecn::Passive, ace, false), accurate, "{ace}");
        assert_eq!(recalled(Ecn::Passive, ace, true), Classic);
        assert_eq!(recalled(Ecn::Off, ace, true), Off);
        assert_eq!(recalled(Ecn::Classic, ace, false), Off);
    }
}

/// Only an ECN-capable packet may be marked, and no path does anything else.
#[test]
fn what_a_path_may_do_to_the_field() {
    let all = [NotEct, Ect1, Ect0, Ce];
    for sent in all {
        for arrived in all {
            let fine =
                arrived == sent || matches!((sent, arrived), (Ect0 | Ect1, Ect0 | Ect1 | Ce));
            assert_eq!(
                is_plausible(sent, handshake_ace(arrived)),
                fine,
                "{sent} {arrived}"
            );
        }
        for unused in [0b000, 0b001, 0b101, 0b111] {
            assert!(is_plausible(sent, unused));
        }
    }
}
