//! The page in `docs`: a table, and a picture of it.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

use estab_benches::{Work, all};
use svg::Document;
use svg::node::element::{Rectangle, Text};

const HEAD: &str = "# Parts of the protocol

What one operation takes, without device, driver or kernel. Instructions are counted by callgrind and
are the same on every run; `.ci/run` compares them with
[the table that is checked in](../benches/instructions.tsv). Times are medians of criterion on one
machine, shared with others, and tell nothing about another.

- `wheel`: the timing wheel with 10,000 timers in it;
- `checksum`, `parse`: a single function, over so many bytes or over one packet with 1448 of text;
- `packet`: a bare ACK arrives for one of so many connections, each time another;
- `segment`: two segments go over, and one ACK comes back;
- `transfer`: a megabyte goes over and is read, the work of both ends;
- `echo`: a byte there and a byte back, both ends;
- `connection`: handshake, close from both ends, both ends.

`ESTAB_REWRITE=1 cargo bench -p estab-benches --bench protocol` measures the times and writes this page.

![Instructions of one operation](benchmarks/protocol.svg)

| | instructions | time here | a second here |
| --- | ---: | ---: | ---: |
";

/// Of the picture, in pixels: the names, a decade of the logarithmic scale, a line.
const NAMES: f64 = 230.0;
const DECADE: f64 = 70.0;
const STEP: f64 = 20.0;

/// Instructions that are drawn as nothing.
const ORIGIN: f64 = 100.0;

/// What stands out on white and on black.
const INK: &str = "#7a818a";
const BAR: &str = "#2f81f7";

/// One operation and what it takes.
struct Row {
    work: Work,
    instructions: f64,
    nanos: f64,
}

/// Writes the page from what criterion left in `results` and the table of instructions.
pub(crate) fn write(results: &Path) -> io::Result<()> {
    let benches = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(benches.join("instructions.tsv"))?;
    let rows = all().into_iter().map(|work| {
        let line = table.lines().filter_map(|line| line.split_once('\t'));
        let count = line.clone().find(|(name, _)| *name == work.name);
        let count = count.and_then(|(_, count)| count.parse().ok());
        Ok(Row {
            instructions: count.ok_or_else(|| missing(work.name))?,
            nanos: median(results, work.name)?,
            work,
        })
    });
    let rows = rows.collect::<io::Result<Vec<_>>>()?;
    let docs = benches.join("../docs");
    let mut page = HEAD.to_owned();
    for row in &rows {
        writeln!(page, "{}", line(row)).map_err(io::Error::other)?;
    }
    fs::write(docs.join("protocol.md"), page)?;
    svg::save(docs.join("benchmarks/protocol.svg"), &draw(&rows))
}

fn missing(name: &str) -> io::Error {
    io::Error::other(format!("there is no count of {name}"))
}

/// Criterion's median, in nanoseconds.
fn median(results: &Path, name: &str) -> io::Result<f64> {
    let estimates = fs::read(results.join(name).join("new/estimates.json"))?;
    let estimates: serde_json::Value = serde_json::from_slice(&estimates)?;
    let median = estimates["median"]["point_estimate"].as_f64();
    median.ok_or_else(|| missing(name))
}

fn line(row: &Row) -> String {
    let time = match row.nanos {
        short if short < 1e3 => format!("{short:.0} ns"),
        mid if mid < 1e6 => format!("{:.1} µs", mid / 1e3),
        long => format!("{:.2} ms", long / 1e6),
    };
    let rate = match row.work.bytes {
        0 => format!("{:.2} million", 1e3 / row.nanos),
        bytes => format!("{:.1} Gbit", bytes as f64 * 8.0 / row.nanos),
    };
    let Row {
        work, instructions, ..
    } = row;
    format!("| {} | {instructions} | {time} | {rate} |", work.name)
}

/// A bar for each, on a logarithmic scale.
fn draw(rows: &[Row]) -> Document {
    let decades = |row: &Row| (row.instructions / ORIGIN).log10().max(0.0);
    let widest = rows.iter().map(decades).fold(0.0, f64::max);
    let (width, height) = (
        NAMES + widest * DECADE + 90.0,
        STEP * (rows.len() + 1) as f64,
    );
    let mut document = Document::new()
        .set("viewBox", (0, 0, width, height))
        .set("width", width)
        .set("height", height)
        .set("font-family", "sans-serif")
        .set("font-size", 11)
        .set("fill", INK)
        .add(
            Text::new("instructions, logarithmic")
                .set("x", 8)
                .set("y", 14),
        );
    for (n, row) in rows.iter().enumerate() {
        let (y, length) = (STEP * (n + 1) as f64, decades(row) * DECADE);
        let bar = Rectangle::new()
            .set("x", NAMES)
            .set("y", y)
            .set("width", length)
            .set("height", STEP - 6.0)
            .set("fill", BAR);
        let base = y + STEP - 9.0;
        document = document
            .add(Text::new(row.work.name).set("x", 8).set("y", base))
            .add(bar)
            .add(
                Text::new(row.instructions.to_string())
                    .set("x", NAMES + length + 6.0)
                    .set("y", base),
            );
    }
    document
}
