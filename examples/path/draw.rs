//! The picture: panels over one time axis, a colour for each flow.

use std::error::Error;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use estab_sim::transfer::{Outcome, Report, Sample};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use crate::episodes::{Episode, episodes};
use crate::lanes;

/// What is drawn.
pub(crate) struct Picture<'a> {
    /// The path in words.
    pub(crate) title: String,
    /// The controller of each flow.
    pub(crate) names: Vec<&'static str>,
    /// The bottleneck's rate in bits per second.
    pub(crate) rate: f64,
    /// The round-trip time of the empty path.
    pub(crate) rtt: Duration,
    /// The room in the bottleneck's queue, in bytes.
    pub(crate) queue: u64,
    pub(crate) report: &'a Report,
}

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(crate) type Panel<'a, 'b> =
    ChartContext<'b, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
pub(crate) type Drawn = Result<(), Box<dyn Error>>;

const WIDTH: u32 = 1200;
const HEADER: u32 = 72;
/// Above each panel, for its title.
const TITLE: u32 = 26;
/// Left of the panels, for their scales.
pub(crate) const LEFT: u32 = 76;
pub(crate) const RIGHT: u32 = 24;
const FONT: &str = "sans-serif";
const INK: RGBColor = RGBColor(60, 60, 60);

/// Okabe and Ito's colours, which people who are colour-blind tell apart too.
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(120, 94, 240),
    RGBColor(90, 90, 90),
];

pub(crate) fn colour(flow: usize) -> RGBColor {
    COLOURS[flow % COLOURS.len()]
}

/// How a line of a panel's key looks.
#[derive(Clone, Copy)]
pub(crate) enum Stroke {
    Solid,
    Dashed,
    Thin,
    Filled,
}

/// Draws the picture into an SVG file.
pub(crate) fn draw(file: &Path, picture: &Picture<'_>) -> Drawn {
    let lanes = lanes::height(picture.names.len());
    let heights = [HEADER, 320, 210, 190, 170, lanes];
    let size = (WIDTH, heights.iter().sum());
    let root = SVGBackend::new(file, size).into_drawing_area();
    root.fill(&WHITE)?;
    let breaks = heights.iter().scan(0, |y, height| {
        *y += *height as i32;
        Some(*y)
    });
    let breaks: Vec<_> = breaks.take(heights.len() - 1).collect();
    let areas = root.split_by_breakpoints([0; 0], breaks);
    header(&areas[0], picture)?;
    windows(&areas[1], picture)?;
    rates(&areas[2], picture)?;
    round_trips(&areas[3], picture)?;
    queue(&areas[4], picture)?;
    lanes::draw(&areas[5], picture)?;
    root.present()?;
    Ok(())
}

/// The title, and each flow with its colour and its goodput.
fn header(area: &Area<'_>, picture: &Picture<'_>) -> Drawn {
    let title = (FONT, 20).into_font().style(FontStyle::Bold).color(&INK);
    area.draw_text(&picture.title, &title, (LEFT as i32, 14))?;
    let text = text(14);
    let mut x = LEFT as i32;
    for (index, (name, flow)) in picture.names.iter().zip(&picture.report.flows).enumerate() {
        let swatch = [(x, 46), (x + 18, 58)];
        area.draw(&Rectangle::new(swatch, colour(index).filled()))?;
        let label = format!("{} {name}, {:.2} Mbit/s", index + 1, flow.goodput() / 1e6);
        area.draw_text(&label, &text, (x + 24, 45))?;
        x += 56 + 8 * label.len() as i32;
    }
    Ok(())
}

/// cwnd, ssthresh and what is in flight, over the episodes of recovery.
fn windows(area: &Area<'_>, picture: &Picture<'_>) -> Drawn {
    let flows = &picture.report.flows;
    let most = most(flows, |it| Some(f64::from(it.cwnd.max(it.in_flight))));
    let (unit, scale) = unit(most);
    let top = 1.08 * most / scale;
    let mut panel = panel(area, &format!("Window, {unit}"), picture.end(), top)?;
    for (index, flow) in flows.iter().enumerate() {
        let shade = colour(index).mix(0.14).filled();
        for Episode { time, .. } in episodes(flow, picture.end()) {
            let corners = [(time.start, 0.0), (time.end, top)];
            panel.draw_series([Rectangle::new(corners, shade)])?;
        }
    }
    for (index, flow) in flows.iter().enumerate() {
        let colour = colour(index);
        let in_flight = points(flow, |it| Some(f64::from(it.in_flight) / scale));
        let shade = colour.mix(0.24 / flows.len() as f64);
        panel.draw_series(AreaSeries::new(in_flight, 0.0, shade))?;
        let ssthresh = points(flow, |it| Some((f64::from(it.ssthresh?) / scale).min(top)));
        let ssthresh = ssthresh.into_iter();
        panel.draw_series(DashedLineSeries::new(
            ssthresh,
            5,
            4,
            colour.stroke_width(1),
        ))?;
        let cwnd = points(flow, |it| Some(f64::from(it.cwnd) / scale));
        panel.draw_series(LineSeries::new(cwnd, colour.stroke_width(2)))?;
    }
    let key = [
        (Stroke::Solid, "cwnd"),
        (Stroke::Dashed, "ssthresh"),
        (Stroke::Filled, "in flight"),
    ];
    keys(area, &key)
}

/// The pacing rate, and what arrives.
fn rates(area: &Area<'_>, picture: &Picture<'_>) -> Drawn {
    let flows = &picture.report.flows;
    let rate = picture.rate / 1e6;
    let window = picture.rtt.max(picture.report.elapsed / 150);
    let arriving: Vec<Vec<_>> = flows
        .iter()
        .map(|it| arriving(it, window).collect())
        .collect();
    let fastest = arriving.iter().flatten().map(|(_, y)| *y);
    let paced = most(flows, |it| Some(it.pacing_rate? as f64 * 8e-6));
    // Slow start paces at twice the rate and more: what is beyond is cut off.
    let top = (1.15 * fastest.fold(paced, f64::max)).min(2.2 * rate);
    let mut panel = panel(area, "Rate, Mbit/s", picture.end(), top)?;
    limit(&mut panel, picture.end(), rate)?;
    for (index, (flow, arriving)) in flows.iter().zip(arriving).enumerate() {
        let colour = colour(index);
        let pacing = points(flow, |it| Some((it.pacing_rate? as f64 * 8e-6).min(top)));
        panel.draw_series(LineSeries::new(pacing, colour.mix(0.5).stroke_width(1)))?;
        let arriving = arriving.into_iter().map(|(x, y)| (x, y.min(top)));
        panel.draw_series(LineSeries::new(arriving, colour.stroke_width(2)))?;
    }
    let key = [
        (Stroke::Solid, "delivered"),
        (Stroke::Thin, "pacing rate"),
        (Stroke::Dashed, "bottleneck"),
    ];
    keys(area, &key)
}

/// Bits delivered per microsecond, at each sample over the time before it.
fn arriving(flow: &Outcome, window: Duration) -> impl Iterator<Item = (f64, f64)> + '_ {
    flow.samples.iter().filter_map(move |it| {
        let since = it.at.checked_sub(window)?;
        let before = flow.delivered_before(since);
        let time = (it.at - since).as_secs_f64();
        Some((
            it.at.as_secs_f64(),
            (it.delivered - before) as f64 * 8e-6 / time,
        ))
    })
}

/// The smoothed round-trip time above that of the empty path.
fn round_trips(area: &Area<'_>, picture: &Picture<'_>) -> Drawn {
    let flows = &picture.report.flows;
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let most = most(flows, |it| it.rtt.map(millis)).max(millis(picture.rtt));
    let mut panel = panel(area, "Round-trip time, ms", picture.end(), 1.15 * most)?;
    limit(&mut panel, picture.end(), millis(picture.rtt))?;
    for (index, flow) in flows.iter().enumerate() {
        let rtt = points(flow, |it| it.rtt.map(millis));
        panel.draw_series(LineSeries::new(rtt, colour(index).stroke_width(2)))?;
    }
    keys(
        area,
        &[(Stroke::Solid, "smoothed"), (Stroke::Dashed, "empty path")],
    )
}

/// What waits in the bottleneck's queue.
fn queue(area: &Area<'_>, picture: &Picture<'_>) -> Drawn {
    let queue = &picture.report.queue;
    let most = queue
        .iter()
        .map(|(_, bytes)| *bytes as f64)
        .fold(0.0, f64::max);
    let most = most.max(picture.queue as f64);
    let (unit, scale) = unit(most);
    let mut panel = panel(
        area,
        &format!("Queue, {unit}"),
        picture.end(),
        1.15 * most / scale,
    )?;
    limit(&mut panel, picture.end(), picture.queue as f64 / scale)?;
    let bytes = queue
        .iter()
        .map(|(at, bytes)| (at.as_secs_f64(), *bytes as f64 / scale));
    panel.draw_series(AreaSeries::new(bytes, 0.0, INK.mix(0.35)))?;
    keys(
        area,
        &[(Stroke::Filled, "waiting"), (Stroke::Dashed, "room")],
    )
}

/// A panel with its axes; `top` is the upper end of its scale.
pub(crate) fn panel<'a, 'b>(
    area: &'b Area<'a>,
    label: &str,
    end: f64,
    top: f64,
) -> Result<Panel<'a, 'b>, Box<dyn Error>> {
    let title = (FONT, 14).into_font().style(FontStyle::Bold).color(&INK);
    area.draw_text(label, &title, (LEFT as i32, 4))?;
    let mut panel = ChartBuilder::on(area)
        .margin_top(TITLE)
        .margin_right(RIGHT)
        .x_label_area_size(26)
        .y_label_area_size(LEFT)
        .build_cartesian_2d(0.0..end, 0.0..top.max(f64::MIN_POSITIVE))?;
    panel
        .configure_mesh()
        .y_labels(6)
        .x_labels(11)
        .x_label_formatter(&|x| format!("{} s", short(*x)))
        .y_label_formatter(&|y| short(*y))
        .label_style(text(12))
        .light_line_style(TRANSPARENT)
        .bold_line_style(INK.mix(0.12))
        .axis_style(INK.mix(0.5))
        .draw()?;
    Ok(panel)
}

/// The key of a panel's lines, on the right of its title.
fn keys(area: &Area<'_>, keys: &[(Stroke, &str)]) -> Drawn {
    let (width, _) = area.dim_in_pixel();
    let mut x = width as i32 - RIGHT as i32 + 8;
    for (stroke, label) in keys.iter().rev() {
        x -= 7 * label.len() as i32 + 44;
        let (y, line) = (12, INK.stroke_width(2));
        let ends = [(x, y), (x + 26, y)];
        match stroke {
            Stroke::Solid => area.draw(&PathElement::new(ends, line))?,
            Stroke::Thin => area.draw(&PathElement::new(ends, INK.mix(0.6).stroke_width(1)))?,
            Stroke::Dashed => {
                for from in [x, x + 9, x + 18] {
                    let dash = [(from, y), (from + 5, y)];
                    area.draw(&PathElement::new(dash, INK.stroke_width(1)))?;
                }
            }
            Stroke::Filled => {
                let corners = [(x, y - 5), (x + 26, y + 5)];
                area.draw(&Rectangle::new(corners, INK.mix(0.25).filled()))?;
            }
        }
        area.draw_text(label, &text(12), (x + 31, y - 6))?;
    }
    Ok(())
}

/// A dashed line across the panel, if it is so high.
fn limit(panel: &mut Panel<'_, '_>, end: f64, y: f64) -> Drawn {
    if y > panel.y_range().end {
        return Ok(());
    }
    let ends = [(0.0, y), (end, y)];
    panel.draw_series(DashedLineSeries::new(ends, 5, 4, INK.stroke_width(1)))?;
    Ok(())
}

impl Picture<'_> {
    /// Where the time axis ends.
    pub(crate) fn end(&self) -> f64 {
        self.report.elapsed.as_secs_f64()
    }
}

pub(crate) fn text(size: u32) -> TextStyle<'static> {
    (FONT, size).into_font().color(&INK)
}

/// A variable over time, where it has a value.
fn points(flow: &Outcome, variable: impl Fn(&Sample) -> Option<f64>) -> Vec<(f64, f64)> {
    flow.samples
        .iter()
        .filter_map(|it| Some((it.at.as_secs_f64(), variable(it)?)))
        .collect()
}

/// The largest value of a variable over all flows.
fn most(flows: &[Outcome], variable: impl Fn(&Sample) -> Option<f64>) -> f64 {
    let samples = flows.iter().flat_map(|flow| &flow.samples);
    samples.filter_map(variable).fold(0.0, f64::max)
}

/// The unit for so many bytes.
fn unit(bytes: f64) -> (&'static str, f64) {
    if bytes >= 2e6 {
        ("MB", 1e6)
    } else {
        ("kB", 1e3)
    }
}

/// A number of a scale, without zeros that say nothing.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// When something lasts, in seconds.
pub(crate) type Span = Range<f64>;
