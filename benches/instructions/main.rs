//! How many instructions the parts of the protocol take: the same in every run on whatever machine,
//! so that a change of a few percent shows.
//!
//! `cargo run --release -p estab-benches --bin estab-instructions` counts under valgrind's callgrind
//! and compares with the table that is checked in, `benches/instructions.tsv`. It fails if something
//! takes more than 3 % more than there. Counts depend on the compiler: with another than the table's
//! up to 15 % more are let pass. What takes as much less is worth a new table, which
//! `ESTAB_REWRITE=1` writes.

mod table;

use std::env;
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::thread;

use estab_benches::{Job, Work, all};
use table::{Row, Table};

/// Names the work that a process started by this one does, and how often.
const ROLE: &str = "ESTAB_BENCH_WORK";

/// Growth by more than this fails.
const TOLERANCE: f64 = 0.03;

/// The same with another compiler than the table's.
const WIDE_TOLERANCE: f64 = 0.15;

/// Done before counting, and as often as is counted then: caches of the stack grow to their size.
const WARM_UP: u64 = 200;

fn main() -> ExitCode {
    if let Ok(role) = env::var(ROLE) {
        run(&role);
        return ExitCode::SUCCESS;
    }
    match measure() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What a process under valgrind does.
fn run(role: &str) {
    let (times, name) = role.split_once(' ').expect("a number and a name");
    let times: u64 = times.parse().expect("a number");
    let work = all().into_iter().find(|work| work.name == name);
    let mut job = work.expect("a name of the list").prepare();
    (0..WARM_UP + times).for_each(|_| job());
    counted(times, &mut job);
}

/// What is done in here is counted, and nothing else: most of all not what makes a hundred thousand
/// connections ready.
#[inline(never)]
fn counted(times: u64, job: &mut Job) {
    (0..times).for_each(|_| job());
}

/// Counts everything; whether nothing has grown.
fn measure() -> Result<bool, String> {
    let counted = Table {
        compiler: compiler()?,
        rows: count_all()?,
    };
    if env::var_os("ESTAB_REWRITE").is_some() {
        counted.write()?;
        for row in &counted.rows {
            println!("{:<36}{:>12}", row.name, row.instructions);
        }
        return Ok(true);
    }
    let expected = Table::read()?;
    let same = expected.compiler == counted.compiler;
    let tolerance = if same { TOLERANCE } else { WIDE_TOLERANCE };
    if !same {
        println!(
            "The table was made with {}, this is {}: {:.0} % more pass.",
            expected.compiler,
            counted.compiler,
            tolerance * 100.0
        );
    }
    let (mut grown, mut shrunk) = (false, false);
    println!("{:<36}{:>12}{:>12}{:>8}", "", "table", "now", "ratio");
    for (row, ratio) in counted.compare(&expected)? {
        let verdict = match ratio {
            more if more > 1.0 + tolerance => "  grown",
            less if less < 1.0 - tolerance => "  less",
            _ => "",
        };
        grown |= verdict == "  grown";
        shrunk |= verdict == "  less";
        let before = (row.instructions as f64 / ratio).round();
        println!(
            "{:<36}{before:>12}{:>12}{ratio:>8.3}{verdict}",
            row.name, row.instructions
        );
    }
    if grown {
        println!("Something takes more than {:.0} % more.", tolerance * 100.0);
    } else if shrunk {
        println!("Keep what was gained: write the table anew, with ESTAB_REWRITE=1.");
    }
    Ok(!grown)
}

/// Counts the work of the list, on all processors.
fn count_all() -> Result<Vec<Row>, String> {
    let works = all();
    let next = Mutex::new(works.iter().enumerate());
    let rows = Mutex::new(Vec::new());
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let taken = next.lock().expect("no panic").next();
                    let Some((place, work)) = taken else { return };
                    let row = count(work).map(|instructions| Row {
                        name: work.name.to_owned(),
                        instructions,
                    });
                    rows.lock().expect("no panic").push((place, row));
                }
            });
        }
    });
    let mut rows = rows.into_inner().expect("no panic");
    rows.sort_by_key(|(place, _)| *place);
    rows.into_iter().map(|(_, row)| row).collect()
}

/// Instructions per operation.
fn count(work: &Work) -> Result<u64, String> {
    let times = if work.bytes >= 1 << 20 { 10 } else { 500 };
    Ok(total(work, times)? / times)
}

/// Instructions of so many operations.
fn total(work: &Work, times: u64) -> Result<u64, String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=*::counted*")
        .arg(program)
        .env(ROLE, format!("{times} {}", work.name))
        .output()
        .map_err(|error| {
            format!(
                "valgrind does not start ({error}): install it, on Debian by `apt install valgrind`"
            )
        })?;
    let report = String::from_utf8_lossy(&output.stderr);
    let collected = report
        .lines()
        .find_map(|line| line.split_once("Collected : "))
        .and_then(|(_, count)| count.trim().parse().ok());
    collected.ok_or_else(|| format!("{} failed under valgrind:\n{report}", work.name))
}

fn compiler() -> Result<String, String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    let output = output.map_err(|error| format!("rustc does not start: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
