//! Lets a host go through all probes at once, step by step.

use std::net::Ipv4Addr;

use crate::packet::pattern;
use crate::script::{Action, expand, steps};
use crate::talk::{FIRST_PORT, Talk};
use crate::target::{Ends, Net, Target};
use crate::view::{Body, Packet};

/// A probe: its name and what is done.
pub(crate) type Probe = (&'static str, &'static str);

/// What happened at the host in one probe, a line each; the number of the step comes first.
pub(crate) type Transcript = Vec<String>;

/// Goes through all probes and returns what happened in each.
pub(crate) fn run(target: &mut dyn Target, net: Net, probes: &[Probe]) -> Vec<Transcript> {
    let scripts: Vec<_> = probes.iter().map(|(_, script)| expand(script)).collect();
    let scripts: Vec<_> = scripts.iter().map(|script| steps(script)).collect();
    let mut talks: Vec<_> = (0..probes.len())
        .map(|probe| Talk::new(net, probe))
        .collect();
    let mut told = vec![Transcript::new(); probes.len()];
    for (probe, script) in scripts.iter().enumerate() {
        let first = script[0].first().map_or("", |action| action[0]);
        if !matches!(first, "connect" | "closed") {
            target.listen(probe, talks[probe].ends);
        }
    }
    let longest = scripts.iter().map(Vec::len).max().unwrap_or(0);
    for at in 0..longest {
        let mut provoked = vec![false; probes.len()];
        for (probe, script) in scripts.iter().enumerate() {
            for action in script.get(at).into_iter().flatten() {
                let talk = &mut talks[probe];
                if let Some(done) = call(target, talk, action) {
                    told[probe].extend(done.map(|done| format!("{at}: {done}")));
                    continue;
                }
                provoked[probe] = true;
                for packet in talk.packets(action) {
                    target.inject(&packet);
                }
            }
        }
        for packet in target.settle() {
            let Some(packet) = Packet::parse(&packet) else {
                continue;
            };
            if let Some(probe) =
                probe_of(&packet).filter(|probe| at < scripts.get(*probe).map_or(0, Vec::len))
            {
                let heard = talks[probe].hear(&packet, provoked[probe]);
                told[probe].extend(heard.map(|heard| format!("{at}: > {heard}")));
            }
        }
    }
    conclude(target, &talks, &mut told);
    told
}

/// How each connection stands at the end.
fn conclude(target: &mut dyn Target, talks: &[Talk], told: &mut [Transcript]) {
    let ends: Vec<Ends> = talks.iter().map(|talk| talk.ends).collect();
    for (probe, state) in target.states(&ends).into_iter().enumerate() {
        told[probe].push(format!("end: {state}"));
        let read = read(target, probe);
        told[probe].push(format!("end: {read}"));
    }
}

/// Does what the application is to do; `None` if `action` is not that.
fn call(target: &mut dyn Target, talk: &mut Talk, action: &Action<'_>) -> Option<Option<String>> {
    let probe = talk.probe;
    match action[0] {
        "connect" => target.connect(probe, talk.ends),
        "accept" => {
            let accepted = target.accept(probe);
            return Some(Some(format!("accept {accepted}")));
        }
        "read" => return Some(Some(read(target, probe))),
        "write" => {
            let len = action[1].parse().expect("a length");
            let done = target.write(probe, &pattern(talk.written, len));
            talk.written += done.parse().unwrap_or(0);
            return Some(Some(format!("write {done}")));
        }
        "shut" => {
            let done = target.shutdown(probe);
            return Some(Some(format!("shut {done}")));
        }
        "close" => target.close(probe),
        "abort" => target.abort(probe),
        "unlisten" => target.unlisten(probe),
        "closed" | "wait" => {}
        _ => return None,
    }
    Some(None)
}

fn read(target: &mut dyn Target, probe: usize) -> String {
    let (bytes, end) = target.read(probe);
    let text = match bytes.len() {
        len @ 0..=40 => format!("{len} {}", String::from_utf8_lossy(&bytes)),
        len => format!("{len}"),
    };
    format!("read {text} {end}")
}

/// Whose packet it is: ports and identifiers tell it, and where there are none the address.
fn probe_of(packet: &Packet<'_>) -> Option<usize> {
    match &packet.body {
        Body::Tcp(tcp) => Some(usize::from(tcp.port.checked_sub(FIRST_PORT)?)),
        Body::Icmp(message) if matches!(message[0], 0 | 14 | 16 | 18) => {
            Some(usize::from(message[4]) << 8 | usize::from(message[5]))
        }
        Body::Icmp(_) => {
            let [10, 77, high, low] = Ipv4Addr::octets(&packet.dst) else {
                return None;
            };
            usize::from(u16::from_be_bytes([high, low])).checked_sub(256)
        }
    }
}
