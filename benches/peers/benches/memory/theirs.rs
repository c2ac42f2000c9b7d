//! smoltcp.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{
    Checksum, ChecksumCapabilities, Device, DeviceCapabilities, Loopback, Medium, RxToken, TxToken,
};
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr};

use crate::{Terms, Transfer};

/// Bytes of each buffer.
const BUFFER: usize = 1 << 20;

const PORT: u16 = 80;

type Packets = Rc<RefCell<VecDeque<Vec<u8>>>>;

/// Its own loopback device, which carries 65,535 bytes at a time and leaves all checksums out, without
/// link-layer headers, with buffers of that size.
pub(crate) fn loopback(buffer: usize) -> Transfer {
    over(Loopback::new(Medium::Ip), HardwareAddress::Ip, buffer)
}

/// The same as in its example `loopback_benchmark`: Ethernet frames, and buffers of 64 KiB.
pub(crate) fn shipped() -> Transfer {
    let hardware = EthernetAddress([2, 0, 0, 0, 0, 1]).into();
    over(Loopback::new(Medium::Ethernet), hardware, 1 << 16)
}

fn over(device: Loopback, hardware: HardwareAddress, buffer: usize) -> Transfer {
    let mut end = End::new(device, hardware, 1, buffer);
    let (sender, receiver) = (end.connect(1), end.listen());
    Box::new(move |bytes| {
        let mut received = 0;
        while received < bytes {
            end.send(sender);
            end.poll();
            received += end.receive(receiver);
        }
    })
}

/// One stack that talks to itself over a queue of packets.
pub(crate) fn one(terms: Terms) -> Transfer {
    let queue = Packets::default();
    let queues = Queues::new(&queue, &queue, terms);
    let mut end = End::new(queues, HardwareAddress::Ip, 1, BUFFER);
    let (sender, receiver) = (end.connect(1), end.listen());
    Box::new(move |bytes| {
        let mut received = 0;
        while received < bytes {
            end.send(sender);
            end.poll();
            received += end.receive(receiver);
        }
    })
}

/// Two stacks with a queue each way.
pub(crate) fn two(terms: Terms) -> Transfer {
    let (there, back) = (Packets::default(), Packets::default());
    let end = |from, to, host| {
        let queues = Queues::new(from, to, terms);
        End::new(queues, HardwareAddress::Ip, host, BUFFER)
    };
    let (mut left, mut right) = (end(&back, &there, 1), end(&there, &back, 2));
    let (sender, receiver) = (left.connect(2), right.listen());
    Box::new(move |bytes| {
        let mut received = 0;
        while received < bytes {
            left.send(sender);
            left.poll();
            right.poll();
            received += right.receive(receiver);
        }
    })
}

/// A stack.
struct End<D> {
    device: D,
    interface: Interface,
    sockets: SocketSet<'static>,
    buffer: usize,
}

impl<D: Device> End<D> {
    fn new(mut device: D, hardware: HardwareAddress, host: u8, buffer: usize) -> Self {
        let config = Config::new(hardware);
        let mut interface = Interface::new(config, &mut device, Instant::now());
        interface.update_ip_addrs(|addrs| {
            let addr = IpCidr::new(IpAddress::v4(10, 0, 0, host), 24);
            addrs.push(addr).expect("room for an address");
        });
        Self {
            device,
            interface,
            sockets: SocketSet::new(Vec::new()),
            buffer,
        }
    }

    fn listen(&mut self) -> SocketHandle {
        let mut socket = socket(self.buffer);
        socket.listen(PORT).expect("a new socket");
        self.sockets.add(socket)
    }

    fn connect(&mut self, host: u8) -> SocketHandle {
        let mut socket = socket(self.buffer);
        let remote = (IpAddress::v4(10, 0, 0, host), PORT);
        socket
            .connect(self.interface.context(), remote, 50_000)
            .expect("a new socket");
        self.sockets.add(socket)
    }

    fn poll(&mut self) {
        let now = Instant::now();
        self.interface
            .poll(now, &mut self.device, &mut self.sockets);
    }

    /// Fills the socket's buffer, with whatever lies in it.
    fn send(&mut self, handle: SocketHandle) {
        let socket = self.sockets.get_mut::<Socket<'_>>(handle);
        while socket.can_send() {
            let sent = socket.send(|bytes| (bytes.len(), ()));
            sent.expect("an open connection");
        }
    }

    /// Empties the socket's buffer, and says how much was in it.
    fn receive(&mut self, handle: SocketHandle) -> u64 {
        let socket = self.sockets.get_mut::<Socket<'_>>(handle);
        let mut received = 0;
        while socket.can_recv() {
            let len = socket.recv(|bytes| (bytes.len(), bytes.len()));
            received += len.expect("an open connection") as u64;
        }
        received
    }
}

fn socket(len: usize) -> Socket<'static> {
    let buffer = || SocketBuffer::new(vec![0; len]);
    let mut socket = Socket::new(buffer(), buffer());
    socket.set_nagle_enabled(false);
    socket
}

/// A device over queues of packets; as smoltcp's own, with an MTU and checksums to choose.
struct Queues {
    from: Packets,
    to: Packets,
    terms: Terms,
}

impl Queues {
    fn new(from: &Packets, to: &Packets, terms: Terms) -> Self {
        Self {
            from: from.clone(),
            to: to.clone(),
            terms,
        }
    }
}

impl Device for Queues {
    type RxToken<'a> = Rx;
    type TxToken<'a> = Tx<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Rx, Tx<'_>)> {
        let packet = self.from.borrow_mut().pop_front()?;
        Some((Rx(packet), Tx(&self.to)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Tx<'_>> {
        Some(Tx(&self.to))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.terms.mtu;
        if !self.terms.checksums {
            capabilities.checksum = ChecksumCapabilities::ignored();
            // Those of IP headers cost little, and estab's are always there.
            capabilities.checksum.ipv4 = Checksum::Both;
        }
        capabilities
    }
}

struct Rx(Vec<u8>);

impl RxToken for Rx {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, with: F) -> R {
        with(&self.0)
    }
}

struct Tx<'a>(&'a Packets);

impl TxToken for Tx<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, with: F) -> R {
        let mut packet = vec![0; len];
        let result = with(&mut packet);
        self.0.borrow_mut().push_back(packet);
        result
    }
}
