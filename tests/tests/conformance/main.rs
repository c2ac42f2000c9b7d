//! Every requirement of RFC 9293, and of the RFCs of modern TCP, with the tests that prove it.
//!
//! `requirements.tsv` and `modern.tsv` list them all. A comment in the code that names one of RFC
//! 9293, `MUST-13` say, marks where it is met; the line `// proves MUST-13, RFC6298-5(5.4)` above a
//! test or in a packet script, what proves it. From these `docs/conformance.md` is made: with
//! `ESTAB_REWRITE=1` it is written, otherwise compared.

mod page;
mod tags;

use std::collections::BTreeSet;
use std::fs;

use page::render;
use tags::{Tags, root, scan};

/// A line of `requirements.tsv`.
struct Requirement {
    id: String,
    section: String,
    wording: String,
    /// Why it is not met; empty if it is.
    excuse: String,
}

/// A line of `modern.tsv`.
struct Modern {
    /// The RFC, its section and a number where a section has several.
    id: String,
    /// MUST, SHOULD, MAY, or a rule of an algorithm.
    level: String,
    wording: String,
    /// Why no test can prove it; empty otherwise.
    excuse: String,
}

fn requirements() -> Vec<Requirement> {
    include_str!("../../requirements.tsv")
        .lines()
        .skip(1)
        .map(fields)
        .map(|[id, section, wording, excuse]| Requirement {
            id,
            section,
            wording,
            excuse,
        })
        .collect()
}

fn modern() -> Vec<Modern> {
    include_str!("../../modern.tsv")
        .lines()
        .skip(1)
        .map(fields)
        .map(|[id, level, wording, excuse]| Modern {
            id,
            level,
            wording,
            excuse,
        })
        .collect()
}

fn fields(line: &str) -> [String; 4] {
    let fields: Vec<_> = line.split('\t').map(str::to_owned).collect();
    fields.try_into().expect("four fields")
}

/// What is wrong with the tags of a requirement of RFC 9293.
fn fault(requirement: &Requirement, tags: &Tags) -> Option<String> {
    let id = &requirement.id;
    let is_met = tags.code.contains_key(id) && tags.tests.contains_key(id);
    match (is_met, requirement.excuse.is_empty()) {
        (true, true) | (false, false) => None,
        (true, false) => Some(format!("{id} is met: strike its excuse")),
        (false, true) if tags.code.contains_key(id) => Some(format!("{id}: no test proves it")),
        (false, true) => Some(format!("{id}: no code names it")),
    }
}

#[test]
fn every_requirement_is_met_and_proved_or_excused() {
    let (requirements, modern) = (requirements(), modern());
    let mut known: BTreeSet<_> = requirements.iter().map(|r| r.id.clone()).collect();
    for (level, count) in [("MUST", 69), ("SHLD", 31), ("MAY", 18)] {
        let expected: BTreeSet<_> = (1..=count).map(|n| format!("{level}-{n}")).collect();
        let listed: BTreeSet<_> = known.iter().filter(|id| id.starts_with(level)).collect();
        assert_eq!(listed, expected.iter().collect());
    }
    known.extend(modern.iter().map(|row| row.id.clone()));
    let listed = requirements.len() + modern.len();
    assert_eq!(known.len(), listed, "each is listed once");

    let tags = scan();
    let mut faults: Vec<_> = requirements
        .iter()
        .filter_map(|r| fault(r, &tags))
        .collect();
    let named = tags.code.keys().chain(tags.tests.keys());
    let unknown = named.filter(|id| !known.contains(*id));
    faults.extend(unknown.map(|id| format!("{id} does not exist")));
    assert!(faults.is_empty(), "{}", faults.join("\n"));

    let page = render(&requirements, &modern, &tags);
    let path = root().join("docs/conformance.md");
    if std::env::var_os("ESTAB_REWRITE").is_some() {
        fs::create_dir_all(root().join("docs")).expect("made");
        fs::write(&path, &page).expect("written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == page,
        "docs/conformance.md is out of date: run this test with ESTAB_REWRITE=1"
    );
}

/// What is often implemented wrongly has tests by number: `trap_01_…` to `trap_25_…`.
#[test]
fn every_trap_has_its_test() {
    let dir = root().join("tests/tests/traps");
    let files = fs::read_dir(dir).expect("a directory");
    let text: String = files
        .map(|file| fs::read_to_string(file.expect("an entry").path()).expect("text"))
        .collect();
    for trap in 1..=25 {
        let name = format!("fn trap_{trap:02}_");
        assert!(text.contains(&name), "no test of trap {trap}");
    }
}

/// Every row of `modern.tsv` has a test, or says why there can be none; not both.
#[test]
fn every_requirement_of_modern_tcp_is_proved_or_excused() {
    let tags = scan();
    let faults: Vec<_> = modern()
        .iter()
        .filter(|row| tags.tests.contains_key(&row.id) != row.excuse.is_empty())
        .map(|row| match row.excuse.as_str() {
            "" => format!(
                "{} {}: no test proves that {}",
                row.id, row.level, row.wording
            ),
            _ => format!("{} is proved: strike its excuse", row.id),
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
