//! The page in `docs`: a table, and a picture of it.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

use estab_benches::{Bar, Scale, Work, all, draw};

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
    let bars: Vec<_> = rows.iter().map(bar).collect();
    let picture = draw("instructions, logarithmic", Scale::Logarithmic, &bars);
    svg::save(docs.join("benchmarks/protocol.svg"), &picture)
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

fn bar(row: &Row) -> Bar {
    Bar {
        name: row.work.name.to_owned(),
        value: row.instructions,
        text: row.instructions.to_string(),
        ours: true,
    }
}
