//! Each contestant serves its ports as it should, to kernel sockets: only then does its speed count.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

/// Connections at once.
const FLOWS: usize = 64;

/// Bytes that each of them moves, each way.
const BYTES: usize = 3_000_017;

/// A contestant at the other end of a TUN interface.
struct Contestant {
    process: Child,
}

impl Contestant {
    /// Starts one, which serves 10.7.0.2 and, if it can, `fd07::2`.
    fn start(program: &Path, stack: &str, ipv6: bool) -> Self {
        let mut command = Command::new(program);
        command.args(["serve", "--stack", stack, "--tun", "peer0"]);
        command.args(["--addr", "10.7.0.2/24", "--kernel", "10.7.0.1"]);
        command.args(["--buffer", "131072"]);
        if ipv6 {
            command.args(["--v6", "fd07::2/64", "--kernel-v6", "fd07::1"]);
        }
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the contestant starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n");
        Self { process }
    }
}

impl Drop for Contestant {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Connections are opened one after the other, as the benches do: not every peer can take several at
/// once.
static OPENING: Mutex<()> = Mutex::new(());

fn connect(addr: &str, port: u16) -> TcpStream {
    let _turn = OPENING.lock();
    let addr = SocketAddr::new(addr.parse().expect("an address"), port);
    let stream = TcpStream::connect_timeout(&addr, Duration::from_secs(5)).expect("a connection");
    let limit = Some(Duration::from_secs(30));
    stream.set_read_timeout(limit).expect("a timeout");
    stream.set_write_timeout(limit).expect("a timeout");
    stream
}

/// Bytes that look random, others for each seed (Marsaglia's xorshift).
fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed * 2 + 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..BYTES).map(next).collect()
}

/// What is sent comes back, byte for byte, and then the end. The client ends when it has everything:
/// not every peer can be half closed.
fn echoes(addr: &str, seed: u64) {
    let mut stream = connect(addr, 7001);
    let sent = noise(seed);
    let mut half = stream.try_clone().expect("a second handle");
    let hash = blake3::hash(&sent);
    let writer = thread::spawn(move || half.write_all(&sent));
    let mut received = vec![0; BYTES];
    stream.read_exact(&mut received).expect("an echo");
    writer
        .join()
        .expect("the writer")
        .expect("a peer that reads");
    assert_eq!(blake3::hash(&received), hash, "flow {seed}");
    stream
        .shutdown(Shutdown::Write)
        .expect("an open connection");
    assert_eq!(stream.read(&mut [0]).expect("the end"), 0);
}

/// As many bytes come as were asked for, and the right ones.
fn gives(addr: &str, seed: u64) {
    let mut stream = connect(addr, 7003);
    let count = BYTES + seed as usize;
    stream
        .write_all(&(count as u64).to_be_bytes())
        .expect("a peer that reads");
    let mut received = Vec::new();
    stream.read_to_end(&mut received).expect("bytes");
    assert_eq!(received.len(), count, "flow {seed}");
    let wrong = received
        .iter()
        .zip(0..)
        .position(|(&byte, at)| usize::from(byte) != at % 251);
    assert_eq!(wrong, None, "flow {seed}");
}

/// Everything is taken, and the end answered.
fn takes(addr: &str, seed: u64) {
    let mut stream = connect(addr, 7002);
    stream.write_all(&noise(seed)).expect("a peer that reads");
    stream
        .shutdown(Shutdown::Write)
        .expect("an open connection");
    assert_eq!(stream.read(&mut [0]).expect("the end"), 0);
}

fn answers(addr: &str) {
    for nth in 0..200 {
        let mut stream = connect(addr, 7004);
        stream.write_all(&[nth]).expect("a peer that reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        assert_eq!(answer.len(), 1, "connection {nth}");
    }
}

fn holds(addr: &str) {
    let held: Vec<_> = (0..1000).map(|_| connect(addr, 7005)).collect();
    thread::sleep(Duration::from_millis(100));
    for stream in &held {
        stream.set_nonblocking(true).expect("a setting");
        let error = (&*stream).read(&mut [0]).expect_err("nothing is said");
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
}

fn at_once(addr: &'static str, what: fn(&str, u64)) {
    let flows: Vec<_> = (0..FLOWS as u64)
        .map(|seed| thread::spawn(move || what(addr, seed)))
        .collect();
    for flow in flows {
        flow.join().expect("a flow");
    }
}

fn check(stack: &'static str, addrs: &'static [&'static str]) {
    check_program(
        Path::new(env!("CARGO_BIN_EXE_estab-bench-peers")),
        stack,
        addrs,
    );
}

fn check_program(program: &Path, stack: &'static str, addrs: &'static [&'static str]) {
    // It ignores an end that comes with data, so that a connection has to be idle before it ends.
    let takes_to_the_end = stack != "ipstack";
    let ipv6 = addrs.iter().any(|addr| addr.contains(':'));
    let _contestant = Contestant::start(program, stack, ipv6);
    for addr in addrs {
        eprintln!("{stack} {addr}");
        echoes(addr, 0);
        gives(addr, 0);
        if takes_to_the_end {
            takes(addr, 0);
        }
        answers(addr);
        holds(addr);
        at_once(addr, echoes);
        at_once(addr, gives);
        if takes_to_the_end {
            at_once(addr, takes);
        }
    }
}

const BOTH: &[&str] = &["10.7.0.2", "fd07::2"];
const IPV4: &[&str] = &["10.7.0.2"];

#[test]
fn limit() {
    estab_netns::isolated(|| check("limit", BOTH));
}

#[test]
fn limit_plain() {
    estab_netns::isolated(|| check("limit-plain", BOTH));
}

#[test]
fn smoltcp() {
    estab_netns::isolated(|| check("smoltcp", BOTH));
}

#[test]
fn tokio_smoltcp() {
    estab_netns::isolated(|| check("tokio-smoltcp", IPV4));
}

#[test]
fn netstack_smoltcp() {
    estab_netns::isolated(|| check("netstack-smoltcp", BOTH));
}

#[test]
fn ipstack() {
    estab_netns::isolated(|| check("ipstack", BOTH));
}

#[test]
fn tcp_ip() {
    estab_netns::isolated(|| check("tcp_ip", BOTH));
}

/// Builds the contestant in Go and checks it; without Debian's packages of Go and of gVisor there is
/// none.
fn check_gvisor(stack: &'static str) {
    const PACKAGES: &str = "/usr/share/gocode";
    if !Path::new(PACKAGES).join("src/gvisor.dev").exists() {
        return eprintln!("{stack} is not tested: golang-gvisor-gvisor-dev is not installed");
    }
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(stack);
    let status = Command::new("go")
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/gvisor"))
        .envs([("GO111MODULE", "off"), ("GOPATH", PACKAGES)])
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .status();
    assert!(status.expect("go").success());
    check_program(&program, stack, IPV4);
}

#[test]
fn gvisor() {
    estab_netns::isolated(|| check_gvisor("gvisor"));
}

#[test]
fn gvisor_plain() {
    estab_netns::isolated(|| check_gvisor("gvisor-plain"));
}
