//! Runs the events of a script one after another, in virtual time.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::ast::{Action, Body, Call, CallResult, Event, Icmp, Packet, Script, Tcp, Time, flag};
use crate::expr::Interpreter;
use crate::flow::Flow;
use crate::host::{Host, Sent};
use crate::info::TcpInfo;
use crate::kernel::{Kernel, Ongoing, Outcome};
use crate::matcher::{Rules, differences};
use crate::pattern;
use crate::report::Failure;
use crate::settings::{Effect, Settings};
use crate::setup::{Setup, Variant};
use crate::wire::{TcpPacket, encode_error};

/// The peer's port of the first connection that it opens; later ones count up.
const FIRST_REMOTE_PORT: u16 = 40_000;

/// A call that has not returned yet.
struct Pending<'s> {
    line: u32,
    call: &'s Call,
    /// When it shall return, in microseconds.
    end: i64,
    ongoing: Ongoing,
}

/// A script in the course of being run.
struct Runner<'s> {
    setup: Setup,
    settings: Settings,
    host: Host,
    kernel: Kernel,
    flows: BTreeMap<String, Flow>,
    next_port: u16,
    interpreter: Interpreter,
    pending: Vec<Pending<'s>>,
    /// The script's time of the event before, in microseconds.
    base: i64,
    /// The line at hand.
    line: u32,
}

type Step = Result<(), Box<Failure>>;

/// Runs `script`; returns what its assertion blocks printed.
pub(crate) fn run(script: &Script, variant: Variant) -> Result<Vec<String>, Box<Failure>> {
    let at_head = |message| Failure::new(1, message);
    let mut settings = Settings::default();
    let setup = Setup::new(script, variant, &mut settings).map_err(at_head)?;
    let mut events = script.events.as_slice();
    let mut base = 0;
    while let Some((event, rest)) = events.split_first()
        && let Action::Command(text) = &event.action
        && matches!(event.time, Time::Any)
    {
        let effect = settings
            .command(text)
            .map_err(|message| Failure::new(event.line, message))?;
        if let Effect::Sleep(time) = effect {
            base += time.as_micros() as i64;
        }
        events = rest;
    }
    settings.is_running = true;
    let mut runner = Runner {
        host: Host::new(setup.stack(&settings)),
        kernel: Kernel::new(setup.place),
        flows: BTreeMap::new(),
        next_port: FIRST_REMOTE_PORT,
        interpreter: Interpreter::default(),
        pending: Vec::new(),
        base,
        line: 1,
        setup,
        settings,
    };
    for (at, event) in events.iter().enumerate() {
        runner.line = event.line;
        runner.event(event, &events[at + 1..])?;
    }
    runner.finish()?;
    Ok(runner.interpreter.printed)
}

impl<'s> Runner<'s> {
    fn fail<T>(&self, message: impl Into<String>) -> Result<T, Box<Failure>> {
        Err(Failure::new(self.line, message.into()))
    }

    fn event(&mut self, event: &'s Event, later: &[Event]) -> Step {
        let (from, until) = match event.time {
            Time::At(at) => (at, at),
            Time::After(at) => (self.base + at, self.base + at),
            Time::AtBetween(from, until) => (from, until),
            Time::AfterBetween(from, until) => (self.base + from, self.base + until),
            Time::Any => (self.host.micros(), i64::MAX / 4),
        };
        if let Action::Outbound(packet) = &event.action {
            let at = self.expect(packet, from, until)?;
            // A moment that was left open is the one at which it happened.
            self.base = if from == until { from } else { at };
            return Ok(());
        }
        self.advance(from)?;
        self.forbid_unexpected(later)?;
        self.base = from;
        match &event.action {
            Action::Inbound(packet) => self.receive(packet)?,
            Action::Call(call) => self.call(call, event.time)?,
            Action::Command(text) => match self.settings.command(text) {
                Ok(Effect::None) => {}
                Ok(Effect::Sleep(time)) => {
                    self.base += time.as_micros() as i64;
                    self.advance(self.base)?;
                }
                Err(message) => return self.fail(message),
            },
            Action::Code(code) => {
                let names = TcpInfo {
                    info: self.kernel.info(&self.host),
                    now: self.host.now(),
                };
                if let Err((line, message)) = self.interpreter.run(code, &names) {
                    return Err(Failure::new(event.line + line, message));
                }
            }
            Action::Outbound(_) => {}
        }
        self.settle()
    }

    /// Lets the stack, and calls that wait, do what there is to do at this moment.
    fn settle(&mut self) -> Step {
        loop {
            self.host.drain();
            let events = std::mem::take(&mut self.host.events);
            events
                .into_iter()
                .for_each(|event| self.kernel.on_event(event));
            let before = self.pending.len();
            let mut waiting = Vec::new();
            for mut pending in std::mem::take(&mut self.pending) {
                let outcome = self.attempt(pending.line, pending.call, &mut pending.ongoing)?;
                if outcome == Outcome::Blocks {
                    waiting.push(pending);
                } else {
                    self.returned(&pending, outcome)?;
                }
            }
            self.pending = waiting;
            if self.pending.len() == before {
                self.host.drain();
                return Ok(());
            }
        }
    }

    /// Lets time pass until `until`.
    fn advance(&mut self, until: i64) -> Step {
        self.settle()?;
        while self.step(until)? {}
        Ok(())
    }

    /// Goes to the next moment up to `until` at which something may happen; false if it is there.
    fn step(&mut self, until: i64) -> Result<bool, Box<Failure>> {
        let timeouts = self.pending.iter();
        let wake = timeouts
            .filter_map(|pending| Kernel::timeout(pending.call, &pending.ongoing))
            .filter(|wake| *wake > self.host.micros())
            .min();
        let limit = wake.map_or(until, |wake| wake.min(until));
        let acted = match self.host.step(limit) {
            Ok(acted) => acted,
            Err(message) => return self.fail(message),
        };
        self.settle()?;
        Ok(acted || limit < until)
    }

    /// Fails if a packet went out so long ago that no later line can mean it.
    fn forbid_unexpected(&self, later: &[Event]) -> Step {
        let next = later
            .iter()
            .find(|event| matches!(event.action, Action::Outbound(_)));
        if next.is_some_and(|event| event.time == Time::Any) {
            return Ok(());
        }
        let limit = self.host.micros() - self.setup.tolerance;
        match self.host.sent.iter().find(|sent| sent.at < limit) {
            Some(sent) => self.unexpected(sent, "a packet that no line expects"),
            None => Ok(()),
        }
    }

    fn unexpected(&self, sent: &Sent, message: &str) -> Step {
        let mut failure = Failure::new(self.line, message.into());
        failure.actual = Some((sent.at, self.describe(sent)));
        Err(failure)
    }

    fn describe(&self, sent: &Sent) -> String {
        match &sent.packet {
            Ok(packet) => match self.flows.values().find(|flow| flow.has_sent(packet)) {
                Some(flow) => plain(flow.written(packet)).to_string(),
                None => {
                    let flow = Flow::new(packet.src, packet.dst);
                    let ends = format!("{} > {}: ", packet.src, packet.dst);
                    ends + &plain(flow.written(packet)).to_string()
                }
            },
            Err(error) => error.clone(),
        }
    }

    fn finish(&mut self) -> Step {
        self.settle()?;
        if let Some(sent) = self.host.sent.front() {
            self.unexpected(sent, "a packet after the last line")?;
        }
        if let Some(pending) = self.pending.first() {
            let message = format!("{} still blocks at the end", pending.call.name);
            return Err(Failure::new(pending.line, message));
        }
        Ok(())
    }
}

/// Packets.
impl Runner<'_> {
    fn new_flow(&mut self, local_port: u16) -> Flow {
        let port = self.next_port;
        self.next_port += 1;
        Flow::new(
            SocketAddr::new(self.setup.place.local, local_port),
            SocketAddr::new(self.setup.place.remote, port),
        )
    }

    fn receive(&mut self, packet: &Packet) -> Step {
        let name = packet.flow.clone().unwrap_or_default();
        let pure_syn = match &packet.body {
            Body::Tcp(tcp) => tcp.flags & (flag::SYN | flag::ACK | flag::RST) == flag::SYN,
            Body::Icmp(_) => false,
        };
        if let Some(flow) = self.flows.get(&name) {
            // A connection whose descriptor was closed is done with: a SYN begins another.
            let ends = (flow.local, flow.remote);
            let is_closed = self
                .kernel
                .closed
                .iter()
                .any(|t| (t.local, t.remote) == ends);
            if pure_syn && packet.flow.is_none() && is_closed {
                self.flows.remove(&name);
            }
        }
        if !self.flows.contains_key(&name) {
            let flow = self.new_flow(self.setup.place.local_port);
            self.flows.insert(name.clone(), flow);
        }
        let Some(flow) = self.flows.get_mut(&name) else {
            return Ok(());
        };
        let bytes = match &packet.body {
            Body::Tcp(tcp) => flow.inbound(packet, tcp).encode(),
            Body::Icmp(icmp) => match error_packet(&self.setup, flow, icmp) {
                Some(bytes) => bytes,
                None => return self.fail("this family has no such ICMP error"),
            },
        };
        self.host.receive(&bytes);
        Ok(())
    }

    /// Waits for a packet until `until`, and compares it; returns when it was sent.
    fn expect(&mut self, expected: &Packet, from: i64, until: i64) -> Result<i64, Box<Failure>> {
        self.settle()?;
        let Body::Tcp(tcp) = &expected.body else {
            return self.fail("only segments can be expected");
        };
        let limit = until.saturating_add(self.setup.tolerance);
        while self.host.sent.is_empty() && self.host.micros() < limit {
            let endless = until > i64::MAX / 8;
            if endless && !self.host.has_deadline() || !self.step(limit)? {
                break;
            }
        }
        let name = expected.flow.clone().unwrap_or_default();
        let flow = self.flows.get(&name);
        let position = self.host.sent.iter().position(|sent| {
            let packet = sent.packet.as_ref().ok();
            packet
                .zip(flow)
                .is_some_and(|(packet, flow)| flow.has_sent(packet))
        });
        let Some(sent) = self.host.sent.remove(position.unwrap_or(0)) else {
            let mut failure = Failure::new(self.line, "no packet was sent".into());
            failure.expected = Some((from, expected.to_string()));
            return Err(failure);
        };
        let at = sent.at;
        let actual = match &sent.packet {
            Ok(packet) => packet.clone(),
            Err(error) => return self.fail(format!("the stack sent {error}")),
        };
        let actual = self.aggregate(actual, at, tcp);
        self.compare(&name, expected, tcp, actual, (at, from, until))?;
        Ok(at)
    }

    /// Joins to `packet` what was sent at the same instant and goes on from it, as far as the
    /// script expects one segment in its place: a stack with segmentation offload sends it so.
    fn aggregate(&mut self, mut packet: TcpPacket, at: i64, expected: &Tcp) -> TcpPacket {
        const MAY_DIFFER: u16 = flag::PSH | flag::FIN;
        let may_join = !self.setup.strict_segments && !packet.payload.is_empty();
        while may_join && (packet.payload.len() as u32) < expected.len {
            let end = packet.seq.wrapping_add(packet.payload.len() as u32);
            let continues = |sent: &Sent| {
                sent.at == at
                    && sent.packet.as_ref().is_ok_and(|next| {
                        (next.src, next.dst, next.seq) == (packet.src, packet.dst, end)
                            && next.ack == packet.ack
                            && next.options == packet.options
                            && (next.flags ^ packet.flags) & !MAY_DIFFER == 0
                            && !next.payload.is_empty()
                    })
            };
            let Some(position) = self.host.sent.iter().position(continues) else {
                break;
            };
            if let Some(Sent {
                packet: Ok(next), ..
            }) = self.host.sent.remove(position)
            {
                packet.flags |= next.flags & MAY_DIFFER;
                packet.window = next.window;
                packet.payload.extend(next.payload);
            }
        }
        packet
    }

    fn compare(
        &mut self,
        name: &str,
        expected: &Packet,
        tcp: &Tcp,
        actual: TcpPacket,
        (at, from, until): (i64, i64, i64),
    ) -> Step {
        let Some(flow) = self
            .flows
            .get_mut(name)
            .filter(|flow| flow.has_sent(&actual))
        else {
            let packet = Ok(actual);
            return self.unexpected(&Sent { at, packet }, "a packet of another connection");
        };
        flow.learn(&actual, tcp);
        let flow = &*flow;
        let end = actual.seq.wrapping_add(actual.payload.len() as u32);
        let written = self.kernel.written(flow.local, flow.remote);
        let rules = Rules {
            compare_push: actual.payload.is_empty() || flow.offset(end) == Some(written),
            timestamp_tick: self.setup.timestamp_tick,
            tolerance: self.setup.tolerance,
        };
        let shown = flow.written(&actual);
        let mut found: Vec<String> = differences(expected, &shown, rules)
            .into_iter()
            .map(str::to_owned)
            .collect();
        let tolerance = self.setup.tolerance;
        let is_open_ended = until > i64::MAX / 8;
        if !is_open_ended && (at < from - tolerance || at > until + tolerance) {
            found.push("time".into());
        }
        if let Some(offset) = flow.offset(actual.seq)
            && let Some(byte) = pattern::difference(offset, &actual.payload)
            && actual.flags & flag::SYN == 0
        {
            found.push(format!("byte {byte} of the stream"));
        }
        if found.is_empty() {
            return Ok(());
        }
        let mut failure = Failure::new(self.line, format!("{} differ", found.join(", ")));
        failure.expected = Some((from, expected.to_string()));
        failure.actual = Some((at, as_detailed_as(expected, tcp, shown).to_string()));
        Err(failure)
    }
}

/// An ICMP error about a segment of `flow`. With IPv6's longer header the same MSS is a larger MTU.
fn error_packet(setup: &Setup, flow: &Flow, icmp: &Icmp) -> Option<Vec<u8>> {
    let (seq, len) = icmp.quoted;
    let quoted = flow.quoted(seq, len).encode();
    let header = if setup.place.local.is_ipv4() { 20 } else { 40 };
    let mtu = match icmp.mtu {
        0 => 0,
        mtu => mtu.saturating_add(setup.extra_header),
    };
    let (src, dst) = (setup.place.remote, setup.place.local);
    encode_error(src, dst, icmp.kind, mtu, &quoted[..header + 8])
}

/// A packet without what a reader of a difference seldom wants to know.
fn plain(mut packet: Packet) -> Packet {
    (packet.ecn, packet.tos, packet.ttl) = (None, None, None);
    packet
}

/// The actual packet, told in as much detail as the expected one.
fn as_detailed_as(expected: &Packet, tcp: &Tcp, mut actual: Packet) -> Packet {
    actual.flow.clone_from(&expected.flow);
    actual.ecn = actual.ecn.filter(|_| expected.ecn.is_some());
    actual.tos = actual.tos.filter(|_| expected.tos.is_some());
    actual.ttl = actual.ttl.filter(|_| expected.ttl.is_some());
    if let Body::Tcp(shown) = &mut actual.body {
        shown.window = shown.window.filter(|_| tcp.window.is_some());
    }
    actual
}

/// Calls.
impl<'s> Runner<'s> {
    fn call(&mut self, call: &'s Call, time: Time) -> Step {
        let start = self.base;
        let end = match (call.end, time) {
            (Some(end), Time::After(offset)) => Some(start - offset + end),
            (end, _) => end,
        };
        let mut ongoing = Ongoing::new(start);
        let outcome = self.attempt(self.line, call, &mut ongoing)?;
        if let Some(tuple) = self.kernel.opened.take() {
            self.flows
                .insert(String::new(), Flow::new(tuple.local, tuple.remote));
        }
        let pending = Pending {
            line: self.line,
            call,
            end: end.unwrap_or(start),
            ongoing,
        };
        match (outcome, end) {
            (Outcome::Blocks, None) => self.fail(format!("{} blocks", call.name)),
            (Outcome::Blocks, Some(_)) => {
                self.pending.push(pending);
                Ok(())
            }
            (outcome, _) => self.returned(&pending, outcome),
        }
    }

    fn attempt(
        &mut self,
        line: u32,
        call: &Call,
        ongoing: &mut Ongoing,
    ) -> Result<Outcome, Box<Failure>> {
        self.kernel
            .attempt(&mut self.host, &self.settings, call, ongoing)
            .map_err(|message| Failure::new(line, message))
    }

    /// Compares what a call returned, and when, with what the script says.
    fn returned(&self, pending: &Pending<'_>, outcome: Outcome) -> Step {
        let late = (self.host.micros() - pending.end).abs() > self.setup.tolerance;
        let same = match (&pending.call.result, &outcome) {
            (CallResult::Any, _) => true,
            (CallResult::Value(wanted), Outcome::Value(value)) => wanted == value,
            (CallResult::Value(-1), Outcome::Errno(_)) => true,
            (CallResult::Errno(wanted), Outcome::Errno(errno)) => wanted == errno,
            _ => false,
        };
        if same && !late {
            return Ok(());
        }
        let shown = match outcome {
            Outcome::Value(value) => value.to_string(),
            Outcome::Errno(errno) => format!("-1 {errno}"),
            Outcome::Blocks => "nothing yet".into(),
        };
        let wanted = match &pending.call.result {
            CallResult::Any => "...".into(),
            CallResult::Value(value) => value.to_string(),
            CallResult::Errno(errno) => format!("-1 {errno}"),
        };
        let name = &pending.call.name;
        let what = if same {
            "time differs"
        } else {
            "result differs"
        };
        let mut failure = Failure::new(pending.line, format!("{name}: {what}"));
        failure.expected = Some((pending.end, format!("{name}() = {wanted}")));
        failure.actual = Some((self.host.micros(), format!("{name}() = {shown}")));
        Err(failure)
    }
}
