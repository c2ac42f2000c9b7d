//! A section as a picture: a panel for each row, a bar for each contestant.

use std::io;
use std::path::Path;

use svg::Document;
use svg::node::element::{Line, Rectangle, Text};

use crate::figures::{Samples, Spread};
use crate::rows::Row;
use crate::sections::{REFERENCE, Section};
use crate::stacks::{PEERS, Place, Stack};

/// Panels side by side.
const ACROSS: usize = 3;
const PANEL: f64 = 380.0;
/// For the names of contestants.
const NAMES: f64 = 130.0;
/// For the values behind the bars.
const VALUES: f64 = 78.0;
const BAR: f64 = 11.0;
const STEP: f64 = 16.0;
/// Above the panels, and above the bars of each.
const HEADER: f64 = 30.0;
const TITLE: f64 = 30.0;
/// Below them.
const MARGIN: f64 = 14.0;

/// These stand out on white and on black.
const INK: &str = "#7a818a";
const KERNEL: &str = "#8b949e";
const LIMIT: &str = "#b08800";
const OURS: &str = "#2f81f7";
const PEER: &str = "#c4602a";

/// Draws the section into an SVG file.
pub(crate) fn draw(file: &Path, section: &Section, samples: &Samples) -> io::Result<()> {
    let (rows, stacks) = (section.rows(samples), section.stacks(samples));
    let heights: Vec<_> = rows
        .chunks(ACROSS)
        .map(|rows| height(rows, &stacks))
        .collect();
    let size = (
        PANEL * ACROSS.min(rows.len()) as f64,
        HEADER + heights.iter().sum::<f64>(),
    );
    let caption = match section.is_relative(samples) {
        true => format!("{}: times {}", section.title, REFERENCE.name()),
        false => section.title.to_owned(),
    };
    let mut document = Document::new()
        .set("viewBox", (0, 0, size.0, size.1))
        .set("width", size.0)
        .set("height", size.1)
        .set("font-family", "sans-serif")
        .set("font-size", 11)
        .set("fill", INK)
        .add(
            Text::new(caption)
                .set("x", 8)
                .set("y", 18)
                .set("font-size", 14)
                .set("font-weight", "bold"),
        );
    let mut y = HEADER;
    for (rows, height) in rows.chunks(ACROSS).zip(heights) {
        for (index, row) in rows.iter().enumerate() {
            let corner = (PANEL * index as f64, y);
            document = panel(document, corner, section, samples, row, &stacks);
        }
        y += height;
    }
    svg::save(file, &document)
}

/// What panels side by side take.
fn height(rows: &[&Row], stacks: &[Stack]) -> f64 {
    let bars = |row: &&Row| stacks.iter().filter(|stack| stack.takes_part(row)).count();
    let most = rows.iter().map(bars).max().unwrap_or(0);
    TITLE + STEP * most as f64 + MARGIN
}

fn panel(
    mut document: Document,
    (x, y): (f64, f64),
    section: &Section,
    samples: &Samples,
    row: &'static Row,
    stacks: &[Stack],
) -> Document {
    let takes_part = |stack: &Stack| stack.takes_part(row);
    let bars = stacks.iter().copied().filter(takes_part);
    let bars: Vec<_> = bars
        .map(|stack| (stack, section.value(samples, row, stack)))
        .collect();
    let most = bars
        .iter()
        .filter_map(|(_, value)| Some(value.as_ref()?.max))
        .fold(0.0, f64::max);
    let scale = (PANEL - NAMES - VALUES) / if most > 0.0 { most } else { 1.0 };
    let title = Text::new(row.name)
        .set("x", x + 8.0)
        .set("y", y + 18.0)
        .set("font-weight", "bold");
    document = document.add(title);
    for (index, (stack, value)) in bars.into_iter().enumerate() {
        let y = y + TITLE + STEP * index as f64;
        let name = Text::new(stack.name())
            .set("x", x + NAMES - 6.0)
            .set("y", y + BAR - 2.0)
            .set("text-anchor", "end");
        document = bar(
            document.add(name),
            (x + NAMES, y),
            stack,
            value,
            scale,
            section.decimals(samples),
        );
    }
    document
}

/// The median as a bar, and a line from the least to the greatest.
fn bar(
    document: Document,
    (x, y): (f64, f64),
    stack: Stack,
    value: Option<Spread>,
    scale: f64,
    decimals: usize,
) -> Document {
    let Some(Spread { median, min, max }) = value else {
        let failed = Text::new("failed")
            .set("x", x + 4.0)
            .set("y", y + BAR - 2.0);
        return document.add(failed.set("font-style", "italic"));
    };
    let body = Rectangle::new()
        .set("x", x)
        .set("y", y)
        .set("width", (median * scale).max(1.0))
        .set("height", BAR)
        .set("fill", colour(stack));
    let spread = Line::new()
        .set("x1", x + min * scale)
        .set("x2", x + max * scale)
        .set("y1", y + BAR / 2.0)
        .set("y2", y + BAR / 2.0)
        .set("stroke", INK);
    let label = Text::new(format!("{median:.decimals$}"))
        .set("x", x + max * scale + 5.0)
        .set("y", y + BAR - 2.0);
    document.add(body).add(spread).add(label)
}

fn colour(stack: Stack) -> &'static str {
    match stack {
        Stack::Limit => LIMIT,
        Stack::Gvisor => PEER,
        _ if PEERS.contains(&stack) => PEER,
        _ if stack.place() == Place::Tun => OURS,
        _ => KERNEL,
    }
}
