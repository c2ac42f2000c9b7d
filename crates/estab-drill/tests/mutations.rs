//! Scripts made wrong in one place must fail: every packet that every script expects is left out,
//! shifted in time, and changed in its numbers.

use std::fs;
use std::path::Path;

use estab_drill::{Options, Variant, find, run_text};

/// Whether the line expects a packet.
fn expects_packet(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next().is_some_and(|time| !time.starts_with("//")) && words.next() == Some(">")
}

/// The line without its packet: time passes all the same.
fn without_packet(line: &str) -> Option<String> {
    let (time, _) = line.split_once('>')?;
    let is_moment = !time.contains(['~', '*']);
    is_moment.then(|| format!("{time}`true`"))
}

/// The line ten milliseconds later.
fn later(line: &str) -> Option<String> {
    let (time, packet) = line.split_once('>')?;
    let seconds: f64 = time.trim().strip_prefix('+')?.parse().ok()?;
    Some(format!("+{:.6} >{packet}", seconds + 0.01))
}

/// The line with the number after `ack ` one more.
fn other_ack(line: &str) -> Option<String> {
    let (before, after) = line.split_once(" ack ")?;
    let digits = after.find(|c: char| !c.is_ascii_digit());
    let (number, rest) = after.split_at(digits.unwrap_or(after.len()));
    let number = number.parse::<u32>().ok()?.wrapping_add(1);
    Some(format!("{before} ack {number}{rest}"))
}

/// The line with both sequence numbers one more; not in a SYN, where the numbers are defined.
fn other_seq(line: &str) -> Option<String> {
    let range = line
        .split_whitespace()
        .find(|word| word.ends_with(')') && word.contains(":"))?;
    let (seq, rest) = range.split_once(':')?;
    let (end, len) = rest.split_once('(')?;
    let more = |number: &str| Some(number.parse::<u32>().ok()?.wrapping_add(1));
    let changed = format!("{}:{}({len}", more(seq)?, more(end)?);
    let is_syn = line
        .split_whitespace()
        .any(|word| word.starts_with('S') && word.chars().all(|c| "SEWA.".contains(c)));
    (!is_syn).then(|| line.replacen(range, &changed, 1))
}

/// The line without options.
fn without_options(line: &str) -> Option<String> {
    let (before, options) = line.rsplit_once('<')?;
    (options != "...>").then(|| before.to_owned())
}

/// The line with the other of the two ECN fields that are sent.
fn other_ecn(line: &str) -> Option<String> {
    let [from, to] = match line.contains("[ect0]") {
        true => ["[ect0]", "[noecn]"],
        false => ["[noecn]", "[ect0]"],
    };
    line.contains(from).then(|| line.replacen(from, to, 1))
}

#[test]
fn every_change_of_an_expected_packet_fails() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let mutations = [
        without_packet,
        later,
        other_ack,
        other_seq,
        other_ecn,
        without_options,
    ];
    let mut survivors = Vec::new();
    let mut killed = 0;
    for script in find(&folder).unwrap() {
        let text = fs::read_to_string(&script).unwrap();
        let variant = match text.contains("--ip_version=ipv6") {
            true => Variant::Ipv6,
            false => Variant::Ipv4,
        };
        let options = Options {
            variants: vec![variant],
            ..Options::default()
        };
        let lines: Vec<_> = text.lines().collect();
        for (at, line) in lines
            .iter()
            .enumerate()
            .filter(|(_, line)| expects_packet(line))
        {
            for changed in mutations.iter().filter_map(|mutate| mutate(line)) {
                let mut lines = lines.clone();
                lines[at] = &changed;
                let results = run_text(&lines.join("\n"), &options);
                if results.iter().all(|(_, result)| result.is_ok()) {
                    survivors.push(format!("{}: {changed}", script.display()));
                } else {
                    killed += 1;
                }
            }
        }
    }
    assert!(
        survivors.is_empty(),
        "these pass:\n{}",
        survivors.join("\n")
    );
    assert!(killed > 3_000, "only {killed} changes were tried");
}

/// Numbers that are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

#[test]
fn garbage_is_an_error_and_never_a_panic() {
    const PIECES: [&str; 16] = [
        "",
        "9",
        "-1",
        "4294967295",
        "99999999999999999999",
        ".",
        "*",
        "~",
        "<",
        ">",
        "`",
        "%{",
        "}%",
        "(",
        "...",
        "\u{e4}",
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let options = Options {
        variants: vec![Variant::Ipv4],
        ..Options::default()
    };
    for script in find(&folder).unwrap() {
        let text = fs::read_to_string(&script).unwrap();
        let words: Vec<_> = text.split_inclusive([' ', '\n', ',', ':', '(']).collect();
        for _ in 0..8 {
            let mut words = words.clone();
            let at = numbers.below(words.len());
            words[at] = PIECES[numbers.below(PIECES.len())];
            let _ = run_text(&words.concat(), &options);
        }
    }
}
