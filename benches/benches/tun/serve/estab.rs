//! Our stack over a TUN, with the settings it has if nobody sets any.

use std::error::Error;
use std::net::IpAddr;
use std::pin::pin;
use std::{process, thread};

use estab::device::{TunBuilder, TunDevice};
use estab::{ListenConfig, Stack, StackBuilder, TcpListener};
use futures::channel::oneshot;
use futures::future::{Either, select};

use super::{BACKLOG, Options, SERVICES, Service, runtime, tell_ready, until_stdin_ends};
use crate::evidence::counters;

/// Queues, where there are several.
const QUEUES: usize = 2;

pub(super) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let name = options.stack.as_str();
    let (name, plain) = match name.strip_suffix("-plain") {
        Some(name) => (name, true),
        None => (name, false),
    };
    let (addr, prefix) = options
        .addr
        .split_once('/')
        .ok_or("an address without a prefix")?;
    let tun = TunDevice::builder()
        .name(options.tun.as_str())
        .addr(format!("{}/{prefix}", options.kernel))
        .mtu(options.mtu)
        .offload(!plain);
    let stack = Stack::builder().addr(options.addr.as_str());
    match name {
        "estab" => runtime(false)?.block_on(serve(tun, stack)),
        "estab-multi" => runtime(true)?.block_on(serve(tun, stack)),
        "estab-queues" => runtime(false)?.block_on(serve_queues(tun, stack, addr.parse()?)),
        other => Err(format!("no stack is called {other}").into()),
    }
}

async fn serve(tun: TunBuilder, stack: StackBuilder) -> Result<(), Box<dyn Error>> {
    let stack = stack.build(tun.build().await?)?;
    for service in SERVICES {
        let config = ListenConfig {
            port: Some(service.port()),
            backlog: BACKLOG as usize,
            ..ListenConfig::default()
        };
        let listener = TcpListener::bind_with(&stack, config).await?;
        tokio::spawn(accept(service, listener));
    }
    serve_on(&stack).await
}

/// A thread serves what comes over its queue.
async fn serve_queues(
    tun: TunBuilder,
    stack: StackBuilder,
    addr: IpAddr,
) -> Result<(), Box<dyn Error>> {
    let stack = stack.build_threads(tun.build_queues(QUEUES).await?)?;
    for service in SERVICES {
        let listeners = TcpListener::bind_each(&stack, (addr, service.port())).await?;
        for (shard, listener) in stack.shards().zip(listeners) {
            shard.spawn(accept(service, listener));
        }
    }
    serve_on(&stack).await
}

async fn accept(service: Service, listener: TcpListener) {
    let accept = async || listener.accept().await.map(|(stream, _)| stream);
    service.serve_all(accept).await;
}

/// Until standard input ends, and then says what the stack has counted. The stack should not end before:
/// a bench must not take that for a slow one.
async fn serve_on(stack: &Stack) -> Result<(), Box<dyn Error>> {
    let (end, ended) = oneshot::channel();
    thread::spawn(|| {
        until_stdin_ends();
        end.send(())
    });
    tell_ready()?;
    match select(pin!(stack.closed()), ended).await {
        Either::Left((closed, _)) => closed?,
        Either::Right(_) => {
            let stats = stack.stats().await?;
            let device = stack.device_stats().await?;
            let device = [
                ("device_dropped", device.dropped),
                ("device_malformed", device.malformed),
                ("steered", device.steered),
                ("steer_dropped", device.steer_dropped),
            ];
            println!("{}", counters(stats.iter().chain(device)));
            process::exit(0);
        }
    }
    Err("the stack has ended".into())
}
