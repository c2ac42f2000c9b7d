//! The lowest panel: what the path lost, and for each flow a lane with its episodes of recovery and
//! what happened in them.

use std::error::Error;

use estab_sim::transfer::Happening;
use plotters::prelude::*;

use crate::draw::{Area, Drawn, LEFT, Picture, RIGHT, colour, text};
use crate::episodes::episodes;

const LANE: u32 = 30;
const KEY: u32 = 30;
const BOTTOM: u32 = 14;
const RED: RGBColor = RGBColor(200, 0, 0);

/// How high the panel is for so many flows.
pub(crate) const fn height(flows: usize) -> u32 {
    KEY + LANE * (flows as u32 + 1) + BOTTOM
}

/// What is marked, how, and what the key calls it.
const MARKS: [(Happening, &str); 4] = [
    (Happening::Retransmitted, "retransmission"),
    (Happening::Probed, "tail loss probe"),
    (Happening::TimedOut, "timeout"),
    (Happening::Undone, "undone"),
];

/// Draws the panel.
pub(crate) fn draw(area: &Area<'_>, picture: &Picture<'_>) -> Drawn {
    let (width, _) = area.dim_in_pixel();
    let (left, right) = (LEFT as i32, (width - RIGHT) as i32);
    let x = |time: f64| left + (f64::from(right - left) * time / picture.end()).round() as i32;
    let lane = |number: usize, name: &str| -> Result<i32, Box<dyn Error>> {
        let middle = (KEY + LANE * number as u32 + LANE / 2) as i32;
        area.draw_text(name, &text(13), (6, middle - 7))?;
        let lane = [(left, middle - 10), (right, middle + 10)];
        area.draw(&Rectangle::new(lane, BLACK.mix(0.04).filled()))?;
        Ok(middle)
    };
    let middle = lane(0, "path")?;
    for (at, _) in &picture.report.drops {
        let x = x(at.as_secs_f64());
        let tick = [(x, middle - 8), (x, middle + 8)];
        area.draw(&PathElement::new(tick, RED.mix(0.6).stroke_width(1)))?;
    }
    for (index, flow) in picture.report.flows.iter().enumerate() {
        let name = format!("{} {}", index + 1, picture.names[index]);
        let middle = lane(index + 1, &name)?;
        for episode in episodes(flow, picture.end()) {
            let strength = if episode.timed_out { 0.75 } else { 0.4 };
            let (from, to) = (x(episode.time.start), x(episode.time.end));
            let bar = [(from, middle - 10), (to.max(from + 1), middle + 10)];
            area.draw(&Rectangle::new(bar, colour(index).mix(strength).filled()))?;
        }
        for moment in &flow.moments {
            mark(area, moment.what, (x(moment.at.as_secs_f64()), middle))?;
        }
    }
    key(area)
}

/// One mark.
fn mark(area: &Area<'_>, what: Happening, (x, y): (i32, i32)) -> Drawn {
    let line = BLACK.stroke_width(1);
    match what {
        Happening::Retransmitted => area.draw(&PathElement::new([(x, y - 4), (x, y + 4)], line))?,
        Happening::Probed => area.draw(&Circle::new((x, y), 4, line))?,
        Happening::TimedOut => area.draw(&Cross::new((x, y), 5, RED.stroke_width(2)))?,
        Happening::Undone => area.draw(&TriangleMarker::new((x, y), 6, BLACK.filled()))?,
        _ => {}
    }
    Ok(())
}

fn key(area: &Area<'_>) -> Drawn {
    let y = KEY as i32 / 2;
    let mut x = LEFT as i32;
    let bar = [(x, y - 6), (x + 24, y + 6)];
    area.draw(&Rectangle::new(bar, BLACK.mix(0.3).filled()))?;
    area.draw_text("recovery", &text(12), (x + 30, y - 6))?;
    x += 110;
    let tick = [(x, y - 6), (x, y + 6)];
    area.draw(&PathElement::new(tick, RED.stroke_width(1)))?;
    area.draw_text("lost on the way", &text(12), (x + 8, y - 6))?;
    x += 150;
    for (what, label) in MARKS {
        mark(area, what, (x, y))?;
        area.draw_text(label, &text(12), (x + 12, y - 6))?;
        x += 7 * label.len() as i32 + 40;
    }
    Ok(())
}
