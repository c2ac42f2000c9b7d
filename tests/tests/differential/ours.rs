//! Our stack as the host under test. It is given the very packets over the same interface of raw
//! IP packets, but in memory and in virtual time, and may be asked for more than streams tell.

use std::collections::HashMap;

use estab_proto::config::StackConfig;
use estab_proto::{
    CallError, ConnId, ConnectionError, FourTuple, Instant, IpCidr, ListenConfig, ListenerId,
    RxMeta, Stack, State,
};

use crate::target::{Ends, HOST, Net, PREFIX, PREFIX_V6, SETTLE, Target};

/// Our stack, with the default settings but for the limits on replies, which all probes share.
pub(crate) struct Ours {
    net: Net,
    stack: Stack,
    now: Instant,
    listeners: HashMap<usize, ListenerId>,
    connections: HashMap<usize, ConnId>,
    sent: Vec<Vec<u8>>,
}

impl Ours {
    /// A fresh stack.
    pub(crate) fn new(net: Net) -> Self {
        let now = Instant::from_secs(1);
        let prefix = match net {
            Net::V4 => PREFIX,
            Net::V6 => PREFIX_V6,
        };
        let mut config = StackConfig {
            addrs: vec![IpCidr::new(net.addr(HOST), prefix)],
            mtu: net.mtu(),
            ..StackConfig::default()
        };
        config.limits.icmp_errors_per_second = 100_000;
        config.limits.resets_per_second = 100_000;
        Self {
            net,
            stack: Stack::new(config, [3; 32], now),
            now,
            listeners: HashMap::new(),
            connections: HashMap::new(),
            sent: Vec::new(),
        }
    }

    fn drain(&mut self) {
        while let Some(transmit) = self.stack.poll_transmit(self.now) {
            let mut packet = Vec::new();
            transmit.write_to(&mut packet);
            self.sent.push(packet);
        }
        while self.stack.poll_event().is_some() {}
    }
}

/// The error in the kernel's words.
fn errno(error: CallError) -> &'static str {
    match error {
        CallError::WouldBlock => "EAGAIN",
        CallError::Closing => "EPIPE",
        CallError::Ended(error) => match error {
            ConnectionError::Refused => "ECONNREFUSED",
            ConnectionError::Reset => "ECONNRESET",
            ConnectionError::Aborted => "ECONNABORTED",
            ConnectionError::TimedOut => "ETIMEDOUT",
            ConnectionError::HostUnreachable => "EHOSTUNREACH",
            ConnectionError::NetworkUnreachable => "ENETUNREACH",
            _ => "EIO",
        },
        _ => "EBADF",
    }
}

impl Target for Ours {
    fn listen(&mut self, probe: usize, ends: Ends) {
        let config = ListenConfig {
            port: Some(ends.host.port()),
            backlog: 16,
            ..ListenConfig::default()
        };
        let id = self.stack.listen(config).expect("a free port");
        self.listeners.insert(probe, id);
    }

    fn connect(&mut self, probe: usize, ends: Ends) {
        let (remote, local) = (self.net.end(ends.peer), self.net.end(ends.host));
        let id = self.stack.connect(self.now, remote, Some(local), None);
        self.connections.insert(probe, id.expect("an open"));
        self.drain();
    }

    fn accept(&mut self, probe: usize) -> bool {
        let accepted = self.stack.accept(self.listeners[&probe]);
        self.drain();
        accepted.is_some_and(|(id, _)| self.connections.insert(probe, id).is_none())
    }

    fn unlisten(&mut self, probe: usize) {
        if let Some(id) = self.listeners.remove(&probe) {
            self.stack.close_listener(self.now, id);
        }
        self.drain();
    }

    fn write(&mut self, probe: usize, bytes: &[u8]) -> String {
        let Some(id) = self.connections.get(&probe) else {
            return "EBADF".into();
        };
        let written = self.stack.send_slice(self.now, *id, bytes);
        self.drain();
        written.map_or_else(|error| errno(error).into(), |n| n.to_string())
    }

    fn read(&mut self, probe: usize) -> (Vec<u8>, String) {
        let mut bytes = Vec::new();
        let Some(id) = self.connections.get(&probe).copied() else {
            return (bytes, "EBADF".into());
        };
        let end = loop {
            let mut buf = [0; 4096];
            match self.stack.recv(self.now, id, &mut buf) {
                Ok(0) => break "end",
                Ok(n) => bytes.extend(&buf[..n]),
                Err(error) => break errno(error),
            }
        };
        self.drain();
        (bytes, end.into())
    }

    fn shutdown(&mut self, probe: usize) -> String {
        let Some(id) = self.connections.get(&probe) else {
            return "EBADF".into();
        };
        let done = self.stack.shutdown(self.now, *id);
        self.drain();
        done.map_or_else(|error| errno(error).into(), |()| "ok".into())
    }

    fn close(&mut self, probe: usize) {
        if let Some(id) = self.connections.remove(&probe) {
            self.stack.close(self.now, id);
        }
        self.drain();
    }

    fn abort(&mut self, probe: usize) {
        if let Some(id) = self.connections.remove(&probe) {
            self.stack.abort(self.now, id);
            self.stack.close(self.now, id);
        }
        self.drain();
    }

    fn inject(&mut self, packet: &[u8]) {
        self.stack
            .handle_packet(self.now, packet, RxMeta::default());
        self.drain();
    }

    fn settle(&mut self) -> Vec<Vec<u8>> {
        self.drain();
        let until = self.now + SETTLE;
        while let Some(due) = self.stack.poll_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.stack.handle_timeout(self.now);
            self.drain();
        }
        self.now = until;
        std::mem::take(&mut self.sent)
    }

    fn states(&mut self, ends: &[Ends]) -> Vec<String> {
        let state = |ends: &Ends| {
            let status = self.stack.status(&FourTuple {
                local: self.net.end(ends.host),
                remote: self.net.end(ends.peer),
            });
            match status {
                State::Listen => State::Closed.to_string(),
                other => other.to_string(),
            }
        };
        ends.iter().map(state).collect()
    }
}
