//! What was measured, printed as it comes and kept for the page.

use std::fs;
use std::io;
use std::path::Path;

use estab_benches::{Bar, Scale, draw};

const HEAD: &str = "\
# Scale

What very many connections cost. Bytes are those asked of the allocator and not given back, of
everything that belongs to a connection: its record, its entries in every table with what those have
in reserve, timers, handles. Times are of a machine shared with others; instructions are counted by
callgrind and do not depend on it.

`cargo bench -p estab-benches --bench scale -- --write` measures all and writes this page.
";

/// The page, as far as it is measured.
pub(crate) struct Page {
    text: String,
    /// Bytes for a connection of each kind.
    bytes: Vec<Bar>,
}

impl Page {
    pub(crate) fn new() -> Self {
        Self {
            text: HEAD.to_owned(),
            bytes: Vec::new(),
        }
    }

    /// A heading and what is below it.
    pub(crate) fn section(&mut self, title: &str, about: &str) {
        self.line("");
        self.line(&format!("## {title}"));
        self.line("");
        self.line(about);
        self.line("");
    }

    /// The head of a table.
    pub(crate) fn head(&mut self, columns: &[&str]) {
        self.row(columns);
        let ruler = columns.iter().enumerate();
        let ruler: Vec<_> = ruler
            .map(|(nth, _)| if nth == 0 { "---" } else { "---:" })
            .collect();
        self.row(&ruler);
    }

    /// A row of a table.
    pub(crate) fn row<T: AsRef<str>>(&mut self, cells: &[T]) {
        let cells: Vec<_> = cells.iter().map(AsRef::as_ref).collect();
        self.line(&format!("| {} |", cells.join(" | ")));
    }

    /// Bytes that go into the picture.
    pub(crate) fn bar(&mut self, name: &str, bytes: &str) {
        self.bytes.push(Bar {
            name: name.to_owned(),
            value: bytes.parse().unwrap_or_default(),
            text: bytes.to_owned(),
            ours: true,
        });
    }

    /// The picture, below the tables of the section.
    pub(crate) fn picture(&mut self, about: &str) {
        self.line("");
        self.line(&format!("![{about}](benchmarks/scale.svg)"));
    }

    fn line(&mut self, line: &str) {
        println!("{line}");
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Writes `docs/scale.md` and its picture.
    pub(crate) fn write(&self) -> io::Result<()> {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        if !self.bytes.is_empty() {
            let picture = draw("bytes for a connection", Scale::Linear, &self.bytes);
            svg::save(docs.join("benchmarks/scale.svg"), &picture)?;
        }
        fs::write(docs.join("scale.md"), &self.text)
    }
}
