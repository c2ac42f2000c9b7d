//! A hundred thousand connections from sockets of the kernel's through one TUN.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, mem};

use estab::Stack;
use estab::device::TunDevice;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::crowd::{AT_ONCE, Servers, hold_all, listen};
use crate::memory::runtime;
use crate::page::Page;
use crate::polls::{Counted, Polls, processor_time};

/// Tells a process started by this one how many sockets it is to connect.
pub(crate) const ROLE: &str = "ESTAB_BENCH_SCALE_SOCKETS";

/// Sockets of one process: it may have 20,000 files nearly everywhere.
const PER_PROCESS: usize = 10_000;

/// Addresses of ours, each of which the kernel has all its ports for.
const ADDRESSES: usize = 4;

/// How long idleness is watched.
const WATCHED: Duration = Duration::from_secs(5);

/// One socket of so many sends a byte in the end.
const SAMPLE: usize = 100;

pub(crate) fn measure_all(page: &mut Page, count: usize) -> Result<(), Box<dyn Error>> {
    page.section(
        "Through a TUN",
        "So many sockets of the kernel's, held by other processes, connect to one stack through one \
         TUN. Idle for two seconds, the stack was watched for five: how often its driver was woken, \
         and the processor time of its process. Then a byte goes there and back over one in a \
         hundred, and all close.",
    );
    page.head(&[
        "connections",
        "opened per second",
        "wakeups while idle",
        "ms of processor while idle",
        "echoes",
        "s until all are closed",
    ]);
    let cells = runtime().block_on(measure(count))?;
    page.row(&cells);
    Ok(())
}

async fn measure(count: usize) -> Result<[String; 6], Box<dyn Error>> {
    estab_netns::sysctl("ipv4/ip_local_port_range", "1024 65535")?;
    estab_netns::sysctl("ipv6/conf/all/disable_ipv6", "1")?;
    let device = TunDevice::builder()
        .name("estab0")
        .addr((IpAddr::from([10, 88, 0, 1]), 24))
        .build()
        .await?;
    let builder = Stack::builder().addr((ours(0), 24)).any_ip(true);
    let (stack, driver) = builder.build_with_driver(device)?;
    let polls = Polls::default();
    tokio::spawn(Counted::new(driver, &polls));
    let servers = hold_all(listen(&stack).await?, count);

    let began = Instant::now();
    let processes = count.div_ceil(PER_PROCESS);
    let mut clients = (0..processes)
        .map(|nth| Sockets::start(count * (nth + 1) / processes - count * nth / processes))
        .collect::<io::Result<Vec<_>>>()?;
    while servers.lock().expect("nobody panics").len() < count {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let opened = count as f64 / began.elapsed().as_secs_f64();
    while stack.counts().await?.dormant < count {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    tokio::time::sleep(Duration::from_secs(2)).await;
    let (woken, time) = (polls.count(), processor_time());
    tokio::time::sleep(WATCHED).await;
    let woken = polls.count() - woken;
    let time = processor_time().saturating_sub(time);

    echo_all(&servers);
    let mut echoes = 0;
    for client in &mut clients {
        client.say("echo")?;
    }
    for client in clients.drain(..) {
        // The thread waits, the stack goes on.
        echoes += tokio::task::spawn_blocking(|| client.finish()).await??;
    }
    let began = Instant::now();
    while stack.counts().await?.connections > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let left = began.elapsed();
    Ok([
        count.to_string(),
        format!("{opened:.0}"),
        woken.to_string(),
        format!("{:.2}", time.as_secs_f64() * 1e3),
        echoes.to_string(),
        format!("{:.1}", left.as_secs_f64()),
    ])
}

/// Every stream sends back what comes, until the peer closes.
fn echo_all(servers: &Servers) {
    for mut server in mem::take(&mut *servers.lock().expect("nobody panics")) {
        tokio::spawn(async move {
            while let Ok(byte) = server.read_u8().await {
                if server.write_all(&[byte]).await.is_err() {
                    break;
                }
            }
        });
    }
}

/// A process with many sockets of the kernel's.
struct Sockets {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Sockets {
    /// A process that connects `count` sockets.
    fn start(count: usize) -> io::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .env(ROLE, count.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let answers = child.stdout.take().expect("it is piped");
        Ok(Self {
            child,
            answers: BufReader::new(answers),
        })
    }

    fn say(&mut self, word: &str) -> io::Result<()> {
        let input = self.child.stdin.as_mut().expect("it is piped");
        writeln!(input, "{word}")
    }

    /// How many bytes came back. The process ends, and its sockets close.
    fn finish(mut self) -> io::Result<usize> {
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        drop(self.child.stdin.take());
        self.child.wait()?;
        answer.trim().parse().map_err(io::Error::other)
    }
}

/// What such a process does.
pub(crate) fn play(count: &str) -> io::Result<()> {
    let count: usize = count.parse().map_err(io::Error::other)?;
    runtime().block_on(async {
        let mut sockets: Vec<TcpStream> = stream::iter(0..count)
            .map(|nth| TcpStream::connect(SocketAddr::new(ours(nth % ADDRESSES), 80)))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let mut words = io::stdin().lines();
        words.next().transpose()?;
        let mut echoes = 0;
        for socket in sockets.iter_mut().step_by(SAMPLE) {
            socket.write_all(&[7]).await?;
            echoes += usize::from(socket.read_u8().await? == 7);
        }
        println!("{echoes}");
        words.next().transpose()?;
        Ok(())
    })
}

fn ours(nth: usize) -> IpAddr {
    [10, 88, 0, 2 + nth as u8].into()
}
