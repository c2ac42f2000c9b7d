//! Our TCP and the kernel's over the same emulated paths in real time, CUBIC against CUBIC: how much
//! of the kernel's goodput ours reaches as a sender, and as a receiver.
//!
//! ```text
//! cargo bench -p estab-benches --bench linux -- [--cells 20mbit] [--quick] [--write]
//! ```

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use clap::Parser;

mod cell;
mod ends;
mod page;
mod run;

use cell::{CELLS, Cell};
use page::{Row, Sample};
use run::PAIRS;

/// Measures our TCP beside the kernel's, over emulated paths in real time.
#[derive(Parser)]
struct Options {
    /// Only those cells whose name contains this, such as "100ms" or "20mbit 1%".
    #[arg(long, default_value = "")]
    cells: String,
    /// Each transfer once instead of five times.
    #[arg(long)]
    quick: bool,
    /// Write docs/linux-goodput.md.
    #[arg(long)]
    write: bool,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// How often each transfer is measured.
const REPETITIONS: u64 = 5;

fn main() -> ExitCode {
    let options = Options::parse();
    let result = estab_netns::enter()
        .map_err(Into::into)
        .and_then(|_| measure(&options));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> Result<(), Box<dyn Error>> {
    let repetitions = if options.quick { 1 } else { REPETITIONS };
    let cells = CELLS
        .iter()
        .filter(|cell| cell.name().contains(&options.cells));
    let mut rows = Vec::new();
    println!("{}", page::COLUMNS);
    for cell in cells {
        let row = Row::new(*cell, samples(cell, repetitions)?);
        println!("{row}");
        rows.push(row);
    }
    println!("\n{}", page::summary(&rows));
    if options.write {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/linux-goodput.md");
        page::write(&file, &rows)?;
    }
    Ok(())
}

/// All transfers of a cell; those that run at the same time do so in the same order of pairs.
fn samples(cell: &Cell, repetitions: u64) -> Result<Vec<Sample>, Box<dyn Error>> {
    let jobs: Vec<_> = (1..=repetitions)
        .flat_map(|seed| PAIRS.map(|pair| (pair, seed)))
        .collect();
    let mut samples = Vec::new();
    for batch in jobs.chunks(cell.at_once()) {
        let outcomes: Vec<_> = thread::scope(|scope| {
            let start = |&(pair, seed)| scope.spawn(move || run::run(pair, cell, seed));
            let running: Vec<_> = batch.iter().map(start).collect();
            running
                .into_iter()
                .map(thread::ScopedJoinHandle::join)
                .collect()
        });
        for (&(pair, seed), outcome) in batch.iter().zip(outcomes) {
            let outcome = outcome
                .map_err(|_| "a transfer panicked")?
                .map_err(|error| format!("{pair:?} over {}: {error}", cell.name()))?;
            samples.push(Sample {
                pair,
                seed,
                outcome,
            });
        }
    }
    Ok(samples)
}
