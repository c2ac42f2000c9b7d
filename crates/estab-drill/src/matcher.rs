//! What the script expects against what the stack sent.

use crate::ast::{Body, Ecn, Packet, Tcp, TcpOption, flag};

/// How closely to look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Whether PSH counts: only where the packet ends the data written so far. Elsewhere it tells of
    /// the sender's cutting, not of the stream.
    pub(crate) compare_push: bool,
    /// Microseconds of a tick of the stack's timestamps; 0 leaves their values alone.
    pub(crate) timestamp_tick: i64,
    /// How far a time may be off, in microseconds.
    pub(crate) tolerance: i64,
}

/// What differs, a word each; nothing if the packet is the expected one.
pub(crate) fn differences(expected: &Packet, actual: &Packet, rules: Rules) -> Vec<&'static str> {
    let mut found = Vec::new();
    let mut check = |name, same: bool| {
        if !same {
            found.push(name);
        }
    };
    check("ECN bits", same_ecn(expected.ecn, actual.ecn));
    check("Diffserv field", fits(expected.tos, actual.tos));
    check("time to live", fits(expected.ttl, actual.ttl));
    let (Body::Tcp(expected), Body::Tcp(actual)) = (&expected.body, &actual.body) else {
        return vec!["protocol"];
    };
    let ignored = if rules.compare_push { 0 } else { flag::PSH };
    check("flags", (expected.flags ^ actual.flags) & !ignored == 0);
    check("sequence number", expected.seq == actual.seq);
    check("length", expected.len == actual.len);
    check("acknowledgement number", same_ack(expected, actual));
    check("window", fits(expected.window, actual.window));
    let urgent = expected.urgent == actual.urgent
        || expected.urgent.is_none() && expected.flags & flag::URG != 0;
    check("urgent pointer", urgent);
    check("options", same_options(expected, actual, rules));
    found
}

/// What the script does not say fits everything.
fn fits<T: PartialEq>(expected: Option<T>, actual: Option<T>) -> bool {
    expected.is_none() || expected == actual
}

fn same_ecn(expected: Option<Ecn>, actual: Option<Ecn>) -> bool {
    match expected {
        Some(Ecn::Either) => matches!(actual, Some(Ecn::Ect0 | Ecn::Ect1)),
        _ => fits(expected, actual),
    }
}

fn same_ack(expected: &Tcp, actual: &Tcp) -> bool {
    actual.flags & flag::ACK == 0 || expected.ack == actual.ack
}

fn same_options(expected: &Tcp, actual: &Tcp, rules: Rules) -> bool {
    let (Some(expected), Some(actual)) = (&expected.options, &actual.options) else {
        return true;
    };
    expected.len() == actual.len()
        && expected
            .iter()
            .zip(actual)
            .all(|(expected, actual)| same_option(expected, actual, rules))
}

fn same_option(expected: &TcpOption, actual: &TcpOption, rules: Rules) -> bool {
    match (expected, actual) {
        (TcpOption::Timestamps(written, ecr), TcpOption::Timestamps(real, real_ecr)) => {
            ecr == real_ecr
                && match (written, real) {
                    (Some(written), Some(real)) if rules.timestamp_tick > 0 => {
                        let ticks = i64::from(real.wrapping_sub(*written) as i32);
                        ticks.abs() * rules.timestamp_tick <= rules.tolerance
                    }
                    _ => true,
                }
        }
        (TcpOption::Md5(None), TcpOption::Md5(Some(_))) => true,
        _ => expected == actual,
    }
}

#[cfg(test)]
mod tests;
