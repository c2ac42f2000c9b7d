//! Goodput over a grid of paths, under every congestion controller, against a page that is checked
//! in: whatever changes it is seen in review.
//!
//! Virtual time is deterministic, so the comparison is exact.

mod cell;
mod table;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, thread};

use cell::{CONTROLLERS, Cell};
use table::{Results, key};

fn page() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/goodput.md")
}

/// Runs the transfers, on all processors.
fn run(cells: &[Cell]) -> Results {
    let jobs: Vec<_> = CONTROLLERS
        .into_iter()
        .flat_map(|controller| cells.iter().map(move |cell| (controller, cell)))
        .filter(|((_, algorithm), cell)| cell.suits(*algorithm))
        .collect();
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Results::new()));
    let work = || {
        while let Some(((name, algorithm), cell)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let goodput = cell.run(*algorithm);
            let mut results = results.lock().expect("no panic in another thread");
            results.insert((name, key(cell)), goodput);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    results.into_inner().expect("no panic in another thread")
}

#[test]
fn goodput_is_what_the_page_says() {
    if env::var_os("ESTAB_REWRITE").is_some() {
        let results = run(&Cell::all());
        fs::write(page(), table::page(&results)).expect("the page");
        return;
    }
    let text = fs::read_to_string(page()).expect("docs/goodput.md");
    let expected = table::parse(&text);
    assert_eq!(
        table::page(&expected),
        text,
        "docs/goodput.md was edited by hand"
    );
    let cells: Vec<_> = Cell::all()
        .into_iter()
        .filter(Cell::is_representative)
        .collect();
    let mut differences = Vec::new();
    for (place, goodput) in run(&cells) {
        if expected.get(&place) != Some(&goodput) {
            differences.push(format!(
                "{place:?}: {goodput}, not {:?}",
                expected.get(&place)
            ));
        }
    }
    assert!(
        differences.is_empty(),
        "goodput has changed (hundredths of a percent; RTT in ms, Mbit/s, tenths of queue, loss, reordering):\n{}\n\
         If that is meant: ESTAB_REWRITE=1 cargo test --release -p estab-tests --test goodput",
        differences.join("\n")
    );
}
