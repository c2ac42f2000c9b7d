//! The kernel against itself, over a veth pair between this namespace and another.

use std::env;
use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitCode, Stdio};

use criterion::BenchmarkGroup;
use criterion::measurement::WallTime;

use crate::kernel::{send, serve};
use crate::{CHUNK, measure};

/// The name of the reference.
pub(crate) const NAME: &str = "veth/kernel to kernel";

/// Tells the program that it is the other end.
const PEER: &str = "ESTAB_BENCH_VETH_PEER";

const SERVER: &str = "10.98.0.2:5201";

/// Whether this process is the other end.
pub(crate) fn is_peer() -> bool {
    env::var_os(PEER).is_some()
}

/// The other end: serves in its own namespace until its standard input ends.
pub(crate) fn peer() -> ExitCode {
    match try_peer() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the other end of the veth pair: {error}");
            ExitCode::FAILURE
        }
    }
}

fn try_peer() -> io::Result<()> {
    // One byte each way: the namespace exists; the interface is here.
    io::stdout().write_all(&[1])?;
    io::stdout().flush()?;
    io::stdin().read_exact(&mut [0])?;
    estab_netns::ip(&["addr", "add", "10.98.0.2/24", "dev", "bench1"])?;
    estab_netns::ip(&["link", "set", "bench1", "up"])?;
    serve(SERVER.parse().map_err(io::Error::other)?)?;
    io::stdout().write_all(&[1])?;
    io::stdout().flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

pub(crate) fn bench(group: &mut BenchmarkGroup<'_, WallTime>) {
    let mut other = other_end().expect("a namespace at the other end");
    let server = SERVER.parse().expect("an address");
    measure(group, NAME, Some(other.id()), |chunks| {
        send(server, chunks * CHUNK).expect("a transfer")
    });
    drop(other.stdin.take());
    let _ = other.wait();
}

/// Starts the other end and lays the cable.
fn other_end() -> io::Result<Child> {
    let mut child = Command::new("unshare")
        .arg("--net")
        .arg(env::current_exe()?)
        .env(PEER, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let pid = child.id().to_string();
    heard(&mut child)?;
    let pair = [
        "link", "add", "bench0", "type", "veth", "peer", "name", "bench1", "netns", &pid,
    ];
    estab_netns::ip(&pair)?;
    estab_netns::ip(&["addr", "add", "10.98.0.1/24", "dev", "bench0"])?;
    estab_netns::ip(&["link", "set", "bench0", "up"])?;
    if let Some(stdin) = &mut child.stdin {
        stdin.write_all(&[1])?;
    }
    heard(&mut child)?;
    Ok(child)
}

/// Waits for a byte of the other end.
fn heard(child: &mut Child) -> io::Result<()> {
    match &mut child.stdout {
        Some(stdout) => stdout.read_exact(&mut [0]),
        None => Err(io::ErrorKind::BrokenPipe.into()),
    }
}
