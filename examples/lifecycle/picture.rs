//! The ladder as an SVG: two lifelines coloured by state, slanted arrows, a row per moment.

use estab_proto::{Instant, State};
use svg::Document;
use svg::node::element::{Definitions, Line, Marker, Path, Rectangle, Text};

use crate::ladder::{self, Ladder, seconds};
use crate::net::Side;

const WIDTH: f64 = 1000.0;
const TOP: f64 = 60.0;
const ROW: f64 = 34.0;
/// Where the two lifelines stand.
const LIFELINES: [f64; 2] = [230.0, 770.0];
const BAR: f64 = 10.0;

/// A state that `side` has from `y` on.
struct Change {
    side: Side,
    y: f64,
    state: State,
}

/// Draws the whole ladder.
pub(crate) fn draw(ladder: &Ladder) -> Document {
    let moments = moments(ladder);
    let y = |at: Instant, line: usize| {
        let row = moments
            .iter()
            .position(|moment| *moment == (at, line))
            .unwrap_or(0);
        TOP + ROW * row as f64
    };
    let mut shapes = Vec::new();
    let mut changes = Vec::new();
    for (index, line) in ladder.lines.iter().enumerate() {
        match line {
            ladder::Line::Note { side, text, at } => {
                let y = y(at.0, index);
                changes.push(Change {
                    side: *side,
                    y,
                    state: at.1,
                });
                shapes.extend([note(*side, text, y), time(*side, at.0, y)]);
            }
            ladder::Line::Segment {
                from,
                label,
                sent,
                arrived,
            } => {
                let from_y = y(sent.0, index);
                changes.push(Change {
                    side: *from,
                    y: from_y,
                    state: sent.1,
                });
                let to_y = arrived.map(|(at, state)| {
                    let y = y(at, index);
                    changes.push(Change {
                        side: from.other(),
                        y,
                        state,
                    });
                    y
                });
                shapes.extend(arrow(*from, label, (sent.0, from_y), to_y));
            }
        }
    }
    let height = TOP + ROW * (moments.len() as f64 + 1.0);
    let mut document = Document::new()
        .set("viewBox", (0.0, 0.0, WIDTH, height))
        .set("font-family", "sans-serif")
        .set("font-size", 12)
        .add(Definitions::new().add(arrow_head()))
        .add(
            Rectangle::new()
                .set("width", WIDTH)
                .set("height", height)
                .set("fill", "white"),
        )
        .add(label(LIFELINES[0], 30.0, "A", "middle").set("font-size", 18))
        .add(label(LIFELINES[1], 30.0, "B", "middle").set("font-size", 18))
        .add(label(
            WIDTH / 2.0,
            height - 12.0,
            &ladder.legend(),
            "middle",
        ));
    for side in [Side::A, Side::B] {
        document = lifeline(document, side, &mut changes, height - ROW);
    }
    shapes
        .into_iter()
        .fold(document, |document, shape| match shape {
            Shape::Line(line) => document.add(line),
            Shape::Text(text) => document.add(text),
        })
}

enum Shape {
    Line(Line),
    Text(Text),
}

/// Every moment something is sent, arrives or is noted, in order; lines of one moment are kept
/// apart.
fn moments(ladder: &Ladder) -> Vec<(Instant, usize)> {
    let mut moments = Vec::new();
    for (index, line) in ladder.lines.iter().enumerate() {
        match line {
            ladder::Line::Note { at, .. } => moments.push((at.0, index)),
            ladder::Line::Segment { sent, arrived, .. } => {
                moments.push((sent.0, index));
                moments.extend(arrived.map(|(at, _)| (at, index)));
            }
        }
    }
    moments.sort();
    moments
}

fn arrow_head() -> Marker {
    Marker::new()
        .set("id", "head")
        .set("viewBox", (0, 0, 10, 10))
        .set("refX", 10)
        .set("refY", 5)
        .set("markerWidth", 8)
        .set("markerHeight", 8)
        .set("orient", "auto")
        .add(Path::new().set("d", "M 0 0 L 10 5 L 0 10 z"))
}

fn label(x: f64, y: f64, text: &str, anchor: &str) -> Text {
    Text::new(text)
        .set("x", x)
        .set("y", y)
        .set("text-anchor", anchor)
}

/// A segment from its sender to its receiver, or to where it is lost.
fn arrow(from: Side, text: &str, sent: (Instant, f64), to_y: Option<f64>) -> Vec<Shape> {
    let (x1, x2) = (LIFELINES[from as usize], LIFELINES[from.other() as usize]);
    let inward = (x2 - x1).signum() * BAR;
    let (x1, mut x2) = (x1 + inward, x2 - inward);
    let (y1, y2) = (sent.1, to_y.unwrap_or(sent.1 + ROW * 0.6));
    if to_y.is_none() {
        x2 = x1 + (x2 - x1) * 0.75;
    }
    let colour = if to_y.is_some() { "black" } else { "firebrick" };
    let line = Line::new()
        .set("x1", x1)
        .set("y1", y1)
        .set("x2", x2)
        .set("y2", y2);
    let line = match to_y {
        Some(_) => line.set("marker-end", "url(#head)"),
        None => line,
    };
    let line = line.set("stroke", colour);
    let (x, y) = ((x1 + x2) / 2.0, (y1 + y2) / 2.0);
    let angle = ((y2 - y1) / (x2 - x1)).atan().to_degrees();
    let text = label(x, y - 5.0, text, "middle").set("fill", colour);
    let text = text.set("transform", format!("rotate({angle:.2} {x:.1} {y:.1})"));
    let mut shapes = vec![Shape::Line(line), Shape::Text(text), time(from, sent.0, y1)];
    if to_y.is_none() {
        let cross = label(x2, y2 + 6.0, "✕", "middle");
        shapes.push(Shape::Text(cross.set("fill", colour).set("font-size", 18)));
    }
    shapes
}

/// The time, beside the names of the states.
fn time(side: Side, at: Instant, y: f64) -> Shape {
    let (x, anchor) = outside(side, 105.0);
    Shape::Text(label(x, y + 4.0, &seconds(at), anchor).set("fill", "gray"))
}

fn note(side: Side, text: &str, y: f64) -> Shape {
    let (x, anchor) = match side {
        Side::A => (LIFELINES[0] + 2.0 * BAR, "start"),
        Side::B => (LIFELINES[1] - 2.0 * BAR, "end"),
    };
    Shape::Text(
        label(x, y + 4.0, text, anchor)
            .set("fill", "gray")
            .set("font-style", "italic"),
    )
}

/// A place `distance` outside the lifeline of `side`, and how text is anchored there.
fn outside(side: Side, distance: f64) -> (f64, &'static str) {
    match side {
        Side::A => (LIFELINES[0] - distance, "end"),
        Side::B => (LIFELINES[1] + distance, "start"),
    }
}

/// The bar of one side, in the colours of its states.
fn lifeline(mut document: Document, side: Side, changes: &mut [Change], end: f64) -> Document {
    changes.sort_by(|a, b| a.y.total_cmp(&b.y));
    let mut own: Vec<&Change> = changes
        .iter()
        .filter(|change| change.side == side)
        .collect();
    own.dedup_by_key(|change| change.state);
    for (index, change) in own.iter().enumerate() {
        let bottom = own.get(index + 1).map_or(end, |next| next.y);
        let bar = Rectangle::new()
            .set("x", LIFELINES[side as usize] - BAR / 2.0)
            .set("y", change.y)
            .set("width", BAR)
            .set("height", (bottom - change.y).max(2.0))
            .set("fill", fill(change.state));
        let (x, anchor) = outside(side, BAR);
        let name = label(x, change.y + 4.0, &change.state.to_string(), anchor);
        document = document.add(bar).add(name);
    }
    document
}

fn fill(state: State) -> &'static str {
    match state {
        State::Closed => "lightgray",
        State::Listen => "darkgray",
        State::SynSent | State::SynReceived => "gold",
        State::Established => "seagreen",
        State::FinWait1 => "paleturquoise",
        State::FinWait2 | State::Closing => "darkturquoise",
        State::CloseWait => "plum",
        State::LastAck => "mediumorchid",
        State::TimeWait => "royalblue",
    }
}
