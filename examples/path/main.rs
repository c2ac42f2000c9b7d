//! Transfers over an emulated path, drawn: windows, rates, round-trip times, the queue, losses.
//!
//! Everything runs in virtual time, so that a minute over a satellite takes a moment, and the same
//! seed always gives the same picture. Beside the SVG there is a log in JSON lines.
//!
//! ```text
//! cargo run --release --example path -- --rtt 100ms --rate 50mbit --loss 1% --cc cubic
//! cargo run --release --example path -- --rtt 40ms --rate 20mbit --cc cubic --cc bbr --duration 30s
//! ```

use std::error::Error;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use estab_proto::config::Ecn;
use estab_proto::congestion::Algorithm;
use estab_sim::transfer::{Flow, Happening, Report, Transfer};
use estab_sim::{Bandwidth, Loss, Node, Path, Queue};

mod draw;
mod episodes;
mod lanes;
mod log;
mod units;

use draw::Picture;
use units::Room;

/// Runs TCP transfers over an emulated path in virtual time and draws what the senders did.
#[derive(Parser)]
struct Options {
    /// Round-trip time of the empty path.
    #[arg(long, default_value = "100ms", value_parser = humantime::parse_duration)]
    rtt: Duration,
    /// Rate of the bottleneck: 800kbit, 50mbit, 1gbit.
    #[arg(long, default_value = "50mbit")]
    rate: Bandwidth,
    /// Share of the packets lost on the way there.
    #[arg(long, default_value = "0%", value_parser = units::probability)]
    loss: f64,
    /// Room in the bottleneck's queue, in bandwidth-delay products or bytes: 1bdp, 64K.
    #[arg(long, default_value = "1bdp", value_parser = units::room)]
    queue: Room,
    /// Manage the queue with CoDel, which marks instead of dropping with --ecn.
    #[arg(long)]
    codel: bool,
    /// Share of the packets that others overtake.
    #[arg(long, default_value = "0%", value_parser = units::probability)]
    reorder: f64,
    /// How late those come; by default an eighth of the round-trip time.
    #[arg(long, value_parser = humantime::parse_duration)]
    reorder_by: Option<Duration>,
    /// Negotiate ECN.
    #[arg(long)]
    ecn: bool,
    /// Congestion control; given several times, the flows take turns.
    #[arg(long, value_enum, default_value = "cubic")]
    cc: Vec<Cc>,
    /// How many flows; by default one for each --cc.
    #[arg(long)]
    flows: Option<usize>,
    /// How long after the one before each flow opens.
    #[arg(long, default_value = "0s", value_parser = humantime::parse_duration)]
    stagger: Duration,
    /// How long it goes on.
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    duration: Duration,
    /// Bytes of each flow, with K, M or G for KiB, MiB or GiB; by default as many as it can.
    #[arg(long, value_parser = units::bytes)]
    bytes: Option<u64>,
    /// What chance is drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The directory for path.svg and path.jsonl.
    #[arg(long, default_value = "target/path")]
    out: PathBuf,
}

/// The congestion controllers.
#[derive(Clone, Copy, ValueEnum)]
enum Cc {
    Newreno,
    Cubic,
    Bbr,
    Dctcp,
}

impl Cc {
    const fn name(self) -> &'static str {
        match self {
            Self::Newreno => "NewReno",
            Self::Cubic => "CUBIC",
            Self::Bbr => "BBR",
            Self::Dctcp => "DCTCP",
        }
    }

    const fn algorithm(self) -> Algorithm {
        match self {
            Self::Newreno => Algorithm::NewReno,
            Self::Cubic => Algorithm::Cubic,
            Self::Bbr => Algorithm::Bbr,
            Self::Dctcp => Algorithm::Dctcp,
        }
    }
}

/// How many samples are drawn.
const SAMPLES: u32 = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let controllers = controllers(&options);
    let mut transfer = Transfer::new(options.path())
        .limit(options.duration)
        .sample_every(options.duration / SAMPLES);
    for (start, cc) in (0..).map(|n| n * options.stagger).zip(&controllers) {
        transfer = transfer.flow(options.flow(*cc).start(start));
    }
    let report = transfer.run();
    print(&controllers, &report);

    fs::create_dir_all(&options.out)?;
    let (svg, jsonl) = (options.out.join("path.svg"), options.out.join("path.jsonl"));
    let names = controllers.iter().map(|cc| cc.name()).collect();
    let picture = Picture {
        title: options.title(),
        names,
        rate: options.rate.bits_per_second() as f64,
        rtt: options.rtt,
        queue: options.room(),
        report: &report,
    };
    draw::draw(&svg, &picture)?;
    log::write(&report, BufWriter::new(File::create(&jsonl)?))?;
    println!(
        "\nDrawn in {}, logged in {}",
        svg.display(),
        jsonl.display()
    );
    Ok(())
}

/// The controller of each flow.
fn controllers(options: &Options) -> Vec<Cc> {
    let count = options.flows.unwrap_or(options.cc.len());
    options.cc.iter().copied().cycle().take(count).collect()
}

impl Options {
    fn path(&self) -> Path {
        let queue = match self.codel {
            true => Queue::codel(self.room(), self.ecn),
            false => Queue::DropTail { bytes: self.room() },
        };
        let mut path = Path::builder()
            .rtt(self.rtt)
            .rate(self.rate)
            .queue(queue)
            .there(Node::Loss(Loss::Uniform(self.loss)))
            .seed(self.seed);
        if self.reorder > 0.0 {
            let late = self.reorder_by.unwrap_or(self.rtt / 8);
            path = path.there(Node::Reorder {
                probability: self.reorder,
                delay: late,
            });
        }
        path.build()
    }

    /// The room in the queue, in bytes: two packets at least.
    fn room(&self) -> u64 {
        let bytes = match self.queue {
            Room::Products(products) => (self.rate.bytes_in(self.rtt) as f64 * products) as u64,
            Room::Bytes(bytes) => bytes,
        };
        bytes.max(3000)
    }

    fn flow(&self, cc: Cc) -> Flow {
        let mut flow = Flow::new(cc.algorithm());
        flow.bytes = self.bytes;
        if self.ecn {
            flow.tcp.ecn = Ecn::Accurate;
        }
        flow
    }

    /// The path in words.
    fn title(&self) -> String {
        let mut parts = vec![
            format!("{} Mbit/s", self.rate.bits_per_second() as f64 / 1e6),
            format!("{:?} round trip", self.rtt),
            match self.queue {
                Room::Products(products) => format!("queue of {products} BDP"),
                Room::Bytes(bytes) => format!("queue of {bytes} bytes"),
            },
        ];
        if self.codel {
            parts.push("CoDel".to_owned());
        }
        if self.loss > 0.0 {
            parts.push(format!("{}% lost", self.loss * 100.0));
        }
        if self.reorder > 0.0 {
            parts.push(format!("{}% overtaken", self.reorder * 100.0));
        }
        parts.push(format!("seed {}", self.seed));
        parts.join(", ")
    }
}

/// A line for each flow.
fn print(controllers: &[Cc], report: &Report) {
    println!(
        "{:<12}{:>12}{:>12}{:>12}{:>12}{:>10}{:>10}{:>10}",
        "flow", "Mbit/s", "delivered", "repeated", "recoveries", "timeouts", "probes", "undone"
    );
    for (index, (cc, flow)) in controllers.iter().zip(&report.flows).enumerate() {
        let sum = |what| {
            flow.moments
                .iter()
                .filter(|it| it.what == what)
                .map(|it| it.count)
                .sum::<u64>()
        };
        println!(
            "{:<12}{:>12.2}{:>12}{:>12}{:>12}{:>10}{:>10}{:>10}",
            format!("{} {}", index + 1, cc.name()),
            flow.goodput() / 1e6,
            flow.delivered,
            sum(Happening::Retransmitted),
            sum(Happening::RecoveryBegan),
            sum(Happening::TimedOut),
            sum(Happening::Probed),
            sum(Happening::Undone),
        );
    }
}
