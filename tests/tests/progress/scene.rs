//! Flows together, and what disturbs them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use estab::Stack;
use estab::device::TunDevice;
use estab_tests::kernel::{INTERFACE, KERNEL, OURS, runtimes};
use estab_tests::rng::Rng;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::flow::Plan;
use super::server::{Register, Service, serve};
use super::watch::{self, Watched};

/// How long a flow may not get on: several retransmission timeouts, and what a busy machine adds.
const PATIENCE: Duration = Duration::from_secs(5);

/// The same where what the kernel sends is lost again and again, so that its timeouts grow.
const LONG_PATIENCE: Duration = Duration::from_secs(60);

/// A queue in which nothing of what the kernel sends is lost.
const LONG_QUEUE: u32 = 4096;

/// What is the same for all flows.
#[derive(Debug)]
struct Scene {
    flows: usize,
    service: Option<Service>,
    ipv6: bool,
    offload: bool,
    mtu: u32,
    /// Packets the kernel holds for us before it drops.
    queue: u32,
    threads: usize,
    queues: usize,
    /// Threads that do nothing but keep processors busy.
    busy: usize,
    /// For how many milliseconds each end stops now and then.
    pauses: [u64; 2],
}

impl Scene {
    fn draw(rng: &mut Rng) -> Self {
        Self {
            flows: rng.pick(&[1, 2, 8, 8, 8, 64]),
            service: rng.pick(&[
                Some(Service::Source),
                Some(Service::Source),
                Some(Service::Sink),
                None,
            ]),
            ipv6: rng.chance(0.3),
            offload: rng.chance(0.7),
            mtu: rng.pick(&[1500, 1500, 65_535]),
            queue: rng.pick(&[LONG_QUEUE, LONG_QUEUE, LONG_QUEUE, 500, 8]),
            threads: rng.pick(&[1, 1, 2]),
            queues: rng.pick(&[1, 1, 1, 2]),
            busy: rng.pick(&[0, 0, 2, 6]),
            pauses: [rng.pick(&[0, 0, 5, 60]), rng.pick(&[0, 0, 5, 60])],
        }
    }

    fn patience(&self) -> Duration {
        match self.queue {
            LONG_QUEUE => PATIENCE,
            _ => LONG_PATIENCE,
        }
    }
}

/// Plays the scene of a seed to its end.
pub(crate) fn play(seed: u64) {
    let mut rng = Rng::new(seed);
    let scene = Scene::draw(&mut rng);
    let flows: Vec<_> = (0..scene.flows)
        .map(|_| {
            let all = [Service::Source, Service::Sink, Service::Echo];
            let service = scene.service.unwrap_or_else(|| rng.pick(&all));
            Arc::new(Watched {
                plan: Plan::draw(&mut rng, service),
                moved: AtomicU64::new(0),
                is_done: AtomicBool::new(false),
            })
        })
        .collect();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..scene.busy {
            scope.spawn(|| {
                while !over.load(Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let (runtime, stack, register) = ours(&scene);
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel();
        let served = stack.clone();
        let serving = scope.spawn(move || {
            runtime.block_on(async move {
                let () = ended.await.unwrap_or_default();
                served.abort();
                served.closed().await.unwrap();
            });
        });
        let remote = SocketAddr::new(OURS[usize::from(scene.ipv6)], 7);
        let theirs = Builder::new_current_thread().enable_all().build().unwrap();
        pause(theirs.handle(), scene.pauses[1]);
        let stuck = theirs.block_on(async {
            tokio::select! {
                () = clients(&flows, remote) => None,
                stuck = watch::stuck(&flows, scene.patience()) => Some(stuck),
            }
        });
        if let Some(stuck) = stuck {
            let known = handle.spawn(async move { register.report(&stack).await });
            let known = theirs.block_on(async { timeout(PATIENCE, known).await });
            over.store(true, Relaxed);
            let known = known.map_or(
                "nothing: the driver is stuck too".to_owned(),
                Result::unwrap,
            );
            let kernel = watch::kernel_report();
            panic!("seed {seed}, {scene:?}\n{stuck}\n{known}\n{kernel}");
        }
        drop(end);
        over.store(true, Relaxed);
        serving.join().unwrap();
    });
}

async fn clients(flows: &[Arc<Watched>], remote: SocketAddr) {
    let mut clients = JoinSet::new();
    for flow in flows {
        let flow = Arc::clone(flow);
        clients.spawn(async move {
            let done = flow.plan.carry_out(remote, &flow.moved).await;
            flow.is_done.store(true, Relaxed);
            done.unwrap_or_else(|error| panic!("{error}: {flow:?}"));
        });
    }
    clients.join_all().await;
}

/// Our end, which serves on a runtime of its own.
fn ours(scene: &Scene) -> (Runtime, Stack, Register) {
    let [(_, one), (_, two)] = runtimes();
    let runtime = if scene.threads == 1 { one } else { two };
    let register = Register::default();
    let stack = runtime.block_on(async {
        let tuns = TunDevice::builder()
            .name(INTERFACE)
            .addr((KERNEL[0], 24))
            .addr((KERNEL[1], 64))
            .mtu(scene.mtu)
            .queue_len(scene.queue)
            .offload(scene.offload)
            .build_queues(scene.queues)
            .await
            .expect("a TUN");
        let stack = Stack::builder().addr((OURS[0], 24)).addr((OURS[1], 64));
        let stack = stack.build_sharded(tuns).unwrap();
        let addr = OURS[usize::from(scene.ipv6)];
        let listener = stack.listen((addr, 7)).await.unwrap();
        tokio::spawn(serve(listener, register.clone()));
        stack
    });
    pause(runtime.handle(), scene.pauses[0]);
    (runtime, stack, register)
}

/// Stops a thread of the runtime now and then, for so many milliseconds.
fn pause(runtime: &Handle, millis: u64) {
    if millis > 0 {
        runtime.spawn(async move {
            for n in 0.. {
                sleep(Duration::from_millis(1 + n % 7)).await;
                thread::sleep(Duration::from_millis(millis));
            }
        });
    }
}
