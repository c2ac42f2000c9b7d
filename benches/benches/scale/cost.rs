//! What a packet costs among few connections and among many.

use std::env;
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use estab_tests::crowd::Crowd;
use estab_tests::rng::Rng;

use crate::page::Page;

/// Names what a process started by this one under callgrind does.
pub(crate) const ROLE: &str = "ESTAB_BENCH_SCALE";

/// Connections there are.
const COUNTS: [usize; 3] = [10, 1_000, 100_000];

/// Connections that carry the traffic when it is on few.
const FEW: usize = 10;

/// Pings timed at once, and how often all counts take turns.
const PINGS: usize = 20_000;
const ROUNDS: usize = 15;

/// Pings counted by callgrind.
const COUNTED: usize = 2_000;

/// Over which connections pings go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// The first few in turn.
    Few,
    /// Any.
    All,
}

pub(crate) fn measure_all(page: &mut Page) -> Result<(), String> {
    page.section(
        "Cost of a packet",
        "A byte there, a byte back, and what acknowledges them, between two stacks that have so many \
         connections: always over the same ten, or over any. The columns are ratios to the same with \
         ten connections: of instructions, and of time, the median of pairs taken in turns. Time \
         over any connection is that of fetching its record from memory.",
    );
    page.head(&[
        "connections",
        "instructions, over ten",
        "instructions, over any",
        "time, over ten",
        "time, over any",
    ]);
    let counted = COUNTS
        .iter()
        .map(|&count| {
            Ok([
                instructions(count, Over::Few)?,
                instructions(count, Over::All)?,
            ])
        })
        .collect::<Result<Vec<_>, String>>()?;
    let timed = time_ratios();
    for (nth, count) in COUNTS.iter().enumerate() {
        let ratio = |over: usize| counted[nth][over] as f64 / counted[0][over] as f64;
        page.row(&[
            count.to_string(),
            format!("{:.3}", ratio(0)),
            format!("{:.3}", ratio(1)),
            format!("{:.2}", timed[nth][0]),
            format!("{:.2}", timed[nth][1]),
        ]);
    }
    Ok(())
}

/// A crowd none of whose connections is dormant.
fn crowd(count: usize) -> Crowd {
    let mut crowd = Crowd::new(count, false, |config| {
        config.dormant_after = Some(Duration::from_secs(3600));
        // The first pings of a connection are to cost as much as any.
        config.tcp.delayed_ack.quick_segments = 0;
    });
    crowd.open(count);
    crowd
}

#[inline(never)]
fn pings(crowd: &mut Crowd, over: Over, rng: &mut Rng, times: usize) {
    for nth in 0..times {
        let of = match over {
            Over::Few => nth % FEW,
            Over::All => rng.below(crowd.ids.len() as u64) as usize,
        };
        crowd.ping(black_box(of));
    }
}

/// Times with each count divided by those with the first, over few and over all.
fn time_ratios() -> Vec<[f64; 2]> {
    let mut crowds: Vec<_> = COUNTS.iter().map(|&count| crowd(count)).collect();
    for crowd in &mut crowds {
        (0..crowd.ids.len()).for_each(|nth| crowd.ping(nth));
    }
    let mut rng = Rng::new(1);
    let mut ratios = vec![[const { Vec::new() }; 2]; COUNTS.len()];
    for _ in 0..ROUNDS {
        for (way, over) in [Over::Few, Over::All].into_iter().enumerate() {
            let times: Vec<f64> = crowds
                .iter_mut()
                .map(|crowd| {
                    // What the timers of earlier pings still bring is not to be timed.
                    crowd.pass(Duration::from_secs(2));
                    pings(crowd, over, &mut rng, PINGS / 10);
                    let began = Instant::now();
                    pings(crowd, over, &mut rng, PINGS);
                    began.elapsed().as_secs_f64()
                })
                .collect();
            for (ratio, time) in ratios.iter_mut().zip(&times) {
                ratio[way].push(time / times[0]);
            }
        }
    }
    ratios.into_iter().map(|ways| ways.map(median)).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What a process under callgrind does: what is counted is in a function of this name.
pub(crate) fn play(role: &str) {
    let (count, over) = role.split_once(' ').expect("a number and a way");
    let mut crowd = crowd(count.parse().expect("a number"));
    let over = if over == "All" { Over::All } else { Over::Few };
    // The same connections twice: first pings are not to be counted.
    pings(&mut crowd, over, &mut Rng::new(1), COUNTED);
    counted_pings(&mut crowd, over, &mut Rng::new(1));
}

#[inline(never)]
fn counted_pings(crowd: &mut Crowd, over: Over, rng: &mut Rng) {
    pings(crowd, over, rng, COUNTED);
}

/// Instructions of so many pings.
fn instructions(count: usize, over: Over) -> Result<u64, String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=*counted_pings*")
        .arg(program)
        .env(ROLE, format!("{count} {over:?}"))
        .output()
        .map_err(|error| format!("valgrind does not start: {error}"))?;
    let report = String::from_utf8_lossy(&output.stderr);
    let collected = report
        .lines()
        .find_map(|line| line.split_once("Collected : "))
        .and_then(|(_, count)| count.trim().parse().ok());
    collected.ok_or_else(|| format!("failed under valgrind:\n{report}"))
}
