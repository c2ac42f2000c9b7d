//! Whether two hosts did the same, but for what [`crate::differences`] allows; and that list as a
//! table of the documentation.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::differences::DIFFERENCES;
use crate::run::{Probe, Transcript};

/// The lines of `these` that are not among `those`.
fn only(these: &Transcript, those: &Transcript) -> String {
    let mut count = HashMap::<_, i32>::new();
    for line in those {
        *count.entry(line).or_default() += 1;
    }
    let mut lines = Vec::new();
    for line in these {
        let left = count.entry(line).or_default();
        *left -= 1;
        if *left < 0 {
            lines.push(line.as_str());
        }
    }
    lines.join(" | ")
}

/// What is wrong: differences that are not allowed, allowed ones that do not show, names that are
/// not unique. Each as the line that would allow it.
pub(crate) fn judge(probes: &[Probe], theirs: &[Transcript], ours: &[Transcript]) -> Vec<String> {
    let cases = DIFFERENCES.iter().flat_map(|difference| difference.cases);
    let mut allowed: HashMap<_, _> = cases.map(|case| (case.0, (case.1, case.2))).collect();
    let mut faults = Vec::new();
    for ((name, script), (theirs, ours)) in probes.iter().zip(theirs.iter().zip(ours)) {
        let expected = allowed.remove(name).unwrap_or_default();
        let (linux, here) = (only(theirs, ours), only(ours, theirs));
        let reordered = linux.is_empty() && here.is_empty() && theirs != ours;
        if expected != (linux.as_str(), here.as_str()) || reordered {
            faults.push(format!(
                "(\"{name}\", \"{linux}\", \"{here}\"), // {script}"
            ));
        }
        if probes.iter().filter(|probe| probe.0 == *name).count() > 1 {
            faults.push(format!("two probes are named `{name}`"));
        }
    }
    faults
}

/// The allowed differences of probes that there are not.
pub(crate) fn forgotten(probes: &[Probe]) -> Vec<&'static str> {
    let cases = DIFFERENCES.iter().flat_map(|difference| difference.cases);
    cases
        .map(|case| case.0)
        .filter(|name| !probes.iter().any(|probe| probe.0 == *name))
        .collect()
}

/// The differences as a table.
pub(crate) fn table() -> String {
    let mut table = String::from("| here | Linux | reason | probes |\n|---|---|---|---|\n");
    for difference in DIFFERENCES {
        let probes: Vec<_> = difference
            .cases
            .iter()
            .map(|case| format!("`{}`", case.0))
            .collect();
        let (here, linux, reason) = (difference.here, difference.linux, difference.reason);
        let _ = writeln!(
            table,
            "| {here} | {linux} | {reason} | {} |",
            probes.join(", ")
        );
    }
    table
}
