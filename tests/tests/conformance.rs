//! Every requirement of RFC 9293 with the code that meets it and the tests that prove it.
//!
//! `requirements.tsv` lists them all. A comment in the code that names one, `MUST-13` say, marks
//! where it is met; the line `// proves MUST-13, SHLD-3` above a test, what proves it. From these
//! `docs/conformance.md` is made: with `ESTAB_REWRITE=1` it is written, otherwise compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What the line above a test begins with.
const PROVES: &str = "// proves ";

/// A line of `requirements.tsv`.
struct Requirement {
    id: String,
    section: String,
    wording: String,
    /// Why it is not met; empty if it is.
    excuse: String,
}

/// Where each requirement is named.
type Places = BTreeMap<String, BTreeSet<String>>;

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the workspace").to_path_buf()
}

fn requirements() -> Vec<Requirement> {
    include_str!("../requirements.tsv")
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<_> = line.split('\t').map(str::to_owned).collect();
            let [id, section, wording, excuse] = fields.try_into().expect("four fields");
            Requirement {
                id,
                section,
                wording,
                excuse,
            }
        })
        .collect()
}

/// All files of Rust below `dir`, in order.
fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(dir)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The requirements a line names.
fn ids(line: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    line.split(|c| !is_part(c))
        .filter(|word| {
            word.split_once('-').is_some_and(|(level, number)| {
                ["MUST", "SHLD", "MAY"].contains(&level) && number.parse::<u8>().is_ok()
            })
        })
        .map(str::to_owned)
        .collect()
}

/// What the comments of a file of the code name.
fn note_code(path: &str, text: &str, code: &mut Places) {
    for comment in text.lines().filter_map(|line| line.split_once("//")) {
        for id in ids(comment.1) {
            code.entry(id).or_default().insert(path.to_owned());
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
        let is_test = lines[at..].iter().take(6).any(|line| *line == "#[test]");
        let name = lines[at..]
            .iter()
            .find_map(|line| line.strip_prefix("fn ")?.split_once('('));
        let (true, Some((name, _))) = (is_test, name) else {
            panic!("{path}:{}: no test follows {line:?}", at + 1);
        };
        let named_ids = ids(named);
        assert_eq!(
            named_ids.join(", "),
            named,
            "{path}:{}: a list of requirements",
            at + 1
        );
        for id in named_ids {
            let place = format!("{path}: {name}");
            tests.entry(id).or_default().insert(place);
        }
    }
}

fn scan() -> (Places, Places) {
    let (mut code, mut tests) = (Places::new(), Places::new());
    let root = root();
    let mut files = Vec::new();
    sources(&root.join("crates"), &mut files);
    sources(&root.join("tests/tests"), &mut files);
    for file in files {
        let path = file.strip_prefix(&root).expect("below it");
        let path = path.to_str().expect("a plain name");
        let text = fs::read_to_string(&file).expect("text");
        let is_test = path.contains("/tests/") || path.ends_with("/tests.rs");
        if is_test {
            note_tests(path, &text, &mut tests);
        } else {
            note_code(path, &text, &mut code);
        }
    }
    (code, tests)
}

/// What is wrong with a requirement's tags.
fn fault(requirement: &Requirement, code: &Places, tests: &Places) -> Option<String> {
    let id = &requirement.id;
    let is_met = code.contains_key(id) && tests.contains_key(id);
    match (is_met, requirement.excuse.is_empty()) {
        (true, true) | (false, false) => None,
        (true, false) => Some(format!("{id} is met: strike its excuse")),
        (false, true) if code.contains_key(id) => Some(format!("{id}: no test proves it")),
        (false, true) => Some(format!("{id}: no code names it")),
    }
}

fn list(places: Option<&BTreeSet<String>>, shorten: impl Fn(&str) -> String) -> String {
    let places = places.into_iter().flatten();
    places
        .map(|place| format!("`{}`", shorten(place)))
        .collect::<Vec<_>>()
        .join("<br>")
}

fn render(requirements: &[Requirement], code: &Places, tests: &Places) -> String {
    let mut page = String::from(
        "# Conformance to RFC 9293\n\n\
         Made by `tests/tests/conformance.rs` from `tests/requirements.tsv` and the tags beside \
         code and tests; `ESTAB_REWRITE=1 cargo test -p estab-tests --test conformance` writes \
         it.\n\n",
    );
    for (level, name) in [("MUST", "MUST"), ("SHLD", "SHOULD"), ("MAY", "MAY")] {
        let of_level = requirements.iter().filter(|r| r.id.starts_with(level));
        let (all, met) = of_level.fold((0, 0), |(all, met), requirement| {
            (all + 1, met + u32::from(requirement.excuse.is_empty()))
        });
        let excused = all - met;
        writeln!(page, "- {name}: {met} of {all} met, {excused} excused").expect("memory");
    }
    page.push_str("\n| id | § | requirement | code | proved by |\n|---|---|---|---|---|\n");
    let short = |path: &str| path.trim_start_matches("crates/").replace("/src/", "/");
    for requirement in requirements {
        let Requirement {
            id,
            section,
            wording,
            excuse,
        } = requirement;
        let (code, proof) = if excuse.is_empty() {
            let proof = list(tests.get(id), |place| short(place));
            (list(code.get(id), short), proof)
        } else {
            (String::new(), format!("not met: {excuse}"))
        };
        writeln!(page, "| {id} | {section} | {wording} | {code} | {proof} |").expect("memory");
    }
    page
}

#[test]
fn every_requirement_is_met_and_proved_or_excused() {
    let requirements = requirements();
    let known: BTreeSet<_> = requirements.iter().map(|r| r.id.clone()).collect();
    for (level, count) in [("MUST", 69), ("SHLD", 31), ("MAY", 18)] {
        let expected: BTreeSet<_> = (1..=count).map(|n| format!("{level}-{n}")).collect();
        let listed: BTreeSet<_> = known.iter().filter(|id| id.starts_with(level)).collect();
        assert_eq!(listed, expected.iter().collect());
    }
    assert_eq!(known.len(), requirements.len(), "each is listed once");

    let (code, tests) = scan();
    let mut faults: Vec<_> = requirements
        .iter()
        .filter_map(|requirement| fault(requirement, &code, &tests))
        .collect();
    let named = code.keys().chain(tests.keys());
    let unknown = named.filter(|id| !known.contains(*id));
    faults.extend(unknown.map(|id| format!("{id} does not exist")));
    assert!(faults.is_empty(), "{}", faults.join("\n"));

    let page = render(&requirements, &code, &tests);
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
