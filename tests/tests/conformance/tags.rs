//! The tags beside code, tests and packet scripts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What the line above a test begins with.
const PROVES: &str = "// proves ";

/// Where each requirement is named.
pub(crate) type Places = BTreeMap<String, BTreeSet<String>>;

/// All that names a requirement.
#[derive(Default)]
pub(crate) struct Tags {
    /// The files whose code meets it; for RFC 9293 alone.
    pub(crate) code: Places,
    /// The tests and packet scripts that prove it.
    pub(crate) tests: Places,
}

/// The workspace.
pub(crate) fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the workspace").to_path_buf()
}

/// Reads every file that may have a tag.
pub(crate) fn scan() -> Tags {
    let mut tags = Tags::default();
    let root = root();
    let mut files = Vec::new();
    for dir in ["crates", "tests/tests", "examples"] {
        sources(&root.join(dir), &mut files);
    }
    for file in files {
        let path = file.strip_prefix(&root).expect("below it");
        let path = path.to_str().expect("a plain name");
        let text = fs::read_to_string(&file).expect("text");
        if path.ends_with(".pkt") {
            note_script(path, &text, &mut tags.tests);
        } else if path.contains("/tests/") || path.ends_with("/tests.rs") {
            note_tests(path, &text, &mut tags.tests);
        } else {
            note_code(path, &text, &mut tags.code);
        }
    }
    tags
}

/// All files of Rust and all packet scripts below `dir`, in order.
fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(dir)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_dir() {
            sources(&path, found);
        } else if matches!(extension, Some("rs" | "pkt")) {
            found.push(path);
        }
    }
}

/// The requirements of RFC 9293 that a line names.
fn levelled(line: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    line.split(move |c| !is_part(c)).filter(|word| {
        word.split_once('-').is_some_and(|(level, number)| {
            ["MUST", "SHLD", "MAY"].contains(&level) && number.parse::<u8>().is_ok()
        })
    })
}

/// What the comments of a file of the code name.
fn note_code(path: &str, text: &str, code: &mut Places) {
    for comment in text.lines().filter_map(|line| line.split_once("//")) {
        for id in levelled(comment.1) {
            note(id, path.to_owned(), code);
        }
    }
}

/// What the tests of a file prove.
fn note_tests(path: &str, text: &str, tests: &mut Places) {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    for (at, line) in lines.iter().enumerate() {
        let Some(named) = line.strip_prefix(PROVES) else {
            continue;
        };
        let is_test = |line: &&str| *line == "#[test]" || line.starts_with("#[tokio::test");
        let name = lines[at..].iter().find_map(|line| {
            let line = line.strip_prefix("async ").unwrap_or(line);
            line.strip_prefix("fn ")?.split_once('(')
        });
        let (true, Some((name, _))) = (lines[at..].iter().take(8).any(is_test), name) else {
            panic!("{path}:{}: no test follows {line:?}", at + 1);
        };
        for id in named.split(", ") {
            note(id, format!("{path}: {name}"), tests);
        }
    }
}

/// What a packet script proves.
fn note_script(path: &str, text: &str, tests: &mut Places) {
    for named in text.lines().filter_map(|line| line.strip_prefix(PROVES)) {
        for id in named.split(", ") {
            note(id, path.to_owned(), tests);
        }
    }
}

fn note(id: &str, place: String, places: &mut Places) {
    places.entry(id.to_owned()).or_default().insert(place);
}
