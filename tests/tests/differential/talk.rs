//! The conversation of one probe: turns actions into packets, and packets into words in which
//! two hosts can be compared.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddrV4};

use crate::packet::{ICMP, Ip, TCP, Tcp, icmp, ipv6, pattern};
use crate::script::{hex, number};
use crate::target::{Ends, HOST, Net, six};
use crate::view;

/// Where acknowledgement numbers count from while the host has not sent a SYN.
const UNKNOWN_ISS: u32 = 0x3000_0000;

/// The peer's first timestamp.
const TIMESTAMP: u32 = 0x4000_0000;

/// The router that sends ICMP errors.
const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 77, 254, 254);

/// The host's port of the first probe.
pub(crate) const FIRST_PORT: u16 = 10_000;

/// One probe's conversation with one host.
pub(crate) struct Talk {
    net: Net,
    /// Which probe.
    pub(crate) probe: usize,
    /// The two ends.
    pub(crate) ends: Ends,
    /// The peer's initial sequence number.
    pub(crate) peer_iss: u32,
    host_iss: Option<u32>,
    /// Timestamps were offered: each segment carries one.
    timestamps: bool,
    /// The timestamp of segments that name none: the last one named.
    tsval: u32,
    host_tsval: u32,
    /// The end of what the host sent, counted from its SYN.
    sent: u32,
    idents: u16,
    /// How many bytes the host's application wrote.
    pub(crate) written: u32,
}

impl Talk {
    /// Nothing said yet. Every other probe wraps its sequence numbers soon.
    pub(crate) fn new(net: Net, probe: usize) -> Self {
        let number = probe as u16;
        let [high, low] = (number + 256).to_be_bytes();
        Self {
            net,
            probe,
            ends: Ends {
                host: SocketAddrV4::new(HOST, FIRST_PORT + number),
                peer: SocketAddrV4::new(Ipv4Addr::new(10, 77, high, low), 30_000 + number),
            },
            peer_iss: if probe.is_multiple_of(2) {
                1_000_000
            } else {
                u32::MAX - 5
            },
            host_iss: None,
            timestamps: false,
            tsval: 0,
            written: 0,
            host_tsval: 0,
            sent: 0,
            idents: number << 4,
        }
    }

    fn host_base(&self) -> u32 {
        self.host_iss.unwrap_or(UNKNOWN_ISS)
    }

    /// The packets of an action that is not a call.
    pub(crate) fn packets(&mut self, words: &[&str]) -> Vec<Vec<u8>> {
        let (protocol, payload) = match words[0] {
            "icmp" => (ICMP, self.icmp_error(words)),
            "echo" => (
                ICMP,
                icmp(8, 0, (self.probe as u32) << 16 | 1, &data(words)),
            ),
            "query" => {
                let kind = words[1].parse().expect("a type");
                (ICMP, icmp(kind, 0, (self.probe as u32) << 16 | 1, &[0; 12]))
            }
            "udp" => (17, self.udp()),
            "proto" => (words[1].parse().expect("a protocol"), self.udp()),
            _ => (TCP, self.segment(words)),
        };
        let src = match words[0] {
            "icmp" => ROUTER,
            _ => *self.ends.peer.ip(),
        };
        if self.net == Net::V6 {
            let (src, dst) = (addr(words, "src:", src), addr(words, "dst:", HOST));
            let hops = number(words, "ttl").unwrap_or(64) as u8;
            return vec![ipv6(six(src), six(dst), protocol, hops, &payload)];
        }
        self.idents += 1;
        let ip = Ip {
            ident: self.idents,
            options: hex(words, "ipopt:").unwrap_or_default(),
            ttl: number(words, "ttl").unwrap_or(64) as u8,
            version: number(words, "ver").unwrap_or(4) as u8,
            ihl: number(words, "ihl").map(|ihl| ihl as u8),
            total: number(words, "tot").unwrap_or(0) as i32,
            bad_sum: words.contains(&"ipsum"),
            ..Ip::new(
                addr(words, "src:", src),
                addr(words, "dst:", HOST),
                protocol,
            )
        };
        fragments(&ip, words, &payload)
    }

    fn segment(&mut self, words: &[&str]) -> Vec<u8> {
        let bits = |flag| match flag {
            'F' => 1,
            'S' => 2,
            'R' => 4,
            'P' => 8,
            'A' => 16,
            'U' => 32,
            'E' => 64,
            'C' => 128,
            _ => 0,
        };
        let seq: i64 = words[1].parse().unwrap_or_else(|_| panic!("{words:?}"));
        let port = number(words, "port").map_or(self.ends.peer.port(), |port| port as u16);
        let mut text = data(words);
        if !text.is_empty() {
            text = pattern((seq - 1) as u32, text.len());
        }
        if let Some(len) = number(words, "x") {
            text = vec![b'x'; len as usize];
        }
        let tcp = Tcp {
            ports: (port, self.ends.host.port()),
            seq: self.peer_iss.wrapping_add(seq as u32),
            ack: number(words, "a").map_or(0, |ack| self.host_base().wrapping_add(ack as u32)),
            flags: words[0].chars().map(bits).sum(),
            wnd: number(words, "w").unwrap_or(0xffff) as u16,
            up: number(words, "u").unwrap_or(0) as u16,
            options: self.options(words),
            data_offset: number(words, "off").map(|words| words as u8),
            text,
            bad_sum: words.contains(&"badsum"),
        };
        tcp.bytes(
            self.net.addr(addr(words, "src:", *self.ends.peer.ip())),
            self.net.addr(addr(words, "dst:", HOST)),
        )
    }

    fn options(&mut self, words: &[&str]) -> Vec<u8> {
        let mut options = Vec::new();
        if let Some(mss) = number(words, "mss") {
            options.extend([2, 4]);
            options.extend((mss as u16).to_be_bytes());
        }
        if let Some(shift) = number(words, "ws") {
            options.extend([1, 3, 3, shift as u8]);
        }
        if words.contains(&"sok") {
            options.extend([1, 1, 4, 2]);
        }
        if let Some(val) = number(words, "ts") {
            self.tsval = val as u32;
            self.timestamps |= words[0].contains('S');
        }
        if self.timestamps && !words.contains(&"nots") {
            let val = TIMESTAMP.wrapping_add(self.tsval);
            let ecr = number(words, "ecr").unwrap_or(0) as u32;
            let ecr = if words[0].contains('A') {
                self.host_tsval.wrapping_add(ecr)
            } else {
                0
            };
            options.extend([1, 1, 8, 10]);
            options.extend(val.to_be_bytes());
            options.extend(ecr.to_be_bytes());
        }
        let blocks: Vec<_> = words
            .iter()
            .filter_map(|word| word.strip_prefix("sb"))
            .collect();
        if !blocks.is_empty() {
            options.extend([1, 1, 5, 2 + 8 * blocks.len() as u8]);
        }
        for edge in blocks.iter().flat_map(|block| block.split('-')) {
            let edge: u32 = edge.parse().expect("a SACK block");
            options.extend(self.host_base().wrapping_add(edge).to_be_bytes());
        }
        options.extend(hex(words, "opt:").unwrap_or_default());
        options
    }

    /// An error about a segment of the host's, of which it quotes the first eight bytes.
    fn icmp_error(&self, words: &[&str]) -> Vec<u8> {
        let number_at = |at: usize| words[at].parse().unwrap_or_else(|_| panic!("{words:?}"));
        let seq = number(words, "q").unwrap_or(0) as u32;
        let port = number(words, "port").map_or(self.ends.peer.port(), |port| port as u16);
        let mut quoted = Vec::new();
        quoted.extend(self.ends.host.port().to_be_bytes());
        quoted.extend(port.to_be_bytes());
        quoted.extend(self.host_base().wrapping_add(seq).to_be_bytes());
        let about = Ip {
            total: 12,
            ..Ip::new(HOST, *self.ends.peer.ip(), TCP)
        };
        let word = number(words, "word").unwrap_or(0) as u32;
        icmp(
            number_at(1),
            number_at(2),
            word,
            &about.packet(0, false, &quoted),
        )
    }

    fn udp(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(self.ends.peer.port().to_be_bytes());
        bytes.extend(self.ends.host.port().to_be_bytes());
        bytes.extend([0, 12, 0, 0, 1, 2, 3, 4]);
        bytes
    }

    /// What the host sent, in words; `None` for what a timer of its own made it send again:
    /// `provoked` tells whether something was sent to it in this step.
    pub(crate) fn hear(&mut self, packet: &view::Packet<'_>, provoked: bool) -> Option<String> {
        let view::Body::Tcp(tcp) = &packet.body else {
            return Some(packet.to_string());
        };
        let syn = tcp.flags & 2 != 0;
        if syn && self.host_iss.is_none_or(|iss| iss != tcp.seq) {
            self.host_iss = Some(tcp.seq);
            self.sent = 0;
        }
        let seq = tcp.seq.wrapping_sub(self.host_base());
        let end = seq.wrapping_add(tcp.len());
        let reset = tcp.flags & 4 != 0;
        let known = self.host_iss.is_some() && !reset && tcp.len() > 0;
        let again = known && end.wrapping_sub(self.sent) as i32 <= 0;
        // A probe of a closed window, or of an idle connection, is one below as well.
        let probe = !reset && tcp.len() == 0 && seq.wrapping_add(1) == self.sent;
        if probe || again && (!syn || !provoked) {
            return None;
        }
        if known && !again {
            self.sent = end;
        }
        if let Some((val, _)) = tcp.timestamps {
            self.host_tsval = val;
        }
        let mut line = packet.to_string();
        let shown = if tcp.seq == 0 {
            "zero".into()
        } else {
            (seq as i32).to_string()
        };
        // Only at the end of what was written does everybody push.
        let mut letters = tcp.letters();
        if !tcp.text.is_empty() && end != self.written.wrapping_add(1) {
            letters.retain(|letter| letter != 'P');
        }
        let _ = write!(line, "{letters} {shown}");
        if tcp.flags & 16 != 0 {
            let _ = write!(line, " a{}", tcp.ack.wrapping_sub(self.peer_iss) as i32);
        }
        line += if tcp.wnd == 0 { " w0" } else { " w" };
        if tcp.flags & 32 != 0 {
            let _ = write!(line, " u{}", tcp.up);
        }
        if !tcp.text.is_empty() {
            let right = pattern(seq.wrapping_sub(1), tcp.text.len()) == tcp.text;
            let _ = write!(line, " d{}{}", tcp.text.len(), if right { "" } else { "!" });
        }
        line += &tcp.options(self.peer_iss, TIMESTAMP);
        Some(line)
    }
}

/// As many bytes as the words say.
fn data(words: &[&str]) -> Vec<u8> {
    pattern(0, number(words, "d").unwrap_or(0) as usize)
}

fn addr(words: &[&str], prefix: &str, usual: Ipv4Addr) -> Ipv4Addr {
    match words.iter().find_map(|word| word.strip_prefix(prefix)) {
        None => usual,
        Some("host") => HOST,
        Some("loop") => Ipv4Addr::LOCALHOST,
        Some("zero") => Ipv4Addr::UNSPECIFIED,
        Some("bcast") => Ipv4Addr::BROADCAST,
        Some("subnet") => Ipv4Addr::new(10, 77, 255, 255),
        Some("net") => Ipv4Addr::new(10, 77, 0, 0),
        Some("mcast") => Ipv4Addr::new(224, 0, 0, 1),
        Some("classe") => Ipv4Addr::new(240, 0, 0, 1),
        Some("away") => Ipv4Addr::new(192, 0, 2, 1),
        Some(other) => panic!("no address {other}"),
    }
}

fn fragments(ip: &Ip, words: &[&str], payload: &[u8]) -> Vec<Vec<u8>> {
    let Some(ranges) = words.iter().find_map(|word| word.strip_prefix("frag:")) else {
        return vec![ip.packet(0, false, payload)];
    };
    let fragment = |range: &str| {
        let (plain, other) = range
            .strip_suffix('x')
            .map_or((range, 0), |range| (range, 0x55));
        let (from, to) = plain.split_once('-').expect("a range");
        let (from, to): (usize, usize) =
            (from.parse().expect("a byte"), to.parse().expect("a byte"));
        let byte = |at: usize| payload.get(at).unwrap_or(&0) ^ other;
        let bytes: Vec<_> = (from..to).map(byte).collect();
        ip.packet(from, to < payload.len(), &bytes)
    };
    ranges.split('+').map(fragment).collect()
}
