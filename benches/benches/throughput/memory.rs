//! Two stacks in one process.

use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::BenchmarkGroup;
use criterion::measurement::WallTime;
use estab::device::{Link, LinkConfig};
use estab_proto::config::StackConfig;
use estab_proto::{ConnId, IpCidr, ListenConfig, RxMeta, Stack, State};
use estab_timer::Instant as Moment;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Builder;

use crate::CHUNK;

/// Packets that go one way before the other end gets its turn, as a driver would do.
const BURST: usize = 64;

const BLOCK: usize = 64 << 10;

pub(crate) fn bench(group: &mut BenchmarkGroup<'_, WallTime>) {
    let mut couple = Couple::connected();
    measure(group, "memory/sans-io", |chunks| {
        couple.transfer(chunks * CHUNK)
    });
    for (offload, name) in [
        (false, "memory/async/plain"),
        (true, "memory/async/offload"),
    ] {
        measure(group, name, |chunks| over_the_link(chunks, offload));
    }
}

/// Measures `transfer`, which moves that many chunks and says how long it took.
fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    mut transfer: impl FnMut(u64) -> Duration,
) {
    group.bench_function(name, |bencher| bencher.iter_custom(&mut transfer));
}

/// Two stacks with a connection between them, and their clock.
struct Couple {
    now: Moment,
    a: Stack,
    b: Stack,
    sender: ConnId,
    receiver: ConnId,
    packet: Vec<u8>,
    block: Bytes,
}

impl Couple {
    fn connected() -> Self {
        let now = Moment::from_secs(1);
        let stack = |addr: [u8; 4]| {
            let addrs = vec![IpCidr::new(addr.into(), 24)];
            Stack::new(
                StackConfig {
                    addrs,
                    ..StackConfig::default()
                },
                [1; 32],
                now,
            )
        };
        let (mut a, mut b) = (stack([10, 0, 0, 1]), stack([10, 0, 0, 2]));
        let listener = b.listen(ListenConfig {
            port: Some(80),
            ..ListenConfig::default()
        });
        let listener = listener.expect("a free port");
        let remote = ([10, 0, 0, 2], 80).into();
        let sender = a.connect(now, remote, None, None).expect("a connection");
        let packet = Vec::new();
        let block = Bytes::from(vec![7; BLOCK]);
        let receiver = ConnId::default();
        let mut couple = Self {
            now,
            a,
            b,
            sender,
            receiver,
            packet,
            block,
        };
        while couple.a.state(sender) != Some(State::Established) {
            couple.step();
        }
        couple.step();
        (couple.receiver, _) = couple.b.accept(listener).expect("a connection");
        couple
    }

    fn transfer(&mut self, bytes: u64) -> Duration {
        let (mut sent, mut received) = (0, 0);
        let start = clock();
        while received < bytes {
            while sent < bytes && self.a.send_room(self.sender) > 0 {
                let queued = self.a.send(self.now, self.sender, self.block.clone());
                sent += queued.expect("an open connection") as u64;
            }
            self.step();
            while let Ok(Some(chunk)) = self.b.take_chunk(self.receiver) {
                received += chunk.len() as u64;
                self.b.consumed(self.now, self.receiver, chunk.len());
            }
        }
        start.elapsed()
    }

    /// A burst each way, ten microseconds later.
    fn step(&mut self) {
        self.now += Duration::from_micros(10);
        carry(self.now, &mut self.a, &mut self.b, &mut self.packet);
        carry(self.now, &mut self.b, &mut self.a, &mut self.packet);
    }
}

fn carry(now: Moment, from: &mut Stack, to: &mut Stack, packet: &mut Vec<u8>) {
    if from.poll_timeout().is_some_and(|due| due <= now) {
        from.handle_timeout(now);
    }
    for _ in 0..BURST {
        let Some(transmit) = from.poll_transmit(now) else {
            break;
        };
        packet.clear();
        transmit.write_to(packet);
        to.handle_packet(now, packet, RxMeta::default());
    }
    while from.poll_event().is_some() {}
    while to.poll_event().is_some() {}
}

/// One stream over the in-memory link, both stacks and both applications on one thread.
fn over_the_link(chunks: u64, offload: bool) -> Duration {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut config = LinkConfig::default();
        config.offload = offload;
        let (left, right) = Link::pair_with(config);
        let client = estab::Stack::builder()
            .addr("10.0.0.1/24")
            .build(left)
            .expect("a stack");
        let server = estab::Stack::builder()
            .addr("10.0.0.2/24")
            .build(right)
            .expect("a stack");
        let listener = server.listen("10.0.0.2:80").await.expect("a listener");
        let mut out = client.connect("10.0.0.2:80").await.expect("a connection");
        let (mut into, _) = listener.accept().await.expect("a connection");
        let bytes = chunks * CHUNK;
        let start = clock();
        let writer = tokio::spawn(async move {
            let block = vec![7; BLOCK];
            for _ in 0..bytes / BLOCK as u64 {
                out.write_all(&block).await?;
            }
            out.shutdown().await
        });
        let (mut buf, mut left) = (vec![0; 4 * BLOCK], bytes);
        while left > 0 {
            left -= into.read(&mut buf).await.expect("bytes") as u64;
        }
        let time = start.elapsed();
        writer
            .await
            .expect("the writer")
            .expect("an open connection");
        time
    })
}

/// The wall clock, which a bench may read.
#[allow(clippy::disallowed_methods, reason = "a bench measures time")]
fn clock() -> Instant {
    Instant::now()
}
