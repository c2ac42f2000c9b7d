use super::*;

/// A script that passes: every test here breaks it in one place.
const GOOD: &str = "
 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 1000 <mss 1000,sackOK,TS val 5 ecr 0,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 100 ecr 5,nop,wscale 10>
+.1 < . 1:1(0) ack 1 win 257 <nop,nop,TS val 6 ecr 100>
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 500) = 500
+0 > P. 1:501(500) ack 1 <nop,nop,TS val 200 ecr 6>
+.3 > P. 1:501(500) ack 1 <nop,nop,TS val 500 ecr 6>
+0 read(4, ..., 10) = -1 EAGAIN (no)
+0 %{ assert tcpi_unacked == 1 }%
";

fn good() -> String {
    GOOD.replace(
        "+0 read",
        "+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n+0 read",
    )
}

fn failure(text: &str) -> Option<Box<Failure>> {
    let results = run_text(text, &Options::default());
    results.into_iter().find_map(|(_, result)| result.err())
}

#[test]
fn a_right_script_passes_in_three_variants() {
    let results = run_text(&good(), &Options::default());
    assert_eq!(results.len(), 3);
    for (variant, result) in results {
        assert!(result.is_ok(), "{variant:?} {}", result.unwrap_err());
    }
}

#[test]
fn a_script_for_one_version_runs_in_that_alone() {
    let text = format!("--ip_version=ipv6\n{}", good());
    let results = run_text(&text, &Options::default());
    assert_eq!(results.len(), 1);
    assert_eq!(results[0].0, Some(Variant::Ipv6));
}

#[test]
fn wrong_scripts_fail_in_the_line_that_is_wrong() {
    for (right, wrong, message) in [
        // A changed acknowledgement, flag, length, sequence number.
        (
            "+0 > S. 0:0(0) ack 1",
            "+0 > S. 0:0(0) ack 2",
            "acknowledgement number",
        ),
        ("+0 > P. 1:501(500)", "+0 > . 1:501(500)", "flags"),
        ("+0 > P. 1:501(500)", "+0 > P. 1:401(400)", "length"),
        (
            "+0 > P. 1:501(500)",
            "+0 > P. 2:502(500)",
            "sequence number",
        ),
        // A missing, an additional, a changed option.
        ("nop,wscale 10", "nop,nop,nop,nop", "options"),
        (
            "<mss 1460,sackOK,TS val 100 ecr 5,nop,wscale 10>",
            "",
            "options",
        ),
        ("mss 1460", "mss 1461", "options"),
        ("ecr 6>\n+.3", "ecr 7>\n+.3", "options"),
        // A shifted time.
        ("+.3 >", "+.29 >", "no packet"),
        ("+.3 >", "+.31 >", "time"),
        ("+.3 >", "+.1~+.2 >", "no packet"),
        // A wrong window.
        ("ack 1 <mss 1460", "ack 1 win 1 <mss 1460", "window"),
        // A packet that nobody expects, at the end and between lines.
        (
            "+.3 > P. 1:501(500) ack 1 <nop,nop,TS val 500 ecr 6>",
            "+.3 `true`",
            "after the last",
        ),
        (
            "+0 > P. 1:501(500) ack 1 <nop,nop,TS val 200 ecr 6>",
            "",
            "differ",
        ),
        (
            "+.3 > P",
            "+.5 < R. 1:1(0) ack 1 win 0\n+.3 > P",
            "no line expects",
        ),
        // A packet that nobody sends.
        ("+0 accept", "+0 > . 1:1(0) ack 1\n+0 accept", "no packet"),
        // Results of calls.
        ("= 500", "= 499", "result differs"),
        ("EAGAIN", "EPIPE", "result differs"),
        ("+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0", "", "blocks"),
        ("+0 read", "+0...5 read", "time differs"),
        ("fcntl(4,", "fcntl(9,", "not open"),
        // Assertions, commands, calls, options that are wrong or not known.
        ("tcpi_unacked == 1", "tcpi_unacked == 2", "assertion failed"),
        (
            "tcpi_unacked == 1",
            "tcpi_reordering == 0",
            "tcpi_reordering",
        ),
        ("+0 listen", "+0 `frobnicate`\n+0 listen", "frobnicate"),
        (
            "+0 listen(3, 1) = 0",
            "+0 listen(3, 1) = 0\n+0 splice(3) = 0",
            "splice",
        ),
        ("\n 0 socket", "--blub=1\n 0 socket", "blub"),
    ] {
        let text = good();
        assert!(text.contains(right), "{right}");
        let text = text.replacen(right, wrong, 1);
        let Some(failure) = failure(&text) else {
            panic!("'{wrong}' passes");
        };
        let shown = failure.to_string();
        assert!(shown.contains(message), "'{wrong}': {shown}");
    }
}

#[test]
fn a_difference_shows_both_packets() {
    let text = good().replace("+0 > P. 1:501(500) ack 1", "+0 > P. 1:501(500) ack 9");
    let shown = failure(&text).unwrap().to_string();
    assert!(
        shown.contains("expected    0.100000 P. 1:501(500) ack 9"),
        "{shown}"
    );
    assert!(
        shown.contains("actual      0.100000 P. 1:501(500) ack 1"),
        "{shown}"
    );
}

#[test]
fn segments_of_an_instant_count_as_one_unless_the_script_is_strict() {
    let text = good().replace("500", "1976").replace("1:501", "1:1977");
    // Of two segments the last probes, and earlier than the timeout.
    let text = text.replace("+.3 > P. 1:1977(1976)", "+.2 > P. 989:1977(988)");
    let text = text.replace("TS val 1976", "TS val 400");
    let text = text.replace("tcpi_unacked == 1", "tcpi_unacked == 2");
    assert!(failure(&text).is_none(), "{}", failure(&text).unwrap());
    let strict = format!("--strict_segments\n{text}");
    assert!(failure(&strict).unwrap().to_string().contains("length"));
}

#[test]
fn a_missing_feature_is_told_by_name() {
    let text = "
         0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
        +0 bind(3, ..., ...) = 0
        +0 listen(3, 1) = 0
        +0 < S 0:0(0) win 1000 <mss 1000,FO,nop,nop>
        +0 > S. 0:0(0) ack 1 <mss 1460,FO 0102030405060708,nop,nop>
    ";
    let shown = failure(text).unwrap().to_string();
    assert!(shown.contains("TCP fast open"), "{shown}");
}

#[test]
fn defines_replace_whole_words() {
    let defines = vec![("WIN".to_owned(), "1000".to_owned())];
    assert_eq!(replace_names("win WIN WINDOW", &defines), "win 1000 WINDOW");
}
