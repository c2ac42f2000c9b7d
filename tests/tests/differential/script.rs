//! The language of the probes.
//!
//! A script is a list of steps apart by `;`. Between two steps the host has time to answer. A step
//! is a list of actions apart by `,`, which happen at once. An action is one of
//!
//! - a call of the host's application: `connect`, `accept`, `read`, `write N`, `shut`, `close`,
//!   `abort` (close with no linger), `unlisten`;
//! - a segment: its flags in capitals (`-` for none), its sequence number counted from the peer's
//!   SYN, then `aN` acknowledgement number counted from the host's SYN, `dN` bytes of the stream,
//!   `xN` bytes that differ from the stream, `wN` window, `uN` urgent pointer, `mssN`, `wsN`, `sok`,
//!   `tsN` timestamp counted from the first (`nots`: none, `ecrN`: how far the echo is off),
//!   `sbL-R` SACK block, `opt:hex` options as bytes, `offN` data offset in words, `badsum`,
//!   `portN` another source port;
//! - an ICMP error about the host's segment at `qN`: `icmp TYPE CODE`, with `wordN` in its second
//!   word, `portN` to quote another port of the peer's;
//! - `echo`, an echo request with `dN` bytes; `query TYPE`, another ICMP request; `udp`, a datagram
//!   to a port nobody has; `proto N`, a packet of a protocol nobody knows;
//! - `wait`: nothing.
//!
//! What is sent may have at the level of IP: `src:` and `dst:` (`host`, `loop`, `zero`, `bcast`,
//! `subnet`, `mcast`, `classe`, `net`), `ipopt:hex`, `ttlN`, `verN`, `ihlN`, `totN` added to the total length, `ipsum` a
//! wrong checksum, `frag:A-B+C-D` in fragments of these ranges of bytes (`x` behind a range: with
//! other bytes).
//!
//! Most scripts begin with a state of the host, which stands for the steps that lead there.

/// What a step is made of, as words.
pub(crate) type Action<'a> = Vec<&'a str>;

/// The steps that lead to a state; what is written behind its name goes into the peer's SYN.
const STATES: &[(&str, &str)] = &[
    ("syn-received", "S 0 mss1460 @"),
    ("open", "S 0 mss1460 @; A 1 a1; accept"),
    ("active", "connect; SA 0 a1 mss1460 @"),
    ("fin-wait-1", "S 0 mss1460 @; A 1 a1; accept; shut"),
    ("fin-wait-2", "S 0 mss1460 @; A 1 a1; accept; shut; A 1 a2"),
    ("closing", "S 0 mss1460 @; A 1 a1; accept; shut; FA 1 a1"),
    (
        "time-wait",
        "S 0 mss1460 @; A 1 a1; accept; shut; A 1 a2; FA 1 a2",
    ),
    ("close-wait", "S 0 mss1460 @; A 1 a1; accept; FA 1 a1"),
    ("last-ack", "S 0 mss1460 @; A 1 a1; accept; FA 1 a1; close"),
];

/// The script with states replaced by steps.
pub(crate) fn expand(script: &str) -> String {
    let steps = script.split(';').map(|step| {
        let step = step.trim();
        let (name, rest) = step.split_once(' ').unwrap_or((step, ""));
        STATES
            .iter()
            .find(|(state, _)| *state == name)
            .map_or_else(|| step.to_owned(), |(_, steps)| steps.replace('@', rest))
    });
    steps.collect::<Vec<_>>().join(";")
}

/// The actions of each step of an expanded script.
pub(crate) fn steps(script: &str) -> Vec<Vec<Action<'_>>> {
    script.split(';').map(actions).collect()
}

fn actions(step: &str) -> Vec<Action<'_>> {
    step.split(',')
        .map(|action| action.split_whitespace().collect())
        .filter(|action: &Action<'_>| !action.is_empty())
        .collect()
}

/// What follows `prefix` in the one word that begins with it, as a number.
///
/// # Panics
///
/// If it is no number: the script is wrong.
pub(crate) fn number(words: &[&str], prefix: &str) -> Option<i64> {
    let value = words.iter().find_map(|word| {
        let value = word.strip_prefix(prefix)?;
        value
            .starts_with(|c: char| c == '-' || c.is_ascii_digit())
            .then_some(value)
    })?;
    Some(value.parse().unwrap_or_else(|_| panic!("{words:?}")))
}

/// What follows `prefix`, as bytes.
///
/// # Panics
///
/// If it is not hexadecimal: the script is wrong.
pub(crate) fn hex(words: &[&str], prefix: &str) -> Option<Vec<u8>> {
    let value = words.iter().find_map(|word| word.strip_prefix(prefix))?;
    let digits: Vec<_> = value.bytes().collect();
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).expect("ASCII");
        u8::from_str_radix(pair, 16).unwrap_or_else(|_| panic!("{words:?}"))
    };
    Some(digits.chunks(2).map(byte).collect())
}

/// Whether a script has nothing that is of IPv4 alone: it may run over IPv6 as well.
pub(crate) fn is_of_both_versions(script: &str) -> bool {
    const OF_IPV4: [&str; 9] = [
        "src:", "dst:", "ipopt:", "ver", "ihl", "tot", "ipsum", "frag:", "proto",
    ];
    steps(script).iter().flatten().all(|action| {
        !matches!(action[0], "icmp" | "echo" | "query" | "udp")
            && !action
                .iter()
                .any(|word| OF_IPV4.iter().any(|prefix| word.starts_with(prefix)))
    })
}
