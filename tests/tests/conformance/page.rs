//! The page made from the tags.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::Requirement;
use super::tags::Tags;

/// All of `docs/conformance.md`.
pub(crate) fn render(requirements: &[Requirement], tags: &Tags) -> String {
    let mut page = String::from(
        "# Conformance to RFC 9293\n\n\
         Made by `tests/tests/conformance` from `tests/requirements.tsv` and the tags beside \
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
    for requirement in requirements {
        let Requirement {
            id,
            section,
            wording,
            excuse,
        } = requirement;
        let (code, proof) = if excuse.is_empty() {
            (list(tags.code.get(id)), list(tags.tests.get(id)))
        } else {
            (String::new(), format!("not met: {excuse}"))
        };
        writeln!(page, "| {id} | {section} | {wording} | {code} | {proof} |").expect("memory");
    }
    page
}

/// The places, shortened, one below the other.
fn list(places: Option<&BTreeSet<String>>) -> String {
    let places = places.into_iter().flatten();
    places
        .map(|place| format!("`{}`", shorten(place)))
        .collect::<Vec<_>>()
        .join("<br>")
}

fn shorten(path: &str) -> String {
    path.trim_start_matches("crates/").replace("/src/", "/")
}
