//! What a seed draws: the settings of both stacks, what the path does, and what the applications do.

use estab_proto::config::{Ecn, TcpConfig};
use estab_proto::congestion::{Algorithm, Pacing};
use estab_tests::rng::Rng;

/// Steps of a talk.
const STEPS: usize = 250;

/// A talk, the same each time it is held.
pub(crate) struct Scene {
    pub(crate) seed: u64,
    pub(crate) ipv6: bool,
    pub(crate) mtu: u32,
    /// The client's, then the server's.
    pub(crate) tcp: [TcpConfig; 2],
    pub(crate) steps: Vec<Step>,
}

/// What happens between two moments.
pub(crate) struct Step {
    /// Nagle's algorithm off or on, on both sides.
    pub(crate) nodelay: Option<bool>,
    pub(crate) client_writes: usize,
    pub(crate) server_writes: usize,
    pub(crate) server_reads: usize,
    pub(crate) client_reads: usize,
    pub(crate) client_ends: bool,
    pub(crate) server_ends: bool,
    pub(crate) lasts_us: u64,
    pub(crate) faults: Faults,
}

/// The probability that a packet of the network meets with each.
#[derive(Clone, Copy, Default)]
pub(crate) struct Faults {
    pub(crate) loss: f64,
    pub(crate) duplication: f64,
    /// To arrive after what is sent a step later.
    pub(crate) overtaking: f64,
    /// To be marked as congested, if it may be.
    pub(crate) mark: f64,
}

impl Scene {
    pub(crate) fn draw(seed: u64, ipv6: bool) -> Self {
        let mut rng = Rng::new(seed);
        let faults = Faults {
            loss: rng.pick(&[0.0, 0.0, 0.02]),
            duplication: rng.pick(&[0.0, 0.0, 0.02]),
            overtaking: rng.pick(&[0.0, 0.0, 0.02]),
            mark: rng.pick(&[0.0, 0.02, 0.2]),
        };
        let (client, server) = (settings(&mut rng), settings(&mut rng));
        let nodelay = rng.chance(0.5);
        let steps = (0..STEPS).map(|n| step(&mut rng, n, nodelay, faults));
        Self {
            seed,
            ipv6,
            steps: steps.collect(),
            mtu: rng.pick(&[1500, 1500, 1280, 9000]),
            tcp: [client, server],
        }
    }
}

fn settings(rng: &mut Rng) -> TcpConfig {
    let mut tcp = TcpConfig::modern();
    // What is paced leaves as its timer has it, and a burst for the timer is a super-segment.
    tcp.pacing = Pacing::Off;
    tcp.congestion = rng.pick(&[Algorithm::Cubic, Algorithm::NewReno, Algorithm::Dctcp]);
    tcp.ecn = rng.pick(&[Ecn::Off, Ecn::Passive, Ecn::Classic, Ecn::Accurate]);
    tcp.sack = rng.chance(0.8);
    tcp.timestamps = rng.chance(0.7);
    tcp.window_scaling = rng.chance(0.8);
    tcp.delayed_ack.quick_segments = rng.pick(&[0, 3, 16]);
    let recovery = &mut tcp.recovery;
    for rule in [
        &mut recovery.rack,
        &mut recovery.tail_loss_probe,
        &mut recovery.prr,
        &mut recovery.frto,
        &mut recovery.undo,
        &mut tcp.hystart,
        &mut tcp.fast_convergence,
    ] {
        *rule = rng.chance(0.75);
    }
    tcp
}

fn step(rng: &mut Rng, n: usize, nodelay: bool, faults: Faults) -> Step {
    let mut size = |chance| {
        let large = 1 << rng.between(4, 17);
        if rng.chance(chance) {
            rng.below(large) as usize
        } else {
            0
        }
    };
    let (client_writes, server_writes, server_reads, client_reads) =
        (size(0.5), size(0.1), 2 * size(0.7), size(0.8));
    Step {
        nodelay: (n == 0).then_some(nodelay),
        client_writes,
        server_writes,
        server_reads,
        client_reads,
        client_ends: n == STEPS * 2 / 3,
        server_ends: n == STEPS * 5 / 6,
        lasts_us: rng.pick(&[10, 300, 5_000, 45_000, 250_000]),
        faults: if n < STEPS * 3 / 4 {
            faults
        } else {
            Faults::default()
        },
    }
}
