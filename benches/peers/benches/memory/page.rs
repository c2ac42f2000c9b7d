//! The page in `docs`: a table, and a picture of it.

use std::path::Path;
use std::{fs, io};

use estab_benches::{Bar, Scale, draw};

use crate::{Contestant, Terms};

const HEAD: &str = "\
# In memory

Two stacks in one thread, nothing but memory between them, super-segments off: one packet is one segment.
Times are of the processor, medians of seven turns, for a segment there and its share of the ACKs back,
both ends together; they are those of one machine and tell nothing about another, the ratios do.

smoltcp's own loopback device carries 65,535 bytes, leaves all checksums out and has both ends in one stack;
`own, as shipped` is its own benchmark, with frames of Ethernet and buffers of 64 KiB. Packets of estab are
either copied into one piece, as a device has them, or their payload is *handed over* as it lies in the
sender's memory, which a loopback device may do; `streams` is the same through `TcpStream`s, drivers and
`estab::device::Link`.

`cargo bench --manifest-path benches/peers/Cargo.toml --bench memory -- --write` measures and writes this page.

![Processor time of a segment](benchmarks/in-memory.svg)

| MTU | checksums | | ns a segment here | as fast as estab, copied |
| ---: | --- | --- | ---: | ---: |
";

/// Writes the page and its picture.
pub(crate) fn write(contestants: &[Contestant]) -> io::Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let mut page = HEAD.to_owned();
    let mut bars = Vec::new();
    for contestant in contestants {
        let Terms { mtu, checksums } = contestant.terms;
        let (time, ratio) = (
            contestant.nanos_each(),
            1.0 / contestant.to_ours(contestants),
        );
        let sums = if checksums { "yes" } else { "no" };
        let name = contestant.name;
        page += &format!("| {mtu} | {sums} | {name} | {time:.0} | {ratio:.2} |\n");
        let sums = if checksums { ", checksums" } else { "" };
        bars.push(Bar {
            name: format!("{name} ({mtu}{sums})"),
            value: time,
            text: format!("{time:.0}"),
            ours: name.starts_with("estab"),
        });
    }
    fs::write(docs.join("memory.md"), page)?;
    let title = "processor time of a segment, ns here, logarithmic";
    let picture = draw(title, Scale::Logarithmic, &bars);
    fs::write(
        docs.join("benchmarks/in-memory.svg"),
        picture.to_string() + "\n",
    )
}
