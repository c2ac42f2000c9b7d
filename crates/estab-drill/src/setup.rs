//! Where and how a script runs: the variant, and the options at its head.

use std::fmt;
use std::net::IpAddr;

use estab_proto::IpCidr;
use estab_proto::config::{IsnPolicy, StackConfig, TcpConfig};

use crate::ast::Script;
use crate::kernel::Place;
use crate::settings::{Settings, unpaced};

/// The addresses with which a script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// IPv4 through IPv6 sockets and their mapped addresses.
    Ipv4Mapped,
}

impl Variant {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ipv4, Self::Ipv6, Self::Ipv4Mapped];

    /// The variant that packetdrill's `--ip_version` names.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|variant| variant.to_string() == name)
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Ipv4Mapped => "ipv4-mapped-ipv6",
        })
    }
}

/// Options of packetdrill that are about its own machinery.
const IGNORED: [&str; 10] = [
    "gateway_ip",
    "netmask_ip",
    "init_scripts",
    "speed",
    "verbose",
    "code_command",
    "code_format",
    "code_sockopt",
    "persistent_tun_dev",
    "send_omit_free",
];

/// How a script runs.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// Addresses and ports.
    pub(crate) place: Place,
    /// How far times may be off, in microseconds.
    pub(crate) tolerance: i64,
    /// Microseconds of a tick of timestamps; 0 leaves their values alone.
    pub(crate) timestamp_tick: i64,
    /// Whether segments of one instant must be cut as the script has them.
    pub(crate) strict_segments: bool,
    /// How much longer packets may be than with IPv4 addresses, for the same MSS.
    pub(crate) extra_header: u32,
    mtu: u32,
    isn: IsnPolicy,
}

impl Setup {
    /// What `script` says, on top of the defaults of `variant`.
    ///
    /// # Errors
    ///
    /// An option that is not known or not understood.
    pub(crate) fn new(
        script: &Script,
        variant: Variant,
        settings: &mut Settings,
    ) -> Result<Self, String> {
        let is_v6 = variant == Variant::Ipv6;
        let extra_header = if is_v6 { 20 } else { 0 };
        let (local, remote) = match is_v6 {
            true => ("fd3d:a0b:17d6::1", "fd3d:fa7b:d17d::1"),
            false => ("192.168.0.1", "192.0.2.1"),
        };
        let addr = |text: &str| {
            text.parse::<IpAddr>()
                .map_err(|_| format!("'{text}' is no address"))
        };
        let mut setup = Self {
            place: Place {
                local: addr(local)?,
                local_port: 8080,
                remote: addr(remote)?,
                remote_port: 8080,
            },
            tolerance: 4_000,
            timestamp_tick: 0,
            strict_segments: false,
            extra_header,
            mtu: 1500 + extra_header,
            isn: IsnPolicy::Keyed,
        };
        for (name, value) in &script.options {
            setup.option(name, value, settings)?;
        }
        Ok(setup)
    }

    fn option(&mut self, name: &str, value: &str, settings: &mut Settings) -> Result<(), String> {
        match name {
            "tolerance_usecs" => self.tolerance = number(value)?,
            "tcp_ts_tick_usecs" => self.timestamp_tick = number(value)?,
            "strict_segments" => self.strict_segments = true,
            "mtu" => self.mtu = number(value)?,
            "mss" => self.mtu = number::<u16>(value).map(u32::from)? + 40 + self.extra_header,
            "local_ip" => replace(&mut self.place.local, value)?,
            "remote_ip" => replace(&mut self.place.remote, value)?,
            "bind_port" => self.place.local_port = number(value)?,
            "connect_port" => self.place.remote_port = number(value)?,
            // Our own: where sequence numbers start, and the profile of the letter of the RFCs.
            "local_isn" => self.isn = IsnPolicy::Fixed(number(value)?),
            "profile" if value == "rfc" => settings.tcp = unpaced(TcpConfig::rfc_strict()),
            "ip_version" => {}
            _ if IGNORED.contains(&name) => {}
            _ => return Err(format!("option --{name}={value} is not supported")),
        }
        Ok(())
    }

    /// The configuration of the stack.
    pub(crate) fn stack(&self, settings: &Settings) -> StackConfig {
        StackConfig {
            addrs: vec![IpCidr::new(
                self.place.local,
                if self.place.local.is_ipv4() { 24 } else { 64 },
            )],
            mtu: self.mtu,
            isn: self.isn,
            limits: settings.limits.clone(),
            tcp: settings.tcp.clone(),
            ..StackConfig::default()
        }
    }
}

/// The only variant that `script` is for, if it names one.
pub(crate) fn only_variant(script: &Script) -> Result<Option<Variant>, String> {
    match script.options.iter().find(|(name, _)| name == "ip_version") {
        None => Ok(None),
        Some((_, value)) => match Variant::from_name(value) {
            Some(variant) => Ok(Some(variant)),
            None => Err(format!("--ip_version={value} is not known")),
        },
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("'{text}' is no number here"))
}

/// Takes an address that is of the variant's family; the others are for other variants.
fn replace(to: &mut IpAddr, text: &str) -> Result<(), String> {
    let addr: IpAddr = text
        .parse()
        .map_err(|_| format!("'{text}' is no address"))?;
    if addr.to_canonical().is_ipv4() == to.is_ipv4() {
        *to = addr.to_canonical();
    }
    Ok(())
}
