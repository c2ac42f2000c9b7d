//! What happened, in order, and its rendering in a terminal.

use std::collections::HashSet;
use std::fmt::Write;

use console::{Alignment, Style, pad_str_with, style};
use estab_proto::wire::{Flags, Segment};
use estab_proto::{Instant, SeqNumber, State};

use crate::net::Side;

/// One line of the ladder.
pub(crate) enum Line {
    Segment {
        from: Side,
        label: String,
        sent: (Instant, State),
        /// `None`: lost.
        arrived: Option<(Instant, State)>,
    },
    Note {
        side: Side,
        text: String,
        at: (Instant, State),
    },
}

#[derive(Default)]
pub(crate) struct Ladder {
    pub(crate) lines: Vec<Line>,
    /// Per side, the numbers that got a name: the initial ones and those of the FINs.
    names: [Vec<(SeqNumber, String)>; 2],
    /// The sequence space segments took, to tell retransmissions.
    occupied: HashSet<(Side, SeqNumber, u32)>,
}

impl Ladder {
    pub(crate) fn note(&mut self, now: Instant, side: Side, text: &str, state: State) {
        self.lines.push(Line::Note {
            side,
            text: text.to_owned(),
            at: (now, state),
        });
    }

    /// A segment leaves; returns its line for [`arrived`](Self::arrived).
    pub(crate) fn sent(
        &mut self,
        now: Instant,
        from: Side,
        segment: &Segment<'_>,
        state: State,
    ) -> usize {
        self.name(from, segment);
        let mut label = self.label(from, segment);
        if !segment.is_empty() && !self.occupied.insert((from, segment.seq, segment.len())) {
            label.push_str(" (again)");
        }
        self.lines.push(Line::Segment {
            from,
            label,
            sent: (now, state),
            arrived: None,
        });
        self.lines.len() - 1
    }

    pub(crate) fn arrived(&mut self, line: usize, now: Instant, state: State) {
        if let Some(Line::Segment { arrived, .. }) = self.lines.get_mut(line) {
            *arrived = Some((now, state));
        }
    }

    /// How many bare ACKs were lost.
    pub(crate) fn lost_probes(&self) -> usize {
        let lost = |line: &&Line| matches!(line, Line::Segment { label, arrived: None, .. } if label.starts_with("ACK"));
        self.lines.iter().filter(lost).count()
    }

    /// Gives the textbook's letters: x and y to the initial numbers, u and w to those of the FINs.
    fn name(&mut self, from: Side, segment: &Segment<'_>) {
        let (initial, fin) = if from == Side::A {
            ("x", "u")
        } else {
            ("y", "w")
        };
        let names = &mut self.names[from as usize];
        let (number, letter) = match segment {
            _ if segment.ctl.contains(Flags::SYN) => (segment.seq, initial),
            _ if segment.ctl.contains(Flags::FIN) => (segment.seq + segment.text.len() as u32, fin),
            _ => return,
        };
        if names.iter().any(|(known, _)| *known == number) {
            return;
        }
        let primes = names
            .iter()
            .filter(|(_, name)| name.starts_with(letter))
            .count();
        names.push((number, format!("{letter}{}", "'".repeat(primes))));
    }

    /// `number` of `side`'s sequence space as the nearest name before it and the distance.
    fn symbol(&self, side: Side, number: SeqNumber) -> String {
        let distance = |base: SeqNumber| number.to_u32().wrapping_sub(base.to_u32());
        match self.names[side as usize]
            .iter()
            .min_by_key(|(base, _)| distance(*base))
        {
            None => number.to_u32().to_string(),
            Some((base, name)) => match distance(*base) {
                0 => name.clone(),
                u32::MAX => format!("{name}-1"),
                n => format!("{name}+{n}"),
            },
        }
    }

    fn label(&self, from: Side, segment: &Segment<'_>) -> String {
        let names = [
            (Flags::SYN, "SYN "),
            (Flags::FIN, "FIN "),
            (Flags::RST, "RST "),
        ];
        let set = names.iter().filter(|(flag, _)| segment.ctl.contains(*flag));
        let mut label: String = set.map(|(_, name)| *name).collect();
        if segment.ctl.contains(Flags::ACK) {
            label.push_str("ACK ");
        }
        let _ = write!(label, "seq={}", self.symbol(from, segment.seq));
        if segment.ctl.contains(Flags::ACK) {
            let _ = write!(label, " ack={}", self.symbol(from.other(), segment.ack));
        }
        if !segment.text.is_empty() {
            let _ = write!(label, " data={}", segment.text.len());
        }
        if segment.ctl.contains(Flags::SYN) {
            label.push_str(&options(segment));
        }
        label
    }

    /// The values behind the letters.
    pub(crate) fn legend(&self) -> String {
        let mut legend = Vec::new();
        for names in &self.names {
            let mut initial = None;
            for (number, name) in names {
                legend.push(match initial {
                    Some((base, first)) if name.starts_with(['u', 'w']) => {
                        format!("{name} = {first}+{}", number.to_u32().wrapping_sub(base))
                    }
                    _ => format!("{name} = {number}"),
                });
                if !name.starts_with(['u', 'w']) {
                    initial = Some((number.to_u32(), name));
                }
            }
        }
        legend.join(", ")
    }

    /// Prints the ladder.
    pub(crate) fn print(&self) {
        println!(
            "{:>9}  {:13}{:66}{:>13}",
            "",
            style("A").bold(),
            "",
            style("B").bold()
        );
        for line in &self.lines {
            match line {
                Line::Segment {
                    from,
                    label,
                    sent,
                    arrived,
                } => {
                    print_segment(*from, label, *sent, *arrived);
                }
                Line::Note { side, text, at } => print_note(*side, text, *at),
            }
        }
        println!("\n{}", self.legend());
    }
}

/// What the SYN offers.
fn options(segment: &Segment<'_>) -> String {
    let mut offers = format!(" wnd={}", segment.wnd.0);
    if let Some(mss) = segment.opts.mss {
        let _ = write!(offers, " mss={mss}");
    }
    if let Some(shift) = segment.opts.window_scale {
        let _ = write!(offers, " wscale={shift}");
    }
    if segment.opts.sack_permitted {
        offers.push_str(" SACK");
    }
    if segment.opts.timestamps.is_some() {
        offers.push_str(" TS");
    }
    offers
}

/// Seconds with the milliseconds.
pub(crate) fn seconds(at: Instant) -> String {
    format!("{}.{:03}", at.as_millis() / 1000, at.as_millis() % 1000)
}

fn print_segment(
    from: Side,
    label: &str,
    sent: (Instant, State),
    arrived: Option<(Instant, State)>,
) {
    let lost = arrived.is_none();
    let text = format!(" {label} ");
    let (left, right, shaft) = match from {
        Side::A => (
            Some(sent),
            arrived,
            pad(&text, 64, Alignment::Center) + if lost { "╳ " } else { "─▶" },
        ),
        Side::B => (
            arrived,
            Some(sent),
            if lost { " ╳" } else { "◀─" }.to_owned() + &pad(&text, 64, Alignment::Center),
        ),
    };
    let shaft = if lost {
        style(shaft).red()
    } else {
        style(shaft)
    };
    println!("{} {shaft} {}", end(left, Side::A), end(right, Side::B));
}

fn print_note(side: Side, text: &str, at: (Instant, State)) {
    let text = style(format!("{text:^66}")).dim();
    match side {
        Side::A => println!("{} {text}", end(Some(at), Side::A)),
        Side::B => println!("{} {text} {}", end(None, Side::A), end(Some(at), Side::B)),
    }
}

fn pad(text: &str, width: usize, alignment: Alignment) -> String {
    pad_str_with(text, width, alignment, None, '─').into_owned()
}

/// Time and state on the outer side of a lifeline.
fn end(end: Option<(Instant, State)>, side: Side) -> String {
    let (time, state) = match end {
        Some((at, state)) => (seconds(at), colour(state).apply_to(format!("{state:12}"))),
        None => (String::new(), Style::new().apply_to(" ".repeat(12))),
    };
    match side {
        Side::A => format!("{time:>9}  {state}"),
        Side::B => format!("{state}  {time:>9}"),
    }
}

fn colour(state: State) -> Style {
    let style = Style::new();
    match state {
        State::Closed => style.dim(),
        State::Listen => style.white(),
        State::SynSent | State::SynReceived => style.yellow(),
        State::Established => style.green().bold(),
        State::FinWait1 | State::FinWait2 | State::Closing => style.cyan(),
        State::CloseWait | State::LastAck => style.magenta(),
        State::TimeWait => style.blue(),
    }
}
