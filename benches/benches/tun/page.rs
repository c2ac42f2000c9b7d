//! What was measured, as a page.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use crate::figures::{Missing, Samples};
use crate::goals::{self, goals};
use crate::rows::Row;
use crate::sections::{REFERENCE, SECTIONS, Section};
use crate::stacks::Stack;

const HEAD: &str = "\
# Benchmarks

The same load on every stack in the same run. First what is asked of ours and what it reached, then
how that is measured, then all figures.

## Goals
";

/// Behind the goals.
const HOW: &str = "\
Memory of half-open connections and of TIME-WAIT, and what a packet costs among 100,000 connections,
are on [another page](scale.md), and two stacks in memory beside smoltcp's on [a third](memory.md).

## How it is measured

A client with the kernel's sockets, and a server that is a process of its own. The reference is the
kernel's own stack over a veth pair between two network namespaces; ours and the others have a TUN. What
is compared stands in [the harness](../benches/benches/tun) and [the other servers](../benches/peers):

- **kernel veth**, **kernel lo**: `tokio::net`, with the same server as ours; in the rows without
  offload the veth pair has TSO, GSO, GRO and checksum offload turned off. **kernel lo, blocking** is a
  thread that blocks, without tokio;
- **limit**: a TCP over TUN and tokio that can do just what the measurement needs, without loss
  recovery: the bound;
- **estab**: the default settings, on one thread; **multi-thread** is on tokio's runtime with several,
  **2 queues** has two queues of the TUN with a thread each;
- **smoltcp**, **tokio-smoltcp**, **netstack-smoltcp**, **ipstack**, **tcp_ip**: crates.io's, with
  generous buffers; none has offload;
- **gvisor**: Google's stack in Go, as Debian packages it, with generous buffers and, where the row has
  it, with offload; on the server's core like the others.

\"Up\" is into the server's stack, \"down\" out of it. The MTU is 1500, and super-segments of 64 KiB pass
where the contestant can, unless the row says otherwise; ours sends the kernel beyond the TUN longer ones.
The kernel's sockets use CUBIC. In bulk and \"across cores\" the server has the first core and the client
the second, otherwise both share the first; what has several threads has all cores. All connections of a
source send from the same memory, and what a sink reads goes to the same place. \"Connect, close\" and the
like are connections one after the other; the kernel side keeps no TIME-WAIT, except where the server
closes first. Processor time is in user space and in the kernel; a kernel stack does part of its work in
the process of its peer, so only the machine's is comparable. Memory is the process's resident memory; the
kernel's own is not in it.

A ratio is to the reference in the same round, then the median of the rounds, with the least and the
greatest; rows that are compared with one another, IPv6 with IPv4 and many flows with one, are measured
one directly after the other. While other processes have a fifth of a processor, or the machine's host
takes it, a measurement is made again, up to twice, and the least disturbed counts. The numbers with a
unit are those of one machine and tell nothing about another.

`cargo bench -p estab-benches --bench tun -- --write` measures all and writes this page, except what
stands under the last heading.
";

/// The heading of the part that is not measured.
const NOTES: &str = "\n## What the profiles show\n";

/// Writes the page, and keeps the notes that are on it.
pub(crate) fn write(file: &Path, samples: &Samples, how: &str) -> io::Result<()> {
    let mut page = format!("{HEAD}\n{}\n", goals::COLUMNS);
    for goal in goals(samples) {
        let _ = writeln!(page, "{goal}");
    }
    let _ = write!(page, "\n{HOW}\n{how}\n");
    for section in &SECTIONS {
        page.push_str(&text(section, samples));
    }
    let old = fs::read_to_string(file).unwrap_or_default();
    match old.find(NOTES) {
        Some(notes) => page.push_str(&old[notes..]),
        None => page.push_str(NOTES),
    }
    fs::write(file, page)
}

/// A section with its picture and its table; nothing if nothing of it was measured.
pub(crate) fn text(section: &Section, samples: &Samples) -> String {
    let (rows, stacks) = (section.rows(samples), section.stacks(samples));
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!("\n## {}\n\n", section.title);
    if let Some(picture) = section.picture {
        let _ = writeln!(text, "![{}](benchmarks/{picture}.svg)\n", section.title);
    }
    let absolute = section.is_relative(samples);
    text.push('|');
    if absolute {
        let _ = write!(text, " | {}, {} here", REFERENCE.name(), section.unit);
    }
    for stack in columns(&stacks, absolute) {
        let _ = write!(text, " | {}", stack.name());
    }
    let _ = write!(text, " |\n|---{}|\n", "|---:".repeat(stacks.len()));
    let mut notes = Vec::new();
    for row in rows {
        let _ = write!(text, "| {}", row.name);
        if absolute {
            let value = samples.absolute((row, REFERENCE, section.figure));
            let value = value.map(|it| it.text(section.decimals));
            let _ = write!(text, " | {}", value.unwrap_or_default());
        }
        for stack in columns(&stacks, absolute) {
            let _ = write!(
                text,
                " | {}",
                cell(section, samples, row, stack, &mut notes)
            );
        }
        text.push_str(" |\n");
    }
    for (number, note) in (1..).zip(notes) {
        let _ = write!(text, "\n[{number}] {note}\\");
    }
    if text.ends_with('\\') {
        text.pop();
        text.push('\n');
    }
    text
}

/// The reference has its own column if that is absolute.
fn columns(stacks: &[Stack], absolute: bool) -> impl Iterator<Item = Stack> {
    let is_shown = move |stack: &Stack| !absolute || *stack != REFERENCE;
    stacks.iter().copied().filter(is_shown)
}

fn cell(
    section: &Section,
    samples: &Samples,
    row: &'static Row,
    stack: Stack,
    notes: &mut Vec<String>,
) -> String {
    let value = section.value(samples, row, stack);
    let value = value.map(|it| it.text(section.decimals(samples)));
    let (missing, note) = match samples.failure(row, stack) {
        None => {
            return match value {
                Some(value) if stack == Stack::Estab => format!("**{value}**"),
                Some(value) => value,
                None => "–".to_owned(),
            };
        }
        Some(Missing::Absent(why)) => ("–", format!("{}: {why}", stack.name())),
        Some(Missing::Failed(why)) => {
            let note = format!("{}, {}: {why}", stack.name(), row.name);
            ("failed", note)
        }
    };
    let known = notes.iter().position(|known| *known == note);
    let index = known.unwrap_or_else(|| {
        notes.push(note);
        notes.len() - 1
    });
    let value = value.unwrap_or_else(|| missing.to_owned());
    format!("{value} [{}]", index + 1)
}
