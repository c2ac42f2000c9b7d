//! An echo server on a TUN of this host.

use std::env;
use std::error::Error;

use estab::TcpListener;
use estab_examples::{ESTAB, KERNEL, stack, tun};

use crate::services;

/// Serves until it is interrupted.
pub(crate) async fn serve() -> Result<(), Box<dyn Error>> {
    let device = tun().await.map_err(|error| {
        let program = env::current_exe().unwrap_or_default();
        format!(
            "cannot make a TUN on this host: {error}\n\
             Making one needs root (CAP_NET_ADMIN) and /dev/net/tun. Run it as root:\n  \
             sudo {} --serve\n\
             Without --serve the example needs no root: it makes a network namespace of its own.",
            program.display()
        )
    })?;
    let name = device.name().to_owned();
    let stack = stack(device)?;
    let [v4, v6] = ESTAB;
    let [kernel4, kernel6] = KERNEL;
    println!(
        "estab answers on the TUN {name} of this host, whose kernel has {kernel4} and {kernel6}."
    );
    println!("From another shell (ctrl-d ends nc's direction, ctrl-c here ends the server):\n");
    for addr in [v4, v6] {
        println!("  nc -N {addr} 7\n  ping {addr}");
    }
    println!();
    let serve4 = accept(stack.listen((v4, 7)).await?);
    let serve6 = accept(stack.listen((v6, 7)).await?);
    tokio::select! {
        outcome = serve4 => outcome,
        outcome = serve6 => outcome,
        outcome = tokio::signal::ctrl_c() => Ok(outcome?),
    }
}

async fn accept(listener: TcpListener) -> Result<(), Box<dyn Error>> {
    loop {
        let (mut stream, peer) = listener.accept().await?;
        println!("{peer} connected");
        tokio::spawn(async move {
            match services::echo(&mut stream).await {
                Ok(()) => println!("{peer} has sent all"),
                Err(error) => println!("{peer}: {error}"),
            }
        });
    }
}
