//! TCP stacks of others, and the least that a stack can do, as contestants of estab's benches.
//!
//! Each serves the same ports over a TUN interface that it makes: 7001 echoes, 7002 reads and
//! discards, 7003 sends as many bytes as it is asked for, 7004 answers a byte with a byte and closes,
//! 7005 accepts and holds. It says `ready` when it listens and ends when its standard input does.

mod limit;
mod options;
mod service;
mod stacks;
mod tun;

use std::io::{self, Read};
use std::process::{ExitCode, exit};
use std::thread;

use clap::{Parser, ValueEnum};
use options::{Command, Serve, Stack};
use tokio::runtime::{Builder, Runtime};

fn main() -> ExitCode {
    match Command::parse() {
        Command::List => {
            for stack in Stack::value_variants() {
                if let Some(name) = stack.to_possible_value() {
                    println!("{}", name.get_name());
                }
            }
            ExitCode::SUCCESS
        }
        Command::Serve(serve) => match run(serve) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        },
    }
}

fn run(serve: Serve) -> io::Result<()> {
    let runtime = runtime(serve.threads())?;
    thread::spawn(|| {
        // Whatever comes, nothing was asked for; when nothing can come any more, all is over.
        let _ = io::copy(&mut io::stdin().lock().by_ref(), &mut io::sink());
        exit(0)
    });
    runtime.block_on(async {
        match serve.stack {
            Stack::Limit => limit::serve(&serve, true).await,
            Stack::LimitPlain => limit::serve(&serve, false).await,
            Stack::Smoltcp => stacks::smoltcp::serve(&serve).await,
            Stack::TokioSmoltcp => stacks::tokio_smoltcp::serve(&serve).await,
            Stack::NetstackSmoltcp => stacks::netstack_smoltcp::serve(&serve).await,
            Stack::Ipstack => stacks::ipstack::serve(&serve).await,
            Stack::TcpIp => stacks::tcp_ip::serve(&serve).await,
        }
    })
}

/// A runtime with so many threads, or one of this thread's own if that is none.
fn runtime(threads: usize) -> io::Result<Runtime> {
    let mut builder = match threads {
        0 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    if threads > 0 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build()
}

/// Tells the harness that the ports are open.
fn ready() {
    println!("ready");
}
