//! The stack under test, its device and its clock.

use std::collections::VecDeque;

use estab_proto::config::StackConfig;
use estab_proto::{Duration, Event, Instant, RxMeta, Stack};

use crate::wire::TcpPacket;

/// The stack's clock at the start of a script.
const ORIGIN: Instant = Instant::from_secs(1_000);

/// Keys nothing that matters here, and lets every run repeat itself.
const SECRET: [u8; 32] = [0x5e; 32];

/// Timers due at one moment beyond which the stack is taken to run in circles.
const MAX_TIMERS_AT_ONCE: u32 = 100_000;

/// A packet the stack sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// When, in microseconds of the script.
    pub(crate) at: i64,
    /// What, or why it is no packet.
    pub(crate) packet: Result<TcpPacket, String>,
}

/// A stack in virtual time.
pub(crate) struct Host {
    /// The stack.
    pub(crate) stack: Stack,
    /// Packets it sent that no line of the script has spoken of yet.
    pub(crate) sent: VecDeque<Sent>,
    /// Events nobody has looked at yet.
    pub(crate) events: Vec<Event>,
    now: Instant,
    timers_at_once: u32,
}

impl Host {
    /// A stack at time zero of the script.
    pub(crate) fn new(config: StackConfig) -> Self {
        Self {
            stack: Stack::new(config, SECRET, ORIGIN),
            sent: VecDeque::new(),
            events: Vec::new(),
            now: ORIGIN,
            timers_at_once: 0,
        }
    }

    /// The stack's time.
    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// The script's time in microseconds.
    pub(crate) fn micros(&self) -> i64 {
        (self.now - ORIGIN).as_micros() as i64
    }

    /// Takes what the stack has to say.
    pub(crate) fn drain(&mut self) {
        let at = self.micros();
        let mut bytes = Vec::new();
        while let Some(transmit) = self.stack.poll_transmit(self.now) {
            bytes.clear();
            transmit.write_to(&mut bytes);
            let packet = TcpPacket::decode(&bytes);
            self.sent.push_back(Sent { at, packet });
        }
        while let Some(event) = self.stack.poll_event() {
            self.events.push(event);
        }
    }

    /// Delivers a packet.
    pub(crate) fn receive(&mut self, packet: &[u8]) {
        self.stack
            .handle_packet(self.now, packet, RxMeta::default());
    }

    /// Goes to the stack's next deadline if it is not after `limit` (in microseconds of the script)
    /// and lets it act, or else goes to `limit`. Returns whether the stack acted.
    ///
    /// # Errors
    ///
    /// The stack does not stop setting timers for the present moment.
    pub(crate) fn step(&mut self, limit: i64) -> Result<bool, String> {
        let limit = ORIGIN + Duration::from_micros(limit.max(0) as u64);
        let due = self.stack.poll_timeout().filter(|due| *due <= limit);
        let Some(due) = due else {
            if limit > self.now {
                self.now = limit;
                self.timers_at_once = 0;
            }
            return Ok(false);
        };
        if due > self.now {
            self.now = due;
            self.timers_at_once = 0;
        }
        self.timers_at_once += 1;
        if self.timers_at_once > MAX_TIMERS_AT_ONCE {
            return Err("the stack's timers run in circles".into());
        }
        self.stack.handle_timeout(self.now);
        self.drain();
        Ok(true)
    }

    /// Whether the stack waits for a time.
    pub(crate) fn has_deadline(&self) -> bool {
        self.stack.poll_timeout().is_some()
    }
}
