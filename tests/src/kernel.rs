//! Our stack and the kernel's, face to face over a TUN: to be used in a namespace of one's own
//! (see `estab_netns`).

use std::env;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use estab::device::TunDevice;
use estab::{Stack, StackBuilder};
use socket2::{Domain, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::{Builder, Runtime};

/// The kernel's addresses, IPv4 and IPv6.
pub const KERNEL: [IpAddr; 2] = addresses(1);

/// Ours, IPv4 and IPv6.
pub const OURS: [IpAddr; 2] = addresses(2);

/// The interface's name.
pub const INTERFACE: &str = "estab0";

const fn addresses(host: u8) -> [IpAddr; 2] {
    [
        IpAddr::V4(Ipv4Addr::new(10, 88, 0, host)),
        IpAddr::V6(Ipv6Addr::new(0xfd88, 0, 0, 0, 0, 0, 0, host as u16)),
    ]
}

/// A stack with the default settings on a TUN of its own.
///
/// # Panics
///
/// If it cannot be made.
pub async fn stack() -> Stack {
    stack_with(|builder| builder).await
}

/// Set to `0`, it takes super-segments and checksums off the TUN of every test.
const OFFLOAD: &str = "ESTAB_TEST_OFFLOAD";

/// A stack with other settings.
///
/// # Panics
///
/// If it cannot be made.
pub async fn stack_with(settings: impl FnOnce(StackBuilder) -> StackBuilder) -> Stack {
    let tun = TunDevice::builder()
        .name(INTERFACE)
        .addr((KERNEL[0], 24))
        .addr((KERNEL[1], 64))
        .offload(env::var_os(OFFLOAD).is_none_or(|value| value != "0"))
        .build()
        .await
        .expect("a TUN");
    let builder = Stack::builder().addr((OURS[0], 24)).addr((OURS[1], 64));
    settings(builder).build(tun).expect("a stack")
}

/// A socket of the kernel's, with CUBIC where there is a choice: what is the default may pace, and
/// then its timer is what one measures.
///
/// # Errors
///
/// Those of `socket(2)`.
pub fn socket(remote: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(remote), Type::STREAM, None)?;
    let _ = socket.set_tcp_congestion(b"cubic");
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Lets the kernel connect to us.
///
/// # Errors
///
/// Those of `connect(2)`.
pub async fn connect(remote: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::from_std_stream(socket(remote)?.into());
    socket.connect(remote).await
}

/// Lets the kernel listen on a free port of `addr`.
///
/// # Panics
///
/// If it cannot.
pub fn listen(addr: IpAddr) -> (TcpListener, SocketAddr) {
    let socket = socket(SocketAddr::new(addr, 0)).expect("a socket");
    let bind = SocketAddr::new(addr, 0).into();
    socket.bind(&bind).expect("an address of the kernel's");
    socket.listen(4096).expect("a listener");
    let listener = TcpListener::from_std(socket.into()).expect("a listener");
    let addr = listener.local_addr().expect("bound");
    (listener, addr)
}

/// Makes closing a socket of the kernel's reset the connection.
///
/// # Panics
///
/// If it is no TCP socket.
pub fn reset_on_close(stream: &TcpStream) {
    let zero = Some(Duration::ZERO);
    SockRef::from(stream)
        .set_linger(zero)
        .expect("a TCP socket");
}

/// A runtime of one thread, and one of two.
pub fn runtimes() -> [(&'static str, Runtime); 2] {
    let build = |mut builder: Builder| builder.enable_all().build().expect("a runtime");
    let mut two = Builder::new_multi_thread();
    two.worker_threads(2);
    [
        ("current_thread", build(Builder::new_current_thread())),
        ("multi_thread", build(two)),
    ]
}

/// Lets this process open as many files as it may.
pub fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let most = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: most,
        maximum: most,
    };
    // What is too few shows where a file cannot be opened.
    let _ = setrlimit(Resource::Nofile, limit);
}
