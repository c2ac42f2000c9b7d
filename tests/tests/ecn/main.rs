//! Explicit congestion notification between two stacks over a link that marks, and against peers
//! that play by the rules or do not.

mod accurate;
mod broken;
mod classic;
mod dctcp;
mod liars;
mod link;
mod negotiation;

use std::time::Duration;

use estab_proto::config::{BufferConfig, Ecn, StackConfig, TcpConfig};
use estab_proto::congestion::Algorithm;
use estab_proto::wire::{Flags, TcpOptions, Timestamps};
use estab_proto::{ConnId, Info, SeqNumber};
use estab_tests::world::{B, config};
use estab_tests::{Peer, Seg};

/// What the peers of this test say they take.
const MSS: u32 = 1000;

/// Every setting.
const SETTINGS: [Ecn; 4] = [Ecn::Off, Ecn::Passive, Ecn::Classic, Ecn::Accurate];

/// NewReno, which is easy to follow, with this setting of ECN.
fn settings(ecn: Ecn, change: impl FnOnce(&mut TcpConfig)) -> StackConfig {
    let mut config = config(B);
    config.tcp.ecn = ecn;
    config.tcp.congestion = Algorithm::NewReno;
    // A probe would come in between where the peer keeps silent.
    config.tcp.recovery.tail_loss_probe = false;
    config.tcp.send_buffer = BufferConfig {
        initial: 4 << 20,
        max: 4 << 20,
    };
    change(&mut config.tcp);
    config
}

/// The options of the peer's SYN; its clock stands at 100.
fn options() -> TcpOptions {
    TcpOptions {
        mss: Some(MSS as u16),
        sack_permitted: true,
        timestamps: Some(Timestamps { val: 100, ecr: 0 }),
        ..TcpOptions::default()
    }
}

/// A host that listens, and a peer that asked with this ACE field on its SYN; the SYN-ACK is
/// returned.
fn asked(config: StackConfig, ace: u8) -> (Peer, Seg) {
    let mut peer = Peer::listening(config);
    let syn = Seg {
        opts: options(),
        ctl: Flags::SYN.with_ace(ace),
        ..peer.syn()
    };
    peer.timestamps = syn.opts.timestamps;
    peer.send(&syn);
    let syn_ack = peer.reply();
    peer.nxt = syn.end();
    peer.note(&syn_ack);
    (peer, syn_ack)
}

/// A connection on which the host agreed to classic feedback.
fn classic(change: impl FnOnce(&mut TcpConfig)) -> (Peer, ConnId, SeqNumber) {
    let (mut peer, _) = asked(settings(Ecn::Passive, change), 0b011);
    peer.send(&peer.seg());
    let id = peer.accept().expect("open");
    let base = peer.rcv;
    (peer, id, base)
}

/// A connection on which the host agreed to accurate feedback.
fn accurate(change: impl FnOnce(&mut TcpConfig)) -> (Peer, ConnId, SeqNumber) {
    let (mut peer, _) = asked(settings(Ecn::Passive, change), 0b111);
    peer.send(&ace(&peer, 0b010));
    let id = peer.accept().expect("open");
    let base = peer.rcv;
    (peer, id, base)
}

/// A segment of the peer's with this ACE field.
fn ace(peer: &Peer, ace: u8) -> Seg {
    let seg = peer.seg();
    Seg {
        ctl: seg.ctl.with_ace(ace),
        ..seg
    }
}

fn info(peer: &Peer, id: ConnId) -> Info {
    peer.host.stack.info(id).expect("a connection")
}

/// Lets the peer's clock tick, so that its next segment is later than the last.
fn tick(peer: &mut Peer) {
    if let Some(ts) = &mut peer.timestamps {
        ts.val += 1;
    }
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
