//! The page made from the tags.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::tags::Tags;
use super::{Modern, Requirement};

/// All of `docs/conformance.md`.
pub(crate) fn render(requirements: &[Requirement], modern: &[Modern], tags: &Tags) -> String {
    let mut page = String::from(
        "# Conformance\n\n\
         Made by `tests/tests/conformance` from `tests/requirements.tsv`, `tests/modern.tsv` and \
         the tags beside code, tests and packet scripts; \
         `ESTAB_REWRITE=1 cargo test -p estab-tests --test conformance` writes it.\n\n\
         ## RFC 9293\n\n",
    );
    render_requirements(requirements, tags, &mut page);
    render_modern(modern, tags, &mut page);
    page
}

/// The MUSTs, SHOULDs and MAYs of RFC 9293, by their numbers.
fn render_requirements(requirements: &[Requirement], tags: &Tags, page: &mut String) {
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
}

/// The RFCs of congestion control, loss recovery and ECN, a section each.
fn render_modern(modern: &[Modern], tags: &Tags, page: &mut String) {
    let excused = modern.iter().filter(|row| !row.excuse.is_empty()).count();
    let (all, met) = (modern.len(), modern.len() - excused);
    page.push_str("\n## Congestion control, loss recovery and ECN\n\n");
    writeln!(
        page,
        "A row is a rule of the RFC and section that its id names: {met} of {all} proved, {excused} \
         excused."
    )
    .expect("memory");
    for rows in modern.chunk_by(|one, other| source(one) == source(other)) {
        let title = match source(&rows[0]) {
            "BBR" => "draft-ietf-ccwg-bbr".to_owned(),
            rfc => rfc.replace("RFC", "RFC "),
        };
        write!(page, "\n### {title}\n\n").expect("memory");
        page.push_str("| id | level | rule | proved by |\n|---|---|---|---|\n");
        for row in rows {
            let proof = match row.excuse.as_str() {
                "" => list(tags.tests.get(&row.id)),
                excuse => format!("not met: {excuse}"),
            };
            let Modern {
                id, level, wording, ..
            } = row;
            writeln!(page, "| {id} | {level} | {wording} | {proof} |").expect("memory");
        }
    }
}

/// The document a row is from.
fn source(row: &Modern) -> &str {
    row.id.split('-').next().unwrap_or_default()
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
