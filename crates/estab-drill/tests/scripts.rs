//! The project's own scripts, all of them, over IPv4 and IPv6.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use estab_drill::{Options, Summary, find, run_file};

#[test]
fn all_scripts_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let scripts = find(&folder).unwrap();
    let mut summary = Summary::default();
    let mut failures = Vec::new();
    for script in &scripts {
        for outcome in run_file(script, &Options::default()) {
            summary.add(&outcome);
            if outcome.result.is_err() {
                failures.push(outcome.to_string());
            }
        }
    }
    assert!(failures.is_empty(), "{}\n{summary}", failures.join("\n"));
    assert!(summary.total().0 as usize > scripts.len());
}

#[test]
fn every_script_names_its_section_and_says_whether_linux_agrees() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let mut texts = BTreeSet::new();
    for script in find(&folder).unwrap() {
        let text = fs::read_to_string(&script).unwrap();
        let head: Vec<_> = text
            .lines()
            .take_while(|line| line.starts_with("//"))
            .collect();
        let head = head.join("\n");
        let shown = script.display();
        assert!(head.contains("RFC "), "{shown} names no RFC");
        assert!(
            head.contains("\n// Linux: "),
            "{shown} does not speak of Linux"
        );
        let events: String = text
            .lines()
            .filter(|line| !line.starts_with("//"))
            .collect();
        assert!(texts.insert(events), "{shown} repeats another script");
    }
}

#[test]
fn every_deviation_from_linux_stands_in_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("scripts");
    let table = fs::read_to_string(root.join("../../docs/linux-deviations.md")).unwrap();
    let mut missing = Vec::new();
    let mut known = BTreeSet::new();
    for script in find(&folder).unwrap() {
        let name = script.strip_prefix(&folder).unwrap().with_extension("");
        let name = format!("`{}`", name.display());
        let text = fs::read_to_string(&script).unwrap();
        if !text.contains("\n// Linux: the same") && !table.contains(&name) {
            missing.push(name.clone());
        }
        known.insert(name);
    }
    assert!(missing.is_empty(), "not in the table: {missing:?}");
    let named = table.split('`').skip(1).step_by(2);
    let scripts = named.filter(|name| name.contains('/') && !name.starts_with("crates/"));
    for name in scripts {
        assert!(known.contains(&format!("`{name}`")), "no script {name}");
    }
}
