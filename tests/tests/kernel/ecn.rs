//! Marks on the wire between the kernel and us.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use estab::config::{Ecn, TcpConfig};
use estab::device::{Caps, Device, Packet, Received, TunDevice};
use estab::{EcnMode, Info, Stack, TcpStream};
use estab_netns::{isolated, sysctl};
use estab_proto::wire::{EcnCodepoint, Flags, IpPacket, Segment};
use estab_tests::kernel::{self, INTERFACE, KERNEL, OURS};
use estab_tests::transfer::{receive, send};

/// Bytes sent one way: many round trips.
const LEN: u64 = 16 << 20;

/// Every so many ECN-capable packets one is marked.
const NTH: u64 = 100;

/// What one end sent.
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    capable: u64,
    marked: u64,
    ece: u64,
    cwr: u64,
    options: u64,
    syn: Option<Flags>,
}

/// A TUN that marks.
struct Marking {
    tun: TunDevice,
    /// The kernel and we.
    sent: Shared,
}

type Shared = Arc<Mutex<[Sent; 2]>>;

fn lock(sent: &Shared) -> MutexGuard<'_, [Sent; 2]> {
    sent.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes a packet, and marks it if it is its turn.
fn pass(sent: &mut Sent, packet: &mut [u8]) {
    let Ok(ip) = IpPacket::parse(packet) else {
        return;
    };
    let Ok(seg) = Segment::parse(ip.payload(), ip.src(), ip.dst(), false) else {
        return;
    };
    if seg.has(Flags::SYN) {
        sent.syn = Some(seg.ctl);
    } else {
        sent.ece += u64::from(seg.has(Flags::ECE));
        sent.cwr += u64::from(seg.has(Flags::CWR));
        sent.options += u64::from(seg.opts.accecn.is_some());
    }
    let capable = EcnCodepoint::of(ip.traffic_class()) == EcnCodepoint::Ect0;
    if !capable || seg.text.is_empty() {
        return;
    }
    sent.capable += 1;
    if sent.capable.is_multiple_of(NTH) {
        sent.marked += 1;
        set_ce(packet);
    }
}

/// Sets CE, and keeps IPv4's header checksum right (RFC 1624).
fn set_ce(packet: &mut [u8]) {
    if packet[0] >> 4 == 6 {
        packet[1] |= 0x30;
        return;
    }
    packet[1] |= 0b11;
    let mut sum = 0;
    for (at, pair) in packet[..20].chunks(2).enumerate() {
        sum += match at {
            5 => 0,
            _ => u32::from(u16::from_be_bytes([pair[0], pair[1]])),
        };
    }
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
}

impl Device for Marking {
    fn caps(&self) -> Caps {
        // It reads only packets that say how long they are.
        let mut caps = self.tun.caps();
        caps.link_segmentation = None;
        caps
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        let result = self.tun.poll_recv(cx, buf);
        if let Poll::Ready(Ok(received)) = &result {
            pass(&mut lock(&self.sent)[0], &mut buf[..received.len()]);
        }
        result
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
        let before = lock(&self.sent)[1];
        let mut bytes = packet.to_bytes().to_vec();
        pass(&mut lock(&self.sent)[1], &mut bytes);
        let slices = [io::IoSlice::new(&bytes)];
        let marked = Packet::new(&slices).with_segment_size(packet.segment_size());
        let result = self.tun.poll_send(cx, &marked);
        if result.is_pending() {
            lock(&self.sent)[1] = before;
        }
        result
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tun.poll_flush(cx)
    }
}

/// A stack with this setting on a TUN that marks, and what is sent over it.
async fn stack(ecn: Ecn, offload: bool) -> (Stack, Shared) {
    let tun = TunDevice::builder()
        .name(INTERFACE)
        .addr((KERNEL[0], 24))
        .addr((KERNEL[1], 64))
        .offload(offload)
        .build()
        .await
        .unwrap();
    let mut tcp = TcpConfig::default();
    tcp.ecn = ecn;
    let sent = Shared::default();
    let device = Marking {
        tun,
        sent: sent.clone(),
    };
    let stack = Stack::builder()
        .addr((OURS[0], 24))
        .addr((OURS[1], 64))
        .tcp(tcp)
        .build(device)
        .unwrap();
    (stack, sent)
}

/// A number of the kernel's in `/proc/net/netstat`.
fn netstat(name: &str) -> u64 {
    let text = fs::read_to_string("/proc/net/netstat").unwrap();
    let lines: Vec<_> = text.lines().collect();
    lines
        .chunks(2)
        .find_map(|pair| {
            let at = pair[0].split(' ').position(|word| word == name)?;
            pair[1].split(' ').nth(at)?.parse().ok()
        })
        .unwrap()
}

/// Whether the kernel's end of the only connection has a slow start threshold, which is what a
/// reduction leaves.
fn kernel_reduced(ip: usize) -> bool {
    let path = ["/proc/net/tcp", "/proc/net/tcp6"][ip];
    let text = fs::read_to_string(path).unwrap();
    let established = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .find(|words| words.get(3) == Some(&"01"))
        .unwrap();
    *established.last().unwrap() != "-1"
}

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Kernel,
    Us,
}

/// A stream of the kernel's and the other end, ours; `we_open` says who opened.
async fn open(stack: &Stack, ip: usize, we_open: bool) -> (tokio::net::TcpStream, TcpStream) {
    if we_open {
        let (listener, remote) = kernel::listen(KERNEL[ip]);
        let (ours, theirs) = tokio::join!(stack.connect(remote), listener.accept());
        (theirs.unwrap().0, ours.unwrap())
    } else {
        let listener = stack.listen((OURS[ip], 0)).await.unwrap();
        let remote = SocketAddr::new(OURS[ip], listener.local_addr().unwrap().port());
        let (theirs, ours) = tokio::join!(kernel::connect(remote), listener.accept());
        (theirs.unwrap(), ours.unwrap().0)
    }
}

/// One side opens, one side sends; returns what our end knows at the end.
async fn transfer(stack: &Stack, ip: usize, we_open: bool, from: From) -> Info {
    let (mut theirs, mut ours) = open(stack, ip, we_open).await;
    let (sent, received) = match from {
        From::Kernel => tokio::try_join!(send(&mut theirs, 1, LEN), receive(&mut ours, LEN)),
        From::Us => tokio::try_join!(send(&mut ours, 1, LEN), receive(&mut theirs, LEN)),
    }
    .unwrap();
    assert_eq!(sent, received);
    if from == From::Kernel {
        assert!(kernel_reduced(ip), "the kernel slowed down");
    }
    info(&ours).await
}

async fn info(stream: &TcpStream) -> Info {
    stream.info().await.unwrap()
}

/// One transfer in each direction and by each opener, all marked; `kernel` is its sysctl.
fn transfers(kernel: &str, ours: Ecn, ip: usize, offload: bool) {
    sysctl("ipv4.tcp_ecn", kernel).unwrap();
    for (we_open, from) in [
        (false, From::Kernel),
        (false, From::Us),
        (true, From::Kernel),
        (true, From::Us),
    ] {
        let case = format!("{kernel} {ours:?} {ip} {offload} {we_open} {from:?}");
        let [(_, runtime), _] = kernel::runtimes();
        runtime.block_on(async {
            let told = netstat("TCPDeliveredCE");
            let (stack, sent) = stack(ours, offload).await;
            // An interface just made may lose a SYN, which is then repeated without ECN.
            drop(open(&stack, ip, we_open).await);
            *lock(&sent) = Default::default();
            let info = transfer(&stack, ip, we_open, from).await;
            let [theirs, ours] = *lock(&sent);
            assert_eq!(info.ecn, EcnMode::Classic, "{case}");
            assert_eq!(info.retransmits, 0, "{case}");
            let (data, acks) = match from {
                From::Kernel => (theirs, ours),
                From::Us => (ours, theirs),
            };
            assert!(data.marked > 0 && acks.ece > 0, "{case}: {data:?} {acks:?}");
            assert!(data.cwr > 0, "{case}: {data:?}");
            assert_eq!((acks.capable, acks.cwr, data.ece), (0, 0, 0), "{case}");
            match from {
                From::Kernel => {
                    assert!(u64::from(info.received_ce) >= data.marked, "{case}");
                    assert!(netstat("TCPDeliveredCE") > told, "{case}");
                }
                From::Us => {
                    assert!(data.cwr <= data.marked, "{case}: {data:?}");
                    assert!(info.delivered_ce > 0 && info.ssthresh < u32::MAX, "{case}");
                }
            }
            assert_eq!(ours.options + theirs.options, 0, "{case}");
        });
    }
}

/// Both ask, or the one who opens does.
#[test]
fn marks_slow_the_kernel_and_us_down() {
    isolated(|| {
        for ip in 0..2 {
            transfers("1", Ecn::Classic, ip, false);
        }
    });
}

/// Super-segments share their mark, and CWR goes on one segment alone.
#[test]
fn marks_on_super_segments() {
    isolated(|| {
        for ip in 0..2 {
            transfers("1", Ecn::Classic, ip, true);
        }
    });
}

/// What each side asks for on its SYN, and what comes of it with a kernel that knows RFC 3168.
#[test]
fn the_kernel_and_we_agree() {
    isolated(|| {
        let setup = Flags::SYN | Flags::CWR | Flags::ECE;
        let agreed = Flags::SYN | Flags::ACK | Flags::ECE;
        let refused = Flags::SYN | Flags::ACK;
        let (on, off) = (EcnMode::Classic, EcnMode::Off);
        for (kernel, ours, we_open, syn, syn_ack, mode) in [
            ("1", Ecn::Passive, false, setup, agreed, on),
            ("1", Ecn::Off, false, setup, refused, off),
            ("2", Ecn::Classic, false, Flags::SYN, refused, off),
            ("2", Ecn::Classic, true, setup, agreed, on),
            ("2", Ecn::Accurate, true, setup | Flags::AE, agreed, on),
            ("2", Ecn::Passive, true, Flags::SYN, refused, off),
            ("0", Ecn::Accurate, true, setup | Flags::AE, refused, off),
        ] {
            sysctl("ipv4.tcp_ecn", kernel).unwrap();
            let [(_, runtime), _] = kernel::runtimes();
            runtime.block_on(async {
                let (stack, sent) = stack(ours, true).await;
                let (_theirs, stream) = open(&stack, 0, we_open).await;
                let syns = lock(&sent).map(|sent| sent.syn.unwrap());
                let expected = if we_open {
                    [syn_ack, syn]
                } else {
                    [syn, syn_ack]
                };
                assert_eq!(syns, expected, "{kernel} {ours:?} {we_open}");
                assert_eq!(info(&stream).await.ecn, mode);
            });
        }
    });
}
