//! One stack with its driver: what goes in is drained at once, what comes out is judged.

use std::collections::VecDeque;

use estab_proto::config::StackConfig;
use estab_proto::{Event, Instant, RxMeta, Stack};

use crate::check::Checker;

/// How often a stack may ask to be woken at one and the same moment before it counts as a busy
/// loop: the work of one call is bounded, so a mass of timers takes several.
const MAX_WAKES: u32 = 10_000;

/// A stack, driven by its contract.
pub struct Host {
    /// The stack itself, for whatever a test wants to ask.
    pub stack: Stack,
    /// Judges every packet.
    pub checker: Checker,
    /// What it told, oldest first, until a test takes it.
    pub events: VecDeque<Event>,
    /// How often a deadline made it work.
    pub wakes: u64,
    last_wake: Option<(Instant, u32)>,
}

impl Host {
    /// A host with a secret made of `secret`.
    pub fn new(config: StackConfig, secret: u64, now: Instant) -> Self {
        let mut key = [0x5a; 32];
        key[..8].copy_from_slice(&secret.to_le_bytes());
        let checker = Checker::new(config.mtu);
        Self {
            stack: Stack::new(config, key, now),
            checker,
            events: VecDeque::new(),
            wakes: 0,
            last_wake: None,
        }
    }

    /// Gives the stack a packet. Drain afterwards.
    pub fn receive(&mut self, now: Instant, packet: &[u8]) {
        self.checker.on_received(packet);
        self.stack.handle_packet(now, packet, RxMeta::default());
    }

    /// Lets the stack handle a deadline that is due. Drain afterwards.
    ///
    /// # Panics
    ///
    /// If it asks to be woken at this moment again and again.
    pub fn wake(&mut self, now: Instant) {
        self.wakes += 1;
        let wakes = match self.last_wake {
            Some((at, wakes)) if at == now => wakes + 1,
            _ => 1,
        };
        assert!(
            wakes < MAX_WAKES,
            "busy loop: woken {wakes} times at {now:?}"
        );
        self.last_wake = Some((now, wakes));
        self.stack.handle_timeout(now);
    }

    /// What the stack has to send now; its events go to [`events`](Self::events).
    ///
    /// # Panics
    ///
    /// If a packet is not one a correct stack would send.
    pub fn drain(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        while let Some(transmit) = self.stack.poll_transmit(now) {
            let mut packet = Vec::new();
            transmit.write_to(&mut packet);
            assert_eq!(packet.len(), transmit.len(), "Transmit::len");
            packets.push(packet);
        }
        for packet in &packets {
            self.checker.on_sent(packet);
        }
        while let Some(event) = self.stack.poll_event() {
            self.events.push_back(event);
        }
        packets
    }

    /// When it wants to be woken. Only after a [`drain`](Self::drain).
    pub fn deadline(&self) -> Option<Instant> {
        self.stack.poll_timeout()
    }
}
