//! Stacks under the same load, side by side: ours over a TUN, the kernel's own, other crates', and the
//! least that a TCP can be.
//!
//! ```text
//! cargo bench -p estab-benches --bench tun -- [--rows "up;echo"] [--stacks "kernel;estab"] [--quick] [--write]
//! ```
//!
//! Every measurement has a server in a process and in a network of its own. What fails or hangs is a
//! failed cell, never the end of the run. Round by round all contestants of a row are measured one after
//! the other, so that a change of the machine's mood meets all of them; and each in the rows that are
//! compared with one another, such as IPv6 with IPv4, without anything between. What other processes
//! disturbed is measured again. The raw results are in `target/tun.jsonl`, with what both ends counted;
//! that of outliers is printed.

mod chart;
mod child;
mod evidence;
mod figures;
mod goals;
mod load;
mod page;
mod peers;
mod place;
mod rows;
mod sections;
mod serve;
mod stacks;
mod usage;

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

use clap::{Parser, Subcommand};

use evidence::Evidence;
use figures::{Missing, Sample, Samples};
use place::Means;
use rows::{ROWS, Row};
use sections::SECTIONS;
use stacks::{Program, STACKS, Stack};

/// Measures TCP stacks side by side.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Options {
    #[command(subcommand)]
    role: Option<Role>,
    /// Only these rows, separated by semicolons: whole names, or parts of several.
    #[arg(long, value_delimiter = ';')]
    rows: Vec<String>,
    /// Only these contestants, separated by semicolons: whole names, or how several begin.
    #[arg(long, value_delimiter = ';')]
    stacks: Vec<String>,
    /// How often everything is measured.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long the client loads a server.
    #[arg(long, default_value_t = 0.5)]
    seconds: f64,
    /// Everything once, and half as long.
    #[arg(long)]
    quick: bool,
    /// Write docs/benchmarks.md and its pictures.
    #[arg(long)]
    write: bool,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Role {
    /// Be a server.
    #[command(hide = true)]
    Serve(serve::Options),
}

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");
const LOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tun.jsonl");

/// How often something is measured at most, while others disturb it.
const TRIES: usize = 3;

/// The share of one processor's time that others may have.
const DISTURBED: f64 = 0.2;

fn main() -> ExitCode {
    let options = Options::parse();
    let result = match &options.role {
        Some(Role::Serve(server)) => serve::run(server),
        None => measure(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> Result<(), Box<dyn Error>> {
    let stacks = options.stacks();
    if stacks.is_empty() || options.rows().is_empty() {
        let rows = ROWS.iter().map(|row| row.name).collect::<Vec<_>>();
        let stacks = STACKS.map(Stack::name);
        let [rows, stacks] = [rows.join("; "), stacks.join("; ")];
        return Err(format!("there are the rows {rows}\nand the contestants {stacks}").into());
    }
    let needs = |program| stacks.iter().any(|stack| stack.program() == program);
    let build = |program, build: fn() -> Result<PathBuf, String>| match needs(program) {
        true => build(),
        false => Err("not asked for".to_owned()),
    };
    // Before the network is left behind: crates may have to be fetched.
    let means = Means {
        own: env::current_exe()?,
        peers: build(Program::Peers, peers::build),
        gvisor: build(Program::Gvisor, peers::build_gvisor),
        cores: thread::available_parallelism().map_or(1, usize::from),
    };
    estab_netns::enter()?;
    let samples = options.run(&stacks, &means)?;
    for section in &SECTIONS {
        print!("{}", page::text(section, &samples));
    }
    for (sample, ratio) in samples.outliers() {
        let ratio = ratio.map_or(String::new(), |it| format!(": {it:.2} times the median"));
        let line = sample.json();
        println!("\nAn outlier{ratio}\n{line}\n{}", sample.evidence);
    }
    println!("\n{}", goals::COLUMNS);
    for goal in goals::goals(&samples).iter().filter(|it| it.is_measured()) {
        println!("{goal}");
    }
    if options.write {
        options.write(&samples, &means)?;
    }
    Ok(())
}

impl Options {
    fn stacks(&self) -> Vec<Stack> {
        let is_one = |asked: &String| STACKS.iter().any(|stack| stack.name() == asked);
        let means = |stack: Stack, asked: &String| match is_one(asked) {
            true => stack.name() == asked,
            false => stack.name().starts_with(asked.as_str()),
        };
        let is_asked = |stack: &Stack| self.stacks.iter().any(|asked| means(*stack, asked));
        let all = STACKS.into_iter();
        all.filter(|stack| self.stacks.is_empty() || is_asked(stack))
            .collect()
    }

    fn rows(&self) -> Vec<&'static Row> {
        let is_one = |asked: &String| ROWS.iter().any(|row| row.name == asked);
        let means = |row: &Row, asked: &String| match is_one(asked) {
            true => row.name == asked,
            false => row.name.contains(asked.as_str()),
        };
        let is_asked = |row: &&Row| self.rows.iter().any(|asked| means(row, asked));
        ROWS.iter()
            .filter(|row| self.rows.is_empty() || is_asked(row))
            .collect()
    }

    fn rounds(&self) -> usize {
        if self.quick { 1 } else { self.rounds }
    }

    fn time(&self) -> Duration {
        let seconds = if self.quick {
            self.seconds / 2.0
        } else {
            self.seconds
        };
        Duration::from_secs_f64(seconds)
    }

    /// All measurements, each logged as soon as it is made.
    fn run(&self, stacks: &[Stack], means: &Means) -> io::Result<Samples> {
        let log = Path::new(LOG);
        fs::create_dir_all(log.parent().unwrap_or(log))?;
        let mut log = File::create(log)?;
        let mut samples = Samples::default();
        let groups = rows::groups(&self.rows());
        self.announce(&groups, stacks, means);
        for round in 1..=self.rounds() {
            for group in &groups {
                for (stack, row) in turns(round, group, stacks) {
                    let sample = self.undisturbed(|| self.sample(round, row, stack, means));
                    eprintln!("{}", sample.json());
                    writeln!(log, "{}", sample.log())?;
                    samples.0.push(sample);
                }
            }
        }
        Ok(samples)
    }

    /// The measurement that others disturbed least, of a few if the first was disturbed.
    fn undisturbed(&self, mut measure: impl FnMut() -> Sample) -> Sample {
        let mut best = measure();
        for _ in 1..TRIES {
            if best.evidence.shares.disturbance() <= DISTURBED {
                break;
            }
            eprintln!(
                "{}\ndisturbed, so once more: {}",
                best.json(),
                best.evidence
            );
            let again = measure();
            if again.evidence.shares.disturbance() < best.evidence.shares.disturbance() {
                best = again;
            }
        }
        best
    }

    fn sample(&self, round: usize, row: &'static Row, stack: Stack, means: &Means) -> Sample {
        let mut evidence = Evidence::default();
        let body = |target: &place::Target| load::measure(row, target, self.time());
        let outcome = match means.program(stack) {
            Ok(program) => {
                let who = (program, stack, row);
                place::beside(who, means.cores, &mut evidence, body)
                    .map_err(|error| Missing::Failed(error.to_string()))
            }
            Err(why) => Err(Missing::Absent(why.to_owned())),
        };
        Sample {
            round,
            row,
            stack,
            outcome,
            evidence,
        }
    }

    /// Says what is about to be measured, and how long that takes.
    fn announce(&self, groups: &[Vec<&'static Row>], stacks: &[Stack], means: &Means) {
        let all = groups.iter().flat_map(|group| turns(1, group, stacks));
        let times: Vec<_> = all
            .filter(|(stack, _)| means.program(*stack).is_ok())
            .map(|(_, row)| load::duration(row, self.time()))
            .collect();
        let (cells, rounds) = (times.len(), self.rounds());
        let total = times.iter().sum::<Duration>() * rounds as u32;
        let minutes = total.as_secs_f64() / 60.0;
        eprintln!("{cells} cells, {rounds} times each: about {minutes:.0} minutes");
        for stack in stacks {
            if let Err(why) = means.program(*stack) {
                eprintln!("without {}: {why}", stack.name());
            }
        }
    }

    fn write(&self, samples: &Samples, means: &Means) -> io::Result<()> {
        let docs = PathBuf::from(DOCS);
        let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
        let gvisor = peers::gvisor_version().filter(|_| means.gvisor.is_ok());
        let how = format!(
            "This run: {} rounds of {} s each, Linux {}, {} cores{}.",
            self.rounds(),
            self.time().as_secs_f64(),
            release.trim(),
            means.cores,
            gvisor.map_or(String::new(), |version| format!(", gVisor {version}")),
        );
        page::write(&docs.join("benchmarks.md"), samples, &how)?;
        let pictures = docs.join("benchmarks");
        fs::create_dir_all(&pictures)?;
        for section in &SECTIONS {
            if let Some(picture) = section.picture {
                chart::draw(
                    &pictures.join(picture).with_extension("svg"),
                    section,
                    samples,
                )?;
            }
        }
        Ok(())
    }
}

/// Who is measured in which row of a group, in this order: each contestant in all of them. Nobody, and
/// no row, always comes after the same one.
fn turns(round: usize, group: &[&'static Row], stacks: &[Stack]) -> Vec<(Stack, &'static Row)> {
    let mut group = group.to_vec();
    if round.is_multiple_of(2) {
        group.reverse();
    }
    let takes_part = |stack: &Stack| group.iter().any(|row| stack.takes_part(row));
    let mut stacks: Vec<_> = stacks.iter().copied().filter(takes_part).collect();
    let first = (round - 1) % stacks.len().max(1);
    stacks.rotate_left(first);
    let all = stacks
        .into_iter()
        .flat_map(|stack| group.iter().map(move |&row| (stack, row)));
    all.filter(|(stack, row)| stack.takes_part(row)).collect()
}
