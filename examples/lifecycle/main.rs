//! One connection from the first SYN to CLOSED, as a ladder in the terminal and as an SVG file.
//!
//! Two stacks, a link with 10 ms of delay each way and a clock that jumps from event to event: what
//! is drawn is what the real stack does, hours of it in a moment.
//!
//! ```text
//! cargo run --release --example lifecycle -- [--lose-last-ack | --old-duplicate-syn | --dead-peer]
//! ```

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use estab_proto::wire::Flags;
use estab_proto::{ConnectionError, State};
use estab_timer::KeepaliveConfig;

mod ladder;
mod net;
mod picture;

use net::{DELAY, Net, Side};

/// Shows a connection's life from the first SYN to CLOSED.
#[derive(Parser)]
struct Options {
    /// Lose the last ACK: LAST-ACK retransmits its FIN, TIME-WAIT answers and restarts 2MSL.
    #[arg(long, conflicts_with_all = ["old_duplicate_syn", "dead_peer"])]
    lose_last_ack: bool,
    /// A SYN of an earlier connection turns up: the third leg of the handshake refuses it.
    #[arg(long, conflicts_with = "dead_peer")]
    old_duplicate_syn: bool,
    /// The client dies: keepalive probes after 2 h, ten times 75 s apart, then B closes.
    #[arg(long)]
    dead_peer: bool,
    /// Where to write the drawing.
    #[arg(long, default_value = "target/lifecycle.svg")]
    svg: PathBuf,
}

/// Long enough for everything that needs no timer beyond the delayed ACK.
const A_WHILE: Duration = Duration::from_secs(1);

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let mut net = Net::new();
    if options.old_duplicate_syn {
        old_duplicate_syn(&mut net)?;
    } else {
        open(&mut net)?;
    }
    net.send(Side::A, "a request")?;
    net.run_for(A_WHILE);
    net.send(Side::B, "a reply")?;
    net.run_for(A_WHILE);
    if options.dead_peer {
        dead_peer(&mut net)?;
    } else {
        release(&mut net, options.lose_last_ack)?;
    }
    net.ladder.print();
    if let Some(directory) = options.svg.parent() {
        std::fs::create_dir_all(directory)?;
    }
    svg::save(&options.svg, &picture::draw(&net.ladder))?;
    println!("\nDrawn in {}", options.svg.display());
    Ok(())
}

/// The three-way handshake (RFC 9293 §3.5).
fn open(net: &mut Net) -> Result<(), Box<dyn Error>> {
    net.listen()?;
    net.connect()?;
    net.run_for(A_WHILE);
    net.expect(State::Established, State::Established)
}

/// Recovery from an old duplicate SYN (RFC 9293 §3.5, figure 8): B cannot know that it is old, but
/// A can, and resets what B began.
fn old_duplicate_syn(net: &mut Net) -> Result<(), Box<dyn Error>> {
    net.listen()?;
    net.inject_old_syn()?;
    // The old SYN overtakes the new one.
    net.fate = Box::new(|_, segment| {
        Some(if segment.ctl == Flags::SYN {
            5 * DELAY
        } else {
            DELAY
        })
    });
    net.connect()?;
    net.run_for(A_WHILE);
    net.expect(State::Established, State::Established)
}

/// The four-way close (RFC 9293 §3.6): A has said all, B has not.
fn release(net: &mut Net, lose_last_ack: bool) -> Result<(), Box<dyn Error>> {
    net.shutdown(Side::A)?;
    net.run_for(A_WHILE);
    net.expect(State::FinWait2, State::CloseWait)?;
    net.note(Side::B, "half-closed: A has sent its last byte, B goes on");
    net.send(Side::B, "more of the reply")?;
    net.run_for(A_WHILE);
    net.send(Side::B, "the rest of it")?;
    net.run_for(A_WHILE);

    if lose_last_ack {
        let mut lost = false;
        net.fate = Box::new(move |from, segment| {
            // The first pure ACK of A from here on is the one of B's FIN.
            let last = from == Side::A && !lost && segment.ctl == Flags::ACK;
            lost |= last;
            (!last).then_some(DELAY)
        });
    }
    net.shutdown(Side::B)?;
    net.run_for(Duration::from_millis(100));
    net.expect(
        State::TimeWait,
        if lose_last_ack {
            State::LastAck
        } else {
            State::Closed
        },
    )?;
    net.run_for(Duration::from_secs(300));
    net.expect(State::Closed, State::Closed)?;
    net.expect_released(Side::A)?;
    net.expect_released(Side::B)
}

/// B's keepalive finds out that A is gone (RFC 9293 §3.8.4).
fn dead_peer(net: &mut Net) -> Result<(), Box<dyn Error>> {
    // The last B heard of A is the ACK of its reply, which arrived two link delays after
    // the reply was sent.
    let last_word = net.now() - (A_WHILE - 2 * DELAY);
    net.note(Side::A, "A loses power");
    net.fate = Box::new(|_, _| None);
    net.silence(Side::A);
    let keepalive = KeepaliveConfig::default();
    let patience = keepalive.idle + keepalive.probes * keepalive.interval;
    net.run_for(last_word + patience - net.now());
    let (probes, error) = (net.ladder.lost_probes(), net.error(Side::B));
    if probes != 10 || error != Some(ConnectionError::TimedOut) {
        net.ladder.print();
        return Err(format!("after {probes} probes, B has {error:?}").into());
    }
    net.note(
        Side::B,
        &format!("closed {} s after A's last word", patience.as_secs()),
    );
    net.expect_released(Side::B)
}
