//! What very many connections cost: bytes for each, processor time for a packet among them, and
//! nothing at all while they are idle.
//!
//! `cargo bench -p estab-benches --bench scale` prints all of it in some minutes; `--part` picks one,
//! `--count` makes fewer of the many, and `--write` writes `docs/scale.md`.

#![allow(clippy::disallowed_methods, reason = "a bench measures time")]

mod cost;
mod crowd;
mod link;
mod memory;
mod page;
mod polls;
mod tun;

use std::env;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use page::Page;

/// What can be measured alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Bytes for each connection of every kind.
    Memory,
    /// What a packet costs among few and among many.
    Cost,
    /// A million connections between two stacks.
    Link,
    /// A hundred thousand connections through a TUN to the kernel.
    Tun,
}

#[derive(Debug, Parser)]
struct Options {
    /// Measure this part only.
    #[arg(long)]
    part: Vec<Part>,
    /// Connections over the link; a tenth of them over the TUN.
    #[arg(long, default_value_t = 1_000_000)]
    count: usize,
    /// Write `docs/scale.md`.
    #[arg(long)]
    write: bool,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    if let Ok(role) = env::var(cost::ROLE) {
        cost::play(&role);
        return ExitCode::SUCCESS;
    }
    if let Ok(count) = env::var(tun::ROLE) {
        return done(tun::play(&count).map_err(Into::into));
    }
    let options = Options::parse();
    done(run(&options))
}

fn done(outcome: Result<(), Box<dyn std::error::Error>>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let wanted = |part| options.part.is_empty() || options.part.contains(&part);
    if wanted(Part::Tun) {
        estab_netns::enter()?;
    }
    let mut page = Page::new();
    if wanted(Part::Memory) {
        memory::measure_all(&mut page);
    }
    if wanted(Part::Cost) {
        cost::measure_all(&mut page)?;
    }
    if wanted(Part::Link) {
        link::measure_all(&mut page, options.count)?;
    }
    if wanted(Part::Tun) {
        tun::measure_all(&mut page, options.count / 10)?;
    }
    if options.write {
        page.write()?;
    }
    Ok(())
}
