//! What is drawn for one seed: the settings of both stacks and the weather on the link.

use std::time::Duration;

use estab_proto::Instant;
use estab_proto::config::{BufferConfig, IsnPolicy, StackConfig, TcpConfig};
use estab_proto::congestion::Algorithm;
use estab_tests::link::Faults;
use estab_tests::rng::Rng;
use estab_tests::world::config;
use estab_tests::{A, B, Side};
use estab_timer::{GiveUpConfig, KeepaliveConfig};

/// Everything that is random about a run, apart from what happens in it.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) configs: [StackConfig; 2],
    pub(crate) faults: [Faults; 2],
    /// The link is down in both directions from the first time to the second.
    pub(crate) outage: Option<(Instant, Instant)>,
    pub(crate) start: Instant,
    pub(crate) ipv6: bool,
    /// When which side opens a connection.
    pub(crate) opens: Vec<(Instant, Side)>,
    /// The most bytes one end writes.
    pub(crate) max_len: u64,
    /// Whether an end may abort.
    pub(crate) aborts: bool,
}

/// Initial sequence numbers at which something wraps.
const EDGES: [u32; 5] = [0, (1 << 31) - 1, 1 << 31, (1 << 31) + 1, u32::MAX];

/// Probes that come often enough to matter.
pub(crate) const KEEPALIVE: KeepaliveConfig = KeepaliveConfig {
    idle: Duration::from_secs(5),
    interval: Duration::from_secs(10),
    probes: 10,
};

impl Scenario {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let ipv6 = rng.chance(0.5);
        let fixed_isn = rng.chance(0.4);
        let faults = [draw_faults(rng, fixed_isn), draw_faults(rng, fixed_isn)];
        // A timestamp clock that wraps during the run is as good as any other.
        let start = Instant::from_millis(rng.pick(&[1_000, 77_777_777, (1 << 32) - 3_000]));
        let seconds = |rng: &mut Rng, most: u64| Duration::from_millis(rng.below(most * 1000));
        // A half-open connection outlives a short outage, one that is probed a longer one.
        let outage = rng.chance(0.15).then(|| {
            let (earliest, most) = rng.pick(&[(0, 20), (20, 70)]);
            let from = start + Duration::from_secs(earliest) + seconds(rng, 10);
            (from, from + seconds(rng, most))
        });
        let count = rng.pick(&[1, 1, 2, 4]);
        let mut opens: Vec<_> = (0..count)
            .map(|_| (start + seconds(rng, 3), rng.pick(&[A, B])))
            .collect();
        opens.sort();
        let mut scenario = Self {
            configs: [A, B].map(|side| draw_config(rng, side, ipv6, fixed_isn)),
            faults,
            outage,
            start,
            ipv6,
            opens,
            max_len: rng.pick(&[2_000, 20_000, 100_000, 400_000]),
            aborts: rng.chance(0.2),
        };
        if scenario.aborts || scenario.is_hopeless() {
            // Who only reads hears of the peer's end by a RST, which may be lost: without probes it
            // would rightly wait for ever.
            scenario
                .configs
                .iter_mut()
                .for_each(|config| config.tcp.keepalive = Some(KEEPALIVE));
        }
        if scenario.outage.is_some() || scenario.is_worse_than(0.1) {
            // The next retransmission may be two minutes away: five are too few.
            for config in &mut scenario.configs {
                config.tcp.give_up = GiveUpConfig::default();
            }
        }
        if scenario.is_hopeless() {
            // Without SACK and timestamps hardly a segment a minute gets through.
            scenario.max_len = 5_000;
        }
        scenario
    }

    /// Whether the weather is so bad that a connection may rightly be given up.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.is_worse_than(if self.outage.is_some() { 0.1 } else { 0.2 })
    }

    /// Whether more of the packets than this do not arrive whole.
    fn is_worse_than(&self, share: f64) -> bool {
        let mut faults = self.faults.iter();
        faults.any(|faults| faults.loss + faults.corrupt > share)
    }
}

fn draw_faults(rng: &mut Rng, fixed_isn: bool) -> Faults {
    let chance = |rng: &mut Rng, most: f64| rng.below(1000) as f64 / 1000.0 * most;
    let delay = Duration::from_micros(match rng.below(10) {
        0 => 0,
        1..4 => rng.below(5_000),
        4..9 => rng.below(150_000),
        _ => rng.below(1_500_000),
    });
    let loss = match rng.below(10) {
        0..3 => 0.0,
        3..7 => chance(rng, 0.05),
        7..9 => chance(rng, 0.2),
        _ => 0.3,
    };
    // With a fixed initial sequence number nothing could tell what comes late, and copies above all,
    // from a later connection.
    let late = match rng.below(20) {
        0 if !fixed_isn => Duration::from_secs(20),
        _ => delay * rng.between(0, 4) as u32 + Duration::from_millis(rng.below(20)),
    };
    Faults {
        loss,
        reorder: if rng.chance(0.5) {
            chance(rng, 0.2)
        } else {
            0.0
        },
        duplicate: if !fixed_isn && rng.chance(0.7) {
            chance(rng, 0.2)
        } else {
            0.0
        },
        corrupt: if rng.chance(0.5) {
            chance(rng, 0.05)
        } else {
            0.0
        },
        delay,
        jitter: delay * rng.below(2) as u32,
        late,
    }
}

fn draw_config(rng: &mut Rng, side: Side, ipv6: bool, fixed_isn: bool) -> StackConfig {
    let mtus: &[u32] = if ipv6 {
        &[1280, 1500, 9000]
    } else {
        &[296, 576, 1500, 9000]
    };
    let mut config = config(side);
    config.mtu = rng.pick(mtus);
    if fixed_isn {
        config.isn = IsnPolicy::Fixed(rng.pick(&EDGES));
    }
    config.tcp = draw_tcp(rng);
    config
}

fn draw_tcp(rng: &mut Rng) -> TcpConfig {
    let mut tcp = if rng.chance(0.8) {
        TcpConfig::modern()
    } else {
        TcpConfig::rfc_strict()
    };
    tcp.recv_buffer = draw_buffer(rng);
    tcp.send_buffer = draw_buffer(rng);
    tcp.nodelay = rng.chance(0.3);
    tcp.max_segment = rng.chance(0.3).then(|| rng.pick(&[48, 100, 536, 1000]));
    tcp.window_scaling = rng.chance(0.8);
    tcp.timestamps = rng.chance(0.7);
    tcp.sack = rng.chance(0.7);
    tcp.delayed_ack.delay = Duration::from_millis(rng.pick(&[0, 40, 200]));
    tcp.delayed_ack.quick_segments = rng.pick(&[0, 16]);
    tcp.congestion = rng.pick(&[Algorithm::NewReno, Algorithm::Cubic]);
    tcp.keepalive = rng.chance(0.1).then_some(KEEPALIVE);
    tcp
}

fn draw_buffer(rng: &mut Rng) -> BufferConfig {
    let initial = rng.pick(&[1_000, 4_096, 20_000, 131_072]);
    BufferConfig {
        initial,
        max: initial * rng.pick(&[1, 4, 64]),
    }
}
