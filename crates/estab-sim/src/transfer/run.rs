//! Two hosts, the path between them, and a clock that jumps to whatever happens next.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use estab_proto::config::StackConfig;
use estab_proto::{CallError, ConnId, Event, IpCidr, ListenConfig, ListenerId, RxMeta, Stack};
use estab_timer::Instant;

use super::trace::{Happening, Recorder};
use super::{Flow, Outcome, Report, Transfer};
use crate::{Path, Pipe};

const SENDER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const RECEIVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

/// The port of the first flow.
const PORT: u16 = 5001;

/// When a transfer starts: not at the origin, so that nothing can take a time of 0 for none.
const START: Instant = Instant::from_secs(1);

/// What is sent, again and again.
static BLOCK: [u8; 64 << 10] = [0x55; 64 << 10];

/// A flow that runs.
struct Running {
    spec: Flow,
    listener: ListenerId,
    sender: Option<ConnId>,
    receiver: Option<ConnId>,
    /// Bytes not yet given to the sender.
    unwritten: u64,
    delivered: u64,
    end: Option<Duration>,
    recorder: Recorder,
}

impl Running {
    fn is_over(&self) -> bool {
        self.end.is_some()
    }
}

pub(super) struct Run {
    now: Instant,
    end: Instant,
    path: Path,
    sender: Stack,
    receiver: Stack,
    flows: Vec<Running>,
    every: Option<Duration>,
    next_sample: Instant,
    queue: Vec<(Duration, u64)>,
    drops: Vec<(Duration, u64)>,
    dropped: u64,
    probes: u64,
}

impl Run {
    pub(super) fn new(transfer: Transfer) -> Self {
        let host = |addr, secret| {
            let config = StackConfig {
                addrs: vec![IpCidr::new(addr, 24)],
                ..StackConfig::default()
            };
            Stack::new(config, [secret; 32], START)
        };
        let mut receiver = host(RECEIVER, 2);
        let flows = (PORT..)
            .zip(transfer.flows)
            .map(|(port, spec)| Running::new(&mut receiver, port, spec))
            .collect();
        Self {
            now: START,
            end: START + transfer.limit,
            path: transfer.path,
            sender: host(SENDER, 1),
            receiver,
            flows,
            every: transfer.every,
            next_sample: if transfer.every.is_some() {
                START
            } else {
                Instant::NEVER
            },
            queue: Vec::new(),
            drops: Vec::new(),
            dropped: 0,
            probes: 0,
        }
    }

    /// Runs to the end.
    pub(super) fn finish(mut self) -> Report {
        while !self.flows.iter().all(Running::is_over) {
            self.now = self.next().max(self.now);
            if self.now > self.end {
                self.now = self.end;
                break;
            }
            self.step();
        }
        self.report()
    }

    /// When something happens next.
    fn next(&self) -> Instant {
        let opens = self
            .flows
            .iter()
            .filter(|flow| flow.sender.is_none())
            .map(|flow| START + flow.spec.start);
        [
            self.path.there.next_deadline(),
            self.path.back.next_deadline(),
            self.sender.poll_timeout(),
            self.receiver.poll_timeout(),
        ]
        .into_iter()
        .flatten()
        .chain(opens)
        .fold(self.next_sample, Instant::min)
    }

    /// Everything that is due now.
    fn step(&mut self) {
        let now = self.now;
        let due = [&self.sender, &self.receiver]
            .map(|stack| stack.poll_timeout().is_some_and(|due| due <= now));
        for index in 0..self.flows.len() {
            self.open(index);
        }
        deliver(now, &mut self.path.there, &mut self.receiver);
        let acknowledged = deliver(now, &mut self.path.back, &mut self.sender);
        for (stack, due) in [&mut self.sender, &mut self.receiver].into_iter().zip(due) {
            if due {
                stack.handle_timeout(now);
            }
        }
        self.drain();
        if self.every.is_some() {
            self.count_drops();
            if acknowledged || due[0] {
                self.look();
            }
        }
        if self.next_sample <= now {
            self.sample();
        }
    }

    /// Opens the flow if it is time.
    fn open(&mut self, index: usize) {
        let flow = &mut self.flows[index];
        if flow.sender.is_none() && START + flow.spec.start <= self.now {
            let port = PORT + index as u16;
            let (local, remote) = (
                SocketAddr::new(SENDER, port),
                SocketAddr::new(RECEIVER, port),
            );
            let tcp = Some(flow.spec.tcp.clone());
            let opened = self.sender.connect(self.now, remote, Some(local), tcp);
            flow.sender = Some(opened.expect("every flow has a port of its own"));
        }
    }

    /// Sends what there is to send, and lets the applications write and read, until nothing moves.
    fn drain(&mut self) {
        let now = self.now;
        loop {
            send(now, &mut self.sender, &mut self.path.there);
            send(now, &mut self.receiver, &mut self.path.back);
            let mut moved = false;
            while let Some(event) = self.sender.poll_event() {
                moved |= self.on_sender(event);
            }
            while let Some(event) = self.receiver.poll_event() {
                moved |= self.on_receiver(event);
            }
            if !moved {
                return;
            }
        }
    }

    /// The sending application answers an event; returns whether it made a call.
    fn on_sender(&mut self, event: Event) -> bool {
        let find = |id| self.flows.iter().position(|flow| flow.sender == Some(id));
        match event {
            Event::Connected(id) | Event::Writable(id) => {
                find(id).is_some_and(|index| self.write(id, index))
            }
            Event::Closed(id, Some(_)) => {
                if let Some(index) = find(id) {
                    self.flows[index].end.get_or_insert(self.now - START);
                }
                false
            }
            _ => false,
        }
    }

    /// Fills the send buffer.
    fn write(&mut self, id: ConnId, index: usize) -> bool {
        let flow = &mut self.flows[index];
        let mut written = false;
        while flow.unwritten > 0 {
            let len = flow.unwritten.min(BLOCK.len() as u64) as usize;
            match self
                .sender
                .send(self.now, id, Bytes::from_static(&BLOCK[..len]))
            {
                Ok(n) => flow.unwritten -= n as u64,
                Err(_) => return written,
            }
            written = true;
        }
        written |= self.sender.shutdown(self.now, id).is_ok();
        written
    }

    /// The receiving application answers an event; returns whether it made a call.
    fn on_receiver(&mut self, event: Event) -> bool {
        match event {
            Event::Listener(listener) => {
                let flow = self.flows.iter_mut().find(|flow| flow.listener == listener);
                let accepted = self.receiver.accept(listener);
                if let (Some(flow), Some((id, _))) = (flow, accepted) {
                    flow.receiver = Some(id);
                    return self.read(id);
                }
                false
            }
            Event::Readable(id) => self.read(id),
            _ => false,
        }
    }

    /// Reads all there is.
    fn read(&mut self, id: ConnId) -> bool {
        let Some(flow) = self.flows.iter_mut().find(|flow| flow.receiver == Some(id)) else {
            return false;
        };
        loop {
            match self.receiver.take_chunk(id) {
                Ok(Some(chunk)) => {
                    self.receiver.consumed(self.now, id, chunk.len());
                    flow.delivered += chunk.len() as u64;
                    if flow.spec.bytes == Some(flow.delivered) {
                        flow.end = Some(self.now - START);
                    }
                }
                Ok(None) | Err(CallError::WouldBlock) => return true,
                Err(_) => return false,
            }
        }
    }

    /// Records what changed of the senders.
    fn look(&mut self) {
        let at = self.now - START;
        let probes = self.sender.stats().tail_loss_probes;
        let probed = probes > std::mem::replace(&mut self.probes, probes);
        for flow in &mut self.flows {
            let info = flow.sender.and_then(|id| self.sender.info(id));
            if let Some(info) = info {
                flow.recorder.look(at, info, probed);
            }
        }
    }

    fn count_drops(&mut self) {
        let dropped = self.path.there.stats().dropped().total();
        if dropped > self.dropped {
            self.drops.push((self.now - START, dropped - self.dropped));
            self.dropped = dropped;
        }
    }

    fn sample(&mut self) {
        let at = self.now - START;
        for flow in &mut self.flows {
            let info = flow.sender.and_then(|id| self.sender.info(id));
            if let Some(info) = info {
                flow.recorder.sample(at, &info, flow.delivered);
            }
        }
        self.queue.push((at, self.path.there.queued_bytes()));
        self.next_sample += self.every.unwrap_or(Duration::MAX);
    }

    fn report(mut self) -> Report {
        let elapsed = self.now - START;
        let sampled = self.queue.last().is_some_and(|(at, _)| *at == elapsed);
        if self.every.is_some() && !sampled {
            self.sample();
        }
        let flows = self
            .flows
            .into_iter()
            .map(|mut flow| {
                let info = flow.sender.and_then(|id| self.sender.info(id));
                let complete = flow.spec.bytes == Some(flow.delivered);
                if let (true, Some(end), Some(info)) = (complete, flow.end, &info) {
                    flow.recorder.note(end, Happening::Completed, 1, info);
                }
                Outcome {
                    start: flow.spec.start,
                    end: flow.end.unwrap_or(elapsed),
                    complete,
                    delivered: flow.delivered,
                    info,
                    samples: flow.recorder.samples,
                    moments: flow.recorder.moments,
                }
            })
            .collect();
        Report {
            flows,
            elapsed,
            queue: self.queue,
            drops: self.drops,
            there: self.path.there.stats().clone(),
            back: self.path.back.stats().clone(),
        }
    }
}

impl Running {
    /// A flow to be opened, and its listener.
    fn new(receiver: &mut Stack, port: u16, spec: Flow) -> Self {
        let listener = receiver.listen(ListenConfig {
            port: Some(port),
            tcp: Some(spec.tcp.clone()),
            ..ListenConfig::default()
        });
        Self {
            listener: listener.expect("every flow has a port of its own"),
            unwritten: spec.bytes.unwrap_or(u64::MAX),
            spec,
            sender: None,
            receiver: None,
            delivered: 0,
            end: None,
            recorder: Recorder::default(),
        }
    }
}

/// Gives a stack the packets that arrive now; returns whether there were any.
fn deliver(now: Instant, pipe: &mut Pipe, to: &mut Stack) -> bool {
    let mut any = false;
    while let Some(packet) = pipe.poll(now) {
        let meta = RxMeta {
            backing: Some(&packet),
            ..RxMeta::default()
        };
        to.handle_packet(now, &packet, meta);
        any = true;
    }
    any
}

/// Puts on the path what a stack has to send.
fn send(now: Instant, from: &mut Stack, pipe: &mut Pipe) {
    while let Some(transmit) = from.poll_transmit(now) {
        let mut packet = Vec::with_capacity(transmit.len());
        transmit.write_to(&mut packet);
        pipe.push(now, Bytes::from(packet));
    }
}
