//! Our stack over a TUN, with the settings it has if nobody sets any.

use std::error::Error;
use std::future;

use estab::device::TunDevice;
use estab::{ListenConfig, Stack, TcpListener};

use super::{BACKLOG, Options, SERVICES, end_with_stdin, ready, runtime};

pub(super) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let (multi, plain) = match options.stack.as_str() {
        "estab" => (false, false),
        "estab-plain" => (false, true),
        "estab-multi" => (true, false),
        "estab-multi-plain" => (true, true),
        other => return Err(format!("no stack is called {other}").into()),
    };
    runtime(multi)?.block_on(serve(options, plain))
}

async fn serve(options: &Options, plain: bool) -> Result<(), Box<dyn Error>> {
    let (_, prefix) = options
        .addr
        .split_once('/')
        .ok_or("an address without a prefix")?;
    let tun = TunDevice::builder()
        .name(options.tun.as_str())
        .addr(format!("{}/{prefix}", options.kernel))
        .mtu(options.mtu)
        .offload(!plain)
        .build()
        .await?;
    let stack = Stack::builder().addr(options.addr.as_str()).build(tun)?;
    for service in SERVICES {
        let config = ListenConfig {
            port: Some(service.port()),
            backlog: BACKLOG as usize,
            ..ListenConfig::default()
        };
        let listener = TcpListener::bind_with(&stack, config).await?;
        tokio::spawn(async move {
            let accept = async || listener.accept().await.map(|(stream, _)| stream);
            service.serve_all(accept).await;
        });
    }
    end_with_stdin();
    ready()?;
    future::pending().await
}
