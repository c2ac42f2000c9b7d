//! Arguments of system calls: numbers, the constants that stand for them, structures.

use std::net::{IpAddr, SocketAddr};

use crate::ast::Arg;

/// Linux's constants, as far as calls here take them.
const CONSTANTS: &[(&str, i64)] = &[
    ("AF_UNSPEC", 0),
    ("AF_INET", 2),
    ("AF_INET6", 10),
    ("SOCK_STREAM", 1),
    ("SOCK_DGRAM", 2),
    ("SOCK_NONBLOCK", O_NONBLOCK),
    ("SOCK_CLOEXEC", 0o2_000_000),
    ("IPPROTO_IP", 0),
    ("IPPROTO_TCP", 6),
    ("IPPROTO_UDP", 17),
    ("IPPROTO_MPTCP", 262),
    ("F_GETFL", 3),
    ("F_SETFL", 4),
    ("O_RDONLY", 0),
    ("O_RDWR", O_RDWR),
    ("O_NONBLOCK", O_NONBLOCK),
    ("SHUT_RD", 0),
    ("SHUT_WR", 1),
    ("SHUT_RDWR", 2),
    ("MSG_OOB", MSG_OOB),
    ("MSG_PEEK", MSG_PEEK),
    ("MSG_DONTWAIT", MSG_DONTWAIT),
    ("MSG_WAITALL", MSG_WAITALL),
    ("MSG_NOSIGNAL", MSG_NOSIGNAL),
    ("MSG_MORE", MSG_MORE),
    ("POLLIN", POLLIN),
    ("POLLPRI", 2),
    ("POLLOUT", POLLOUT),
    ("POLLERR", POLLERR),
    ("POLLHUP", POLLHUP),
    ("POLLRDHUP", POLLRDHUP),
    ("EPOLLIN", POLLIN),
    ("EPOLLPRI", 2),
    ("EPOLLOUT", POLLOUT),
    ("EPOLLERR", POLLERR),
    ("EPOLLHUP", POLLHUP),
    ("EPOLLRDHUP", POLLRDHUP),
    ("EPOLLET", EPOLLET),
    ("EPOLLONESHOT", EPOLLONESHOT),
    ("EPOLL_CTL_ADD", 1),
    ("EPOLL_CTL_DEL", 2),
    ("EPOLL_CTL_MOD", 3),
];

pub(super) const O_RDWR: i64 = 2;
pub(super) const O_NONBLOCK: i64 = 0o4000;
pub(super) const MSG_OOB: i64 = 1;
pub(super) const MSG_PEEK: i64 = 2;
pub(super) const MSG_DONTWAIT: i64 = 0x40;
pub(super) const MSG_WAITALL: i64 = 0x100;
pub(super) const MSG_NOSIGNAL: i64 = 0x4000;
pub(super) const MSG_MORE: i64 = 0x8000;
pub(super) const POLLIN: i64 = 1;
pub(super) const POLLOUT: i64 = 4;
pub(super) const POLLERR: i64 = 8;
pub(super) const POLLHUP: i64 = 0x10;
pub(super) const POLLRDHUP: i64 = 0x2000;
pub(super) const EPOLLET: i64 = 1 << 31;
pub(super) const EPOLLONESHOT: i64 = 1 << 30;

/// The arguments of one call.
#[derive(Clone, Copy)]
pub(super) struct Args<'a>(pub(super) &'a [Arg]);

impl<'a> Args<'a> {
    /// Argument `at`, from 0.
    pub(super) fn get(&self, at: usize) -> Result<&'a Arg, String> {
        self.0
            .get(at)
            .ok_or_else(|| format!("argument {} is missing", at + 1))
    }

    /// Argument `at` as a number.
    pub(super) fn number(&self, at: usize) -> Result<i64, String> {
        number(self.get(at)?)
    }

    /// Argument `at` as a count of bytes.
    pub(super) fn len(&self, at: usize) -> Result<usize, String> {
        length(self.get(at)?)
    }

    /// Argument `at` as the name of a constant.
    pub(super) fn name(&self, at: usize) -> Result<&'a str, String> {
        match self.get(at)? {
            Arg::Name(name) => Ok(name),
            other => Err(format!("argument {} must be a name, not {other:?}", at + 1)),
        }
    }

    /// Argument `at` as a structure.
    pub(super) fn fields(&self, at: usize) -> Result<Fields<'a>, String> {
        fields(self.get(at)?)
    }

    /// Argument `at` as a list.
    pub(super) fn list(&self, at: usize) -> Result<&'a [Arg], String> {
        match self.get(at)? {
            Arg::List(list) => Ok(list),
            other => Err(format!("argument {} must be a list, not {other:?}", at + 1)),
        }
    }

    /// Argument `at` as a socket address; `None` for `...`.
    pub(super) fn address(&self, at: usize) -> Result<Option<SocketAddr>, String> {
        let arg = self.get(at)?;
        if *arg == Arg::Any {
            return Ok(None);
        }
        let fields = fields(arg)?;
        let mut port = 0;
        let mut addr = None;
        for (name, value) in fields.0 {
            match (name.as_deref(), value) {
                (Some("sin_port" | "sin6_port"), Arg::Function(_, args)) => {
                    let value = Args(args).number(0)?;
                    port = u16::try_from(value).map_err(|_| format!("{value} is no port"))?;
                }
                (Some("sin_addr"), Arg::Function(_, args)) => addr = text_addr(args.first())?,
                // inet_pton(AF_INET6, "…")
                (Some("sin6_addr"), Arg::Function(_, args)) => addr = text_addr(args.last())?,
                _ => {}
            }
        }
        match addr {
            Some(addr) => Ok(Some(SocketAddr::new(addr, port))),
            None => Err("a socket address without an address".into()),
        }
    }
}

fn text_addr(arg: Option<&Arg>) -> Result<Option<IpAddr>, String> {
    match arg {
        Some(Arg::Text(text)) => match text.parse() {
            Ok(addr) => Ok(Some(addr)),
            Err(_) => Err(format!("'{text}' is no address")),
        },
        _ => Ok(None),
    }
}

/// The fields of a structure.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [(Option<String>, Arg)]);

impl<'a> Fields<'a> {
    /// The field `name`.
    pub(super) fn get(&self, name: &str) -> Option<&'a Arg> {
        self.0
            .iter()
            .find_map(|(field, value)| (field.as_deref() == Some(name)).then_some(value))
    }

    /// The field `name` as a number.
    pub(super) fn number(&self, name: &str) -> Result<i64, String> {
        number(
            self.get(name)
                .ok_or_else(|| format!("field '{name}' is missing"))?,
        )
    }
}

/// A structure.
pub(super) fn fields(arg: &Arg) -> Result<Fields<'_>, String> {
    match arg {
        Arg::Struct(fields) => Ok(Fields(fields)),
        other => Err(format!("a structure is expected, not {other:?}")),
    }
}

/// More than a call of a script moves: a length beyond it is a mistake.
const MAX_LEN: i64 = 64 << 20;

/// A count of bytes.
pub(super) fn length(arg: &Arg) -> Result<usize, String> {
    match number(arg)? {
        len @ 0..=MAX_LEN => Ok(len as usize),
        other => Err(format!("{other} is no length of a buffer")),
    }
}

/// A number, a constant, or several joined by `|`.
pub(super) fn number(arg: &Arg) -> Result<i64, String> {
    match arg {
        Arg::Number(value) => Ok(*value),
        Arg::Name(name) => CONSTANTS
            .iter()
            .find_map(|(known, value)| (known == name).then_some(*value))
            .ok_or_else(|| format!("constant '{name}' is not supported")),
        Arg::Or(args) => args.iter().try_fold(0, |all, arg| Ok(all | number(arg)?)),
        Arg::List(list) if list.len() == 1 => number(&list[0]),
        other => Err(format!("a number is expected, not {other:?}")),
    }
}
