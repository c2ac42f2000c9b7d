//! Bars, one below the other, as a picture for a page.

use svg::Document;
use svg::node::element::{Rectangle, Text};

/// The names before the bars, the longest bar, and the values behind them, in pixels.
const NAMES: f64 = 260.0;
const LONGEST: f64 = 400.0;
const VALUES: f64 = 110.0;
/// From one bar to the next.
const STEP: f64 = 20.0;

/// What stands out on white and on black.
const INK: &str = "#7a818a";
const BAR: &str = "#2f81f7";
const OTHER: &str = "#c4602a";

/// How long a bar is for its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// As long as the value.
    Linear,
    /// As long as the logarithm; the least value has a bar of a tenth of the longest.
    Logarithmic,
}

/// One bar.
#[derive(Clone, Debug)]
pub struct Bar {
    /// What stands before it.
    pub name: String,
    /// More than 0.
    pub value: f64,
    /// What stands behind it.
    pub text: String,
    /// Whether it is of estab itself.
    pub ours: bool,
}

/// Draws the bars below a title.
///
/// ```
/// use estab_benches::{Bar, Scale, draw};
///
/// let bar = Bar { name: "echo".into(), value: 15_200.0, text: "15200".into(), ours: true };
/// let picture = draw("instructions", Scale::Linear, &[bar]).to_string();
/// assert!(picture.contains("echo") && picture.contains("15200"));
/// ```
pub fn draw(title: &str, scale: Scale, bars: &[Bar]) -> Document {
    let values = || bars.iter().map(|bar| bar.value);
    let (least, most) = (
        values().fold(f64::INFINITY, f64::min),
        values().fold(0.0, f64::max),
    );
    let share = |value: f64| match scale {
        Scale::Linear => value / most,
        Scale::Logarithmic if most > least => {
            0.1 + 0.9 * (value / least).log10() / (most / least).log10()
        }
        Scale::Logarithmic => 1.0,
    };
    let (width, height) = (NAMES + LONGEST + VALUES, STEP * (bars.len() + 1) as f64);
    let mut document = Document::new()
        .set("viewBox", (0, 0, width, height))
        .set("width", width)
        .set("height", height)
        .set("font-family", "sans-serif")
        .set("font-size", 11)
        .set("fill", INK)
        .add(Text::new(title).set("x", 8).set("y", 14));
    for (n, bar) in bars.iter().enumerate() {
        let (y, length) = (STEP * (n + 1) as f64, share(bar.value) * LONGEST);
        let base = y + STEP - 9.0;
        let rectangle = Rectangle::new()
            .set("x", NAMES)
            .set("y", y)
            .set("width", length)
            .set("height", STEP - 6.0)
            .set("fill", if bar.ours { BAR } else { OTHER });
        let value = Text::new(&bar.text).set("x", NAMES + length + 6.0);
        document = document
            .add(Text::new(&bar.name).set("x", 8).set("y", base))
            .add(rectangle)
            .add(value.set("y", base));
    }
    document
}
