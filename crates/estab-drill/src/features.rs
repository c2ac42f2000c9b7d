//! What a script needs that the stack does not have: so that a failure can name it.

use crate::ast::{Action, Body, Script, Tcp, TcpOption};

/// The features of `script` that the stack lacks, by name.
pub(crate) fn lacking(script: &Script) -> Vec<&'static str> {
    let mut found = Vec::new();
    let mut add = |feature| {
        if !found.contains(&feature) {
            found.push(feature);
        }
    };
    for event in &script.events {
        let (Action::Inbound(packet) | Action::Outbound(packet)) = &event.action else {
            continue;
        };
        if let Body::Tcp(tcp) = &packet.body {
            of_segment(tcp).into_iter().for_each(&mut add);
        }
    }
    found
}

fn of_segment(tcp: &Tcp) -> Vec<&'static str> {
    let mut found = Vec::new();
    for option in tcp.options.iter().flatten() {
        match option {
            TcpOption::FastOpen(_) | TcpOption::FastOpenExp(_) => found.push("TCP fast open"),
            TcpOption::Md5(_) => found.push("MD5 signatures"),
            _ => {}
        }
    }
    found
}
