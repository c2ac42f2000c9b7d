//! Socket options: one table by name.

use estab_proto::config::BufferConfig;
use estab_proto::congestion::Pacing;
use estab_proto::{ConnId, Duration};
use estab_timer::{KeepaliveConfig, UserTimeout};

use crate::ast::Arg;
use crate::host::Host;
use crate::kernel::args::{self, Args};
use crate::kernel::{Attempt, Kernel, Kind, Outcome, Socket, errno, errno_number};
use crate::settings::{self, Settings};

/// Options that change nothing a script could see, but can be read back.
const REMEMBERED: [&str; 12] = [
    "SO_REUSEADDR",
    "SO_REUSEPORT",
    "SO_MARK",
    "SO_PRIORITY",
    "SO_OOBINLINE",
    "SO_BINDTODEVICE",
    "SO_RCVTIMEO",
    "SO_SNDTIMEO",
    "IP_RECVERR",
    "IPV6_RECVERR",
    "IPV6_V6ONLY",
    "SO_BUSY_POLL",
];

impl Kernel {
    pub(super) fn setsockopt(
        &mut self,
        host: &mut Host,
        settings: &Settings,
        args: Args<'_>,
    ) -> Attempt {
        let fd = args.number(0)?;
        let name = args.name(2)?;
        let id = self.connection(fd)?;
        let now = host.now();
        let socket = self.get(fd)?;
        if name == "SO_LINGER" {
            let linger = args.fields(3)?;
            let seconds = linger.number("linger")?;
            let is_on = linger.number("onoff")? != 0;
            socket.tcp.linger = is_on.then_some(Duration::from_secs(seconds.max(0) as u64));
            if let Some(id) = id {
                let _ = host.stack.set_linger(now, id, socket.tcp.linger);
            }
            return Ok(Outcome::Value(0));
        }
        if name == "TCP_CONGESTION" {
            let Arg::Text(algorithm) = args.get(3)? else {
                return Err("TCP_CONGESTION takes a text".into());
            };
            let mut changed = settings.clone();
            changed.command(&format!(
                "sysctl net.ipv4.tcp_congestion_control={algorithm}"
            ))?;
            socket.tcp.congestion = changed.tcp.congestion;
            socket.tcp.pacing = changed.tcp.pacing;
            return before_open(id, name);
        }
        if REMEMBERED.contains(&name) {
            let value = args.number(3).unwrap_or(0);
            socket.remembered.insert(name.into(), value);
            return Ok(Outcome::Value(0));
        }
        let value = args.number(3)?;
        if let Kind::Listener(_) = socket.kind {
            return Err(format!("the stack cannot change {name} of a listener"));
        }
        match id {
            Some(id) => set_open(host, socket, id, name, value),
            None => set_fresh(socket, name, value),
        }
    }

    pub(super) fn getsockopt(&mut self, host: &mut Host, args: Args<'_>) -> Attempt {
        let fd = args.number(0)?;
        let name = args.name(2)?;
        let id = self.connection(fd)?;
        let info = id.and_then(|id| host.stack.info(id));
        let socket = self.get(fd)?;
        let value = match name {
            "SO_ERROR" => socket.error.take().map_or(0, |e| errno_number(errno(e))),
            "SO_KEEPALIVE" => i64::from(socket.has_keepalive),
            "TCP_KEEPIDLE" => socket.keepalive.idle.as_secs() as i64,
            "TCP_KEEPINTVL" => socket.keepalive.interval.as_secs() as i64,
            "TCP_KEEPCNT" => i64::from(socket.keepalive.probes),
            "TCP_NODELAY" => i64::from(match id.and_then(|id| host.stack.nodelay(id)) {
                Some(nodelay) => nodelay,
                None => socket.tcp.nodelay,
            }),
            "TCP_CORK" => i64::from(socket.is_corked),
            "TCP_NOTSENT_LOWAT" => i64::from(socket.tcp.unsent_limit.unwrap_or(0)),
            "TCP_MAXSEG" => match info {
                Some(info) => i64::from(info.snd_mss),
                None => socket.tcp.max_segment.map_or(536, i64::from),
            },
            "IP_MTU" | "IPV6_MTU" => match info {
                Some(info) => i64::from(info.path_mtu),
                None => return Ok(Outcome::Errno("ENOTCONN")),
            },
            "TCP_USER_TIMEOUT" => match socket.tcp.give_up.user_timeout {
                UserTimeout::After(time) => time.as_millis() as i64,
                _ => 0,
            },
            "SO_SNDBUF" => i64::from(socket.tcp.send_buffer.initial) * 2,
            "SO_RCVBUF" => i64::from(socket.tcp.recv_buffer.initial) * 2,
            "IP_TTL" | "IPV6_UNICAST_HOPS" => i64::from(socket.tcp.ttl),
            "IP_TOS" | "IPV6_TCLASS" => i64::from(socket.tcp.tos),
            _ => match socket.remembered.get(name) {
                Some(value) => *value,
                None => return Err(format!("getsockopt {name} is not supported")),
            },
        };
        match args.get(3)? {
            Arg::Any => Ok(Outcome::Value(0)),
            wanted => {
                let wanted = match wanted {
                    Arg::List(list) => match list.first() {
                        Some(Arg::Name(name)) if errno_number(name) != 0 => errno_number(name),
                        _ => args::number(wanted)?,
                    },
                    other => args::number(other)?,
                };
                match wanted == value {
                    true => Ok(Outcome::Value(0)),
                    false => Err(format!("{name} is {value}, not {wanted}")),
                }
            }
        }
    }
}

/// Sets an option that must be set before the connection is opened.
fn before_open(id: Option<ConnId>, name: &str) -> Attempt {
    match id {
        None => Ok(Outcome::Value(0)),
        Some(_) => Err(format!(
            "the stack cannot change {name} of an open connection"
        )),
    }
}

/// Sets an option of a socket not opened yet.
fn set_fresh(socket: &mut Socket, name: &str, value: i64) -> Attempt {
    let bytes = u32::try_from(value).unwrap_or(0);
    let buffer = |bytes| BufferConfig {
        initial: bytes,
        max: bytes,
    };
    match name {
        "SO_SNDBUF" => socket.tcp.send_buffer = buffer(bytes),
        "SO_RCVBUF" => socket.tcp.recv_buffer = buffer(bytes),
        "TCP_MAXSEG" => socket.tcp.max_segment = u16::try_from(value).ok(),
        "TCP_NODELAY" => socket.tcp.nodelay = value != 0,
        "TCP_CORK" => socket.is_corked = value != 0,
        "SO_MAX_PACING_RATE" => {
            socket.tcp.pacing = Pacing::On;
            socket.tcp.max_pacing_rate = u64::try_from(value).ok();
        }
        "TCP_NOTSENT_LOWAT" => socket.tcp.unsent_limit = settings::unsent_limit(value),
        "TCP_SYNCNT" if !(1..=127).contains(&value) => return Ok(Outcome::Errno("EINVAL")),
        "TCP_SYNCNT" => socket.tcp.give_up.r2_syn = settings::syn_time(&socket.tcp, value as u32),
        "IP_TTL" | "IPV6_UNICAST_HOPS" => socket.tcp.ttl = value as u8,
        "IP_TOS" | "IPV6_TCLASS" => socket.tcp.tos = value as u8,
        "TCP_USER_TIMEOUT" => socket.tcp.give_up.user_timeout = user_timeout(value),
        _ => {
            set_keepalive(socket, name, value)?;
            socket.tcp.keepalive = socket.has_keepalive.then_some(socket.keepalive);
        }
    }
    Ok(Outcome::Value(0))
}

/// Sets an option of an open connection.
fn set_open(host: &mut Host, socket: &mut Socket, id: ConnId, name: &str, value: i64) -> Attempt {
    let now = host.now();
    let bytes = u32::try_from(value).unwrap_or(0);
    let stack = &mut host.stack;
    let result = match name {
        "SO_SNDBUF" => stack.set_send_buffer(now, id, bytes),
        "SO_RCVBUF" => stack.set_recv_buffer(now, id, bytes),
        "TCP_NODELAY" => stack.set_nodelay(now, id, value != 0),
        "TCP_CORK" => {
            socket.is_corked = value != 0;
            stack.set_cork(now, id, value != 0)
        }
        "TCP_QUICKACK" => stack.set_quick_ack(now, id, value != 0),
        "TCP_NOTSENT_LOWAT" => {
            socket.tcp.unsent_limit = settings::unsent_limit(value);
            stack.set_unsent_limit(now, id, socket.tcp.unsent_limit)
        }
        "IP_TTL" | "IPV6_UNICAST_HOPS" => {
            socket.tcp.ttl = value as u8;
            stack.set_ttl(now, id, value as u8)
        }
        "IP_TOS" | "IPV6_TCLASS" => {
            socket.tcp.tos = value as u8;
            stack.set_tos(now, id, value as u8)
        }
        "TCP_USER_TIMEOUT" => {
            socket.tcp.give_up.user_timeout = user_timeout(value);
            stack.set_user_timeout(now, id, user_timeout(value))
        }
        "TCP_MAXSEG" | "TCP_SYNCNT" | "SO_MAX_PACING_RATE" => return before_open(Some(id), name),
        _ => {
            set_keepalive(socket, name, value)?;
            stack.set_keepalive(now, id, socket.has_keepalive.then_some(socket.keepalive))
        }
    };
    Ok(match result {
        Ok(()) => Outcome::Value(0),
        Err(_) => Outcome::Errno("EBADF"),
    })
}

fn set_keepalive(socket: &mut Socket, name: &str, value: i64) -> Result<(), String> {
    let KeepaliveConfig {
        idle,
        interval,
        probes,
    } = &mut socket.keepalive;
    let seconds = Duration::from_secs(value.max(0) as u64);
    match name {
        "SO_KEEPALIVE" => socket.has_keepalive = value != 0,
        "TCP_KEEPIDLE" => *idle = seconds,
        "TCP_KEEPINTVL" => *interval = seconds,
        "TCP_KEEPCNT" => *probes = value.max(0) as u32,
        _ => {
            return Err(format!(
                "setsockopt {name} is not supported: the stack has nothing for it"
            ));
        }
    }
    Ok(())
}

fn user_timeout(millis: i64) -> UserTimeout {
    match millis {
        ..=0 => UserTimeout::Default,
        _ => UserTimeout::After(Duration::from_millis(millis as u64)),
    }
}
