//! estab.

use std::time::Instant as Clock;

use bytes::{Bytes, BytesMut};
use estab::proto::config::StackConfig;
use estab::proto::{ConnId, IpCidr, ListenConfig, RxMeta, Stack, State};
use estab_timer::Instant;

use crate::{Terms, Transfer};

/// Packets that go one way before the other end has its turn, as the driver does.
const BURST: usize = 64;

/// Bytes that go one way before that, or a packet more.
const BURST_BYTES: usize = 512 << 10;

/// Bytes that the application gives at a time.
const BLOCK: usize = 256 << 10;

/// A packet as long as this is lent to the stack instead of copied, as the driver does.
const LARGE: usize = 32 << 10;

/// Two stacks, a packet carried over at a time.
pub(crate) fn transfer(terms: Terms) -> Transfer {
    let mut pair = Pair::connected(terms, false);
    Box::new(move |bytes| pair.transfer(bytes))
}

/// The same, with payload handed over as it lies in the sender's memory.
pub(crate) fn handover(terms: Terms) -> Transfer {
    let mut pair = Pair::connected(terms, true);
    Box::new(move |bytes| pair.transfer(bytes))
}

struct Pair {
    clock: Clock,
    left: Stack,
    right: Stack,
    sender: ConnId,
    receiver: ConnId,
    way: Way,
    block: Bytes,
}

/// The way between them: buffers, used again and again.
struct Way {
    checksums: bool,
    /// Whether payload is handed over as it lies, instead of copied.
    share: bool,
    packet: BytesMut,
    lent: Vec<Bytes>,
}

impl Pair {
    fn connected(terms: Terms, share: bool) -> Self {
        #[allow(clippy::disallowed_methods, reason = "a bench measures time")]
        let clock = Clock::now();
        let now = Instant::ZERO;
        let stack = |host: u8| {
            let config = StackConfig {
                addrs: vec![IpCidr::new([10, 0, 0, host].into(), 24)],
                mtu: terms.mtu as u32,
                checksum_offload: !terms.checksums,
                ..StackConfig::default()
            };
            Stack::new(config, [1; 32], now)
        };
        let (mut left, mut right) = (stack(1), stack(2));
        let listener = right.listen(ListenConfig {
            port: Some(80),
            ..ListenConfig::default()
        });
        let listener = listener.expect("a free port");
        let remote = ([10, 0, 0, 2], 80).into();
        let sender = left.connect(now, remote, None, None).expect("a connection");
        let mut pair = Self {
            clock,
            left,
            right,
            sender,
            receiver: ConnId::default(),
            way: Way {
                checksums: terms.checksums,
                share,
                packet: BytesMut::new(),
                lent: Vec::new(),
            },
            block: Bytes::from(vec![7; BLOCK]),
        };
        while pair.left.state(sender) != Some(State::Established) {
            pair.exchange();
        }
        pair.exchange();
        (pair.receiver, _) = pair.right.accept(listener).expect("a connection");
        pair
    }

    fn now(&self) -> Instant {
        Instant::ZERO + self.clock.elapsed()
    }

    fn transfer(&mut self, bytes: u64) {
        let mut received = 0;
        while received < bytes {
            let now = self.now();
            while self.left.send_room(self.sender) > 0 {
                let sent = self.left.send(now, self.sender, self.block.clone());
                sent.expect("an open connection");
            }
            self.exchange();
            while let Ok(Some(chunk)) = self.right.take_chunk(self.receiver) {
                received += chunk.len() as u64;
                self.right.consumed(now, self.receiver, chunk.len());
            }
        }
    }

    /// A burst each way.
    fn exchange(&mut self) {
        let now = self.now();
        self.way.carry(now, &mut self.left, &mut self.right);
        self.way.carry(now, &mut self.right, &mut self.left);
    }
}

impl Way {
    fn carry(&mut self, now: Instant, from: &mut Stack, to: &mut Stack) {
        if from.poll_timeout().is_some_and(|due| due <= now) {
            from.handle_timeout(now);
        }
        let mut bytes = 0;
        for _ in 0..BURST {
            let Some(transmit) = from.poll_transmit(now) else {
                break;
            };
            bytes += transmit.len();
            if let Some(payload) = transmit.shared_payload().filter(|_| self.share) {
                let meta = RxMeta {
                    payload: Some(&payload),
                    ..self.meta()
                };
                to.handle_packet(now, transmit.header(), meta);
            } else {
                self.packet.clear();
                self.packet.reserve(transmit.len());
                self.packet.extend_from_slice(transmit.header());
                for piece in transmit.payload() {
                    self.packet.extend_from_slice(piece);
                }
                self.deliver(now, to);
            }
            if bytes >= BURST_BYTES {
                break;
            }
        }
        while from.poll_event().is_some() {}
        while to.poll_event().is_some() {}
    }

    fn meta(&self) -> RxMeta<'static> {
        RxMeta {
            checksum_verified: !self.checksums,
            ..RxMeta::default()
        }
    }

    fn deliver(&mut self, now: Instant, to: &mut Stack) {
        let meta = self.meta();
        if self.packet.len() < LARGE {
            to.handle_packet(now, &self.packet, meta);
            return;
        }
        let packet = std::mem::take(&mut self.packet).freeze();
        let backing = Some(&packet);
        to.handle_packet(now, &packet, RxMeta { backing, ..meta });
        let free = self.lent.iter().position(Bytes::is_unique);
        let free = free.map(|at| self.lent.swap_remove(at));
        self.packet = free
            .and_then(|free| free.try_into_mut().ok())
            .unwrap_or_default();
        self.lent.push(packet);
    }
}
