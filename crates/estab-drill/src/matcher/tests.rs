use super::*;
use crate::ast::{Action, Script};
use crate::parser::parse;

const RULES: Rules = Rules {
    compare_push: true,
    timestamp_tick: 1_000,
    tolerance: 4_000,
};

fn packet(text: &str) -> Packet {
    let Script { events, .. } = parse(&format!("+0 > {text}")).unwrap();
    match &events[0].action {
        Action::Outbound(packet) => packet.clone(),
        other => panic!("{other:?}"),
    }
}

fn compare(expected: &str, actual: &str, rules: Rules) -> Vec<&'static str> {
    differences(&packet(expected), &packet(actual), rules)
}

const FULL: &str = "[noecn] (ttl 64) P. 1:101(100) ack 5 win 7 <nop,nop,TS val 100 ecr 3>";

#[test]
fn the_same_is_no_difference() {
    assert!(compare(FULL, FULL, RULES).is_empty());
    let less = "P. 1:101(100) ack 5 <...>";
    assert!(compare(less, FULL, RULES).is_empty());
}

#[test]
fn every_difference_is_named() {
    for (change, to, name) in [
        ("noecn", "ce", "ECN bits"),
        ("ttl 64", "ttl 63", "time to live"),
        ("P.", "FP.", "flags"),
        ("P.", ".", "flags"),
        ("1:101", "2:102", "sequence number"),
        ("1:101(100)", "1:100(99)", "length"),
        ("ack 5", "ack 6", "acknowledgement number"),
        ("win 7", "win 8", "window"),
        ("ack 5 win 7", "ack 5 win 7 urg 1", "urgent pointer"),
        ("ecr 3", "ecr 4", "options"),
        ("nop,nop,", "", "options"),
        ("val 100", "val 105", "options"),
    ] {
        let actual = FULL.replace(change, to);
        assert_eq!(compare(FULL, &actual, RULES), [name], "{actual}");
    }
}

#[test]
fn push_counts_only_where_the_data_ends() {
    let rules = Rules {
        compare_push: false,
        ..RULES
    };
    assert!(compare("P. 1:2(1) ack 1", ". 1:2(1) ack 1", rules).is_empty());
}

#[test]
fn timestamps_may_be_off_by_the_tolerance_or_do_not_count() {
    let near = FULL.replace("val 100", "val 104");
    assert!(compare(FULL, &near, RULES).is_empty());
    let rules = Rules {
        timestamp_tick: 0,
        ..RULES
    };
    let far = FULL.replace("val 100", "val 9999");
    assert!(compare(FULL, &far, rules).is_empty());
}

#[test]
fn either_mark_fits_ect01() {
    assert!(compare("[ect01] . 1:1(0) ack 1", "[ect1] . 1:1(0) ack 1", RULES).is_empty());
    assert_eq!(
        compare("[ect01] . 1:1(0) ack 1", "[ce] . 1:1(0) ack 1", RULES),
        ["ECN bits"]
    );
}
