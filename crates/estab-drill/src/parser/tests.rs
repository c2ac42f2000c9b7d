use crate::ast::*;
use crate::parser::parse;

fn only_action(text: &str) -> Action {
    let script = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(script.events.len(), 1, "{text}");
    script.events.into_iter().next().unwrap().action
}

fn segment(text: &str) -> Tcp {
    match only_action(text) {
        Action::Inbound(Packet {
            body: Body::Tcp(tcp),
            ..
        })
        | Action::Outbound(Packet {
            body: Body::Tcp(tcp),
            ..
        }) => tcp,
        other => panic!("{other:?}"),
    }
}

#[test]
fn options_stand_at_the_head() {
    let script = parse("--ip_version=ipv4\n--mss=1000 --strict_segments\n").unwrap();
    let names: Vec<_> = script
        .options
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["ip_version", "mss", "strict_segments"]);
    assert_eq!(script.options[1].1, "1000");
}

#[test]
fn every_form_of_time_is_read() {
    for (text, time) in [
        ("1.5 `true`", Time::At(1_500_000)),
        ("+.1 `true`", Time::After(100_000)),
        ("* `true`", Time::Any),
        ("`true`", Time::Any),
        ("1~2 `true`", Time::AtBetween(1_000_000, 2_000_000)),
        ("+0~+.2 `true`", Time::AfterBetween(0, 200_000)),
        ("+.1~.2 `true`", Time::AfterBetween(100_000, 200_000)),
    ] {
        assert_eq!(parse(text).unwrap().events[0].time, time, "{text}");
    }
}

#[test]
fn a_call_may_block() {
    let Action::Call(call) = only_action("+0...0.25 read(4, ..., 10) = 10") else {
        panic!("not a call");
    };
    assert_eq!(call.end, Some(250_000));
    assert!(parse("+0...1 > . 1:1(0) ack 1").is_err());
}

#[test]
fn segments_are_read_to_the_last_field() {
    let tcp = segment("+0 < FPU. 1:11(10) ack 5 win 100 urg 3 <nop,nop,TS val 1 ecr 2>");
    assert_eq!(tcp.flags, flag::FIN | flag::PSH | flag::URG | flag::ACK);
    assert_eq!((tcp.seq, tcp.len, tcp.ack), (1, 10, 5));
    assert_eq!((tcp.window, tcp.urgent), (Some(100), Some(3)));
    assert_eq!(tcp.options.unwrap().len(), 3);
    assert_eq!(segment("+0 > - 1:1(0)").flags, 0);
    assert_eq!(segment("+0 > . 1:1(0) ack 1 <...>").options, None);
}

#[test]
fn ecn_stands_in_brackets_and_in_flags() {
    let Action::Inbound(packet) = only_action("+0 < [ect0] SEWA 0:0(0) win 1") else {
        panic!("not a packet");
    };
    assert_eq!(packet.ecn, Some(Ecn::Ect0));
    let all = flag::ECE | flag::CWR | flag::AE;
    assert_eq!(segment("+0 < SEWA 0:0(0) win 1").flags, flag::SYN | all);
    assert_eq!(
        segment("+0 < 5. 1:1(0) ack 1 win 1").flags,
        flag::ACK | flag::AE | flag::ECE
    );
}

#[test]
fn every_option_is_read() {
    let options = |text: &str| {
        segment(&format!("+0 < S 0:0(0) win 1 <{text}>"))
            .options
            .unwrap()
    };
    let common = options("mss 1460,sackOK,nop,eol,wscale 7,TS val 1 ecr 0,sack 1:2 3:4");
    assert_eq!(common.len(), 7);
    assert_eq!(common[6], TcpOption::Sack(vec![(1, 2), (3, 4)]));
    let rare = options("FO 0a0b,FOEXP,ECN e1b 1 ceb 2 e0b 3,md5");
    assert_eq!(rare[0], TcpOption::FastOpen(vec![10, 11]));
    let counters = [
        (EcnCounter::E1, 1),
        (EcnCounter::Ce, 2),
        (EcnCounter::E0, 3),
    ];
    assert_eq!(rare[2], TcpOption::AccEcn(counters.to_vec()));
    assert_eq!(rare[3], TcpOption::Md5(None));
}

#[test]
fn icmp_errors_quote_a_segment() {
    let text = "+0 < [1:1001(1000)] icmp unreachable frag_needed mtu 1200";
    let Action::Inbound(Packet {
        body: Body::Icmp(icmp),
        ..
    }) = only_action(text)
    else {
        panic!("not an ICMP packet");
    };
    assert_eq!(
        (icmp.kind, icmp.mtu, icmp.quoted),
        (IcmpKind::TooBig, 1200, (1, 1000))
    );
    assert!(parse("+0 < icmp unreachable host_unreachable").is_err());
}

#[test]
fn arguments_nest() {
    let text = "+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1";
    let Action::Call(call) = only_action(text) else {
        panic!("not a call");
    };
    let Arg::List(list) = &call.args[0] else {
        panic!("not a list");
    };
    assert!(matches!(&list[0], Arg::Struct(fields) if fields.len() == 3));
    let text = r#"+0 bind(3, {sa_family = AF_INET, sin_port = htons(80), sin_addr = inet_addr("1.2.3.4")}, ...) = 0"#;
    assert!(matches!(only_action(text), Action::Call(_)));
}

#[test]
fn an_errno_and_its_note_follow_minus_one() {
    let Action::Call(call) = only_action("+0 read(3, ..., 1) = -1 EAGAIN (again)") else {
        panic!("not a call");
    };
    assert_eq!(call.result, CallResult::Errno("EAGAIN".into()));
}

#[test]
fn what_is_not_understood_is_named_with_its_line() {
    for (text, line, word) in [
        ("+0 < Q 0:0(0) win 1", 1, "'Q'"),
        ("\n+0 < S 0:0(0) win 1 <blub 1>", 2, "'blub'"),
        ("+0 < S 0:0(0) win 1 <FO TFO_COOKIE>", 1, "TCP fast open"),
        ("+0 < . 1:1(0) win 1", 1, "'ack'"),
        ("+0 < . 1:5(3) ack 1 win 1", 1, "length"),
        ("+0 < . 1:70001(70000) ack 1 win 1", 1, "longer than IP"),
        ("+0 < S 0:0(0) win 1 <md5,md5,md5>", 1, "40 bytes"),
        ("+0 < udp (10)", 1, "udp"),
        ("+0 read(4", 1, "')'"),
        ("+0 `true", 1, "'`'"),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.line, line, "{text}");
        assert!(error.message.contains(word), "{text}: {error}");
    }
}
