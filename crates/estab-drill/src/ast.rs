//! What a script says, as data.

/// A whole script.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// The options at its head: name and value of each `--name=value`.
    pub options: Vec<(String, String)>,
    /// Everything that happens, in order.
    pub events: Vec<Event>,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Line of the script, from 1.
    pub line: u32,
    /// When.
    pub time: Time,
    /// What.
    pub action: Action,
}

/// When an event happens or is expected, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// `1.5`: so long after the start of the script.
    At(i64),
    /// `+1.5`: so long after the event before.
    After(i64),
    /// `1.5~1.7`: between these two, from the start.
    AtBetween(i64, i64),
    /// `+0~+.2`: between these two, from the event before.
    AfterBetween(i64, i64),
    /// `*`, or no time at all: whenever.
    Any,
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// `< …`: a packet arrives.
    Inbound(Packet),
    /// `> …`: a packet is expected.
    Outbound(Packet),
    /// A system call, with its result.
    Call(Call),
    /// `` `…` ``: a shell command.
    Command(String),
    /// `%{ … }%`: assertions.
    Code(String),
}

/// A packet as the script writes it: sequence numbers relative to the script's own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Packet {
    /// `@name`: which of several connections; `None` is the one under test.
    pub flow: Option<String>,
    /// The ECN bits, if the script says.
    pub ecn: Option<Ecn>,
    /// The Diffserv field with ECN bits, if the script says.
    pub tos: Option<u8>,
    /// Time to live or hop limit, if the script says.
    pub ttl: Option<u8>,
    /// What is inside.
    pub body: Body,
}

/// The ECN bits of the IP header (RFC 3168 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ecn {
    /// `[noecn]`: not ECN-capable.
    Not,
    /// `[ect0]`.
    Ect0,
    /// `[ect1]`.
    Ect1,
    /// `[ect01]`: either of the two.
    Either,
    /// `[ce]`: congestion experienced.
    Ce,
}

/// What an IP packet carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// A segment.
    Tcp(Tcp),
    /// An ICMP error about a segment.
    Icmp(Icmp),
}

impl Default for Body {
    fn default() -> Self {
        Self::Tcp(Tcp::default())
    }
}

/// A TCP segment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tcp {
    /// The flag bits as in the header, AE (bit 8) included.
    pub flags: u16,
    /// First sequence number.
    pub seq: u32,
    /// Bytes of payload.
    pub len: u32,
    /// Acknowledgement number; 0 without the ACK flag.
    pub ack: u32,
    /// Window field, if the script says.
    pub window: Option<u16>,
    /// Urgent pointer, if the script says.
    pub urgent: Option<u16>,
    /// Options; `None` stands for `<...>`, any.
    pub options: Option<Vec<TcpOption>>,
}

/// The flag bits of a TCP header.
pub mod flag {
    /// No more data from the sender.
    pub const FIN: u16 = 0x001;
    /// Synchronise sequence numbers.
    pub const SYN: u16 = 0x002;
    /// Reset the connection.
    pub const RST: u16 = 0x004;
    /// Push.
    pub const PSH: u16 = 0x008;
    /// The acknowledgement number counts.
    pub const ACK: u16 = 0x010;
    /// The urgent pointer counts.
    pub const URG: u16 = 0x020;
    /// ECN echo.
    pub const ECE: u16 = 0x040;
    /// Congestion window reduced.
    pub const CWR: u16 = 0x080;
    /// Accurate ECN (RFC 9768).
    pub const AE: u16 = 0x100;
}

/// A TCP option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TcpOption {
    /// `eol`.
    Eol,
    /// `nop`.
    Nop,
    /// `mss N`.
    Mss(u16),
    /// `wscale N`.
    Wscale(u8),
    /// `sackOK`.
    SackOk,
    /// `sack A:B …`.
    Sack(Vec<(u32, u32)>),
    /// `TS val N ecr N`; `None` for a value of `...`, any.
    Timestamps(Option<u32>, u32),
    /// `FO HEX`: a fast open cookie, or a request for one (RFC 7413).
    FastOpen(Vec<u8>),
    /// `FOEXP HEX`: the same in the experimental option.
    FastOpenExp(Vec<u8>),
    /// `md5 HEX` (RFC 2385); without a digest any fits.
    Md5(Option<Vec<u8>>),
    /// `ECN e1b N ceb N e0b N`: AccECN counters in the order written (RFC 9768 §3.2.3).
    AccEcn(Vec<(EcnCounter, u32)>),
    /// An option the language has no word for: kind and contents.
    Unknown(u8, Vec<u8>),
}

/// The counters of AccECN's option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EcnCounter {
    /// Bytes with ECT(0).
    E0,
    /// Bytes with ECT(1).
    E1,
    /// Bytes with CE.
    Ce,
}

/// An ICMP error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Icmp {
    /// What it says.
    pub kind: IcmpKind,
    /// The MTU of a packet-too-big.
    pub mtu: u32,
    /// Sequence number and payload length of the segment it quotes.
    pub quoted: (u32, u32),
}

/// What an ICMP error says, in whichever of the two families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpKind {
    /// Network unreachable; in ICMPv6, no route.
    NetUnreachable,
    /// Host unreachable; in ICMPv6, address unreachable.
    HostUnreachable,
    /// Protocol unreachable; in ICMPv6, a next header nobody knows.
    ProtocolUnreachable,
    /// Port unreachable.
    PortUnreachable,
    /// Fragmentation needed; in ICMPv6, packet too big.
    TooBig,
    /// Source route failed; in ICMPv6, source address failed policy.
    SourceRouteFailed,
    /// Administratively prohibited.
    Prohibited,
    /// Time exceeded on the way.
    TimeExceeded,
    /// Parameter problem.
    ParameterProblem,
    /// Source quench, of ICMPv4 only (RFC 6633).
    SourceQuench,
}

/// A system call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// Its arguments.
    pub args: Vec<Arg>,
    /// What it shall return.
    pub result: CallResult,
    /// For a call that blocks, when it shall return, in microseconds: relative as its start is.
    pub end: Option<i64>,
}

/// What a call shall return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallResult {
    /// This value.
    Value(i64),
    /// -1, with this `errno`.
    Errno(String),
    /// `...`: anything.
    Any,
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    /// `...`.
    Any,
    /// A number.
    Number(i64),
    /// A constant by name.
    Name(String),
    /// A text in quotes.
    Text(String),
    /// `A|B`.
    Or(Vec<Arg>),
    /// `[a, b]`.
    List(Vec<Arg>),
    /// `{a=b, c}`: names where there are any.
    Struct(Vec<(Option<String>, Arg)>),
    /// `htons(80)`.
    Function(String, Vec<Arg>),
}
