//! Moving bytes: the families of read and write, and ioctl.

use estab_proto::{CallError, State};

use crate::ast::Arg;
use crate::host::Host;
use crate::kernel::args::{
    self, Args, MSG_DONTWAIT, MSG_MORE, MSG_NOSIGNAL, MSG_OOB, MSG_PEEK, MSG_WAITALL,
};
use crate::kernel::open::would_block;
use crate::kernel::{Attempt, Kernel, Ongoing, Outcome};
use crate::pattern;

impl Kernel {
    pub(super) fn receive(
        &mut self,
        host: &mut Host,
        name: &str,
        args: Args<'_>,
        ongoing: &mut Ongoing,
    ) -> Attempt {
        let fd = args.number(0)?;
        let (len, flags) = amount(name, args)?;
        if flags & !(MSG_PEEK | MSG_DONTWAIT | MSG_WAITALL) != 0 {
            return Err(format!("{name} with flags {flags:#x} is not supported"));
        }
        let Some(id) = self.connection(fd)? else {
            return Ok(Outcome::Errno("ENOTCONN"));
        };
        let socket = self.get(fd)?;
        let is_nonblocking = socket.is_nonblocking || flags & MSG_DONTWAIT != 0;
        let read = socket.read;
        if socket.is_deaf && host.stack.readable(id) == 0 {
            return Ok(Outcome::Value(0));
        }
        if host.stack.state(id) == Some(State::SynSent) && is_nonblocking {
            return Ok(Outcome::Errno("EAGAIN"));
        }
        let mut buf = vec![0; len - ongoing.moved];
        let result = match flags & MSG_PEEK != 0 {
            true => host.stack.peek(id, &mut buf),
            false => host.stack.recv(host.now(), id, &mut buf),
        };
        match result {
            Ok(count) => {
                if let Some(at) = pattern::difference(read, &buf[..count]) {
                    return Err(format!("{name} yields a wrong byte at {at} of the stream"));
                }
                if flags & MSG_PEEK == 0 {
                    self.get(fd)?.read = read.wrapping_add(count as u32);
                }
                ongoing.moved += count;
                let wants_more = flags & MSG_WAITALL != 0 && count > 0 && ongoing.moved < len;
                Ok(match wants_more && !is_nonblocking {
                    true => Outcome::Blocks,
                    false => Outcome::Value(ongoing.moved as i64),
                })
            }
            Err(CallError::WouldBlock) => Ok(would_block(is_nonblocking)),
            // Linux tells an error once; after that there is just nothing more to come.
            Err(error) => match self.errno(fd, error)? {
                "EPIPE" => Ok(Outcome::Value(0)),
                errno => Ok(Outcome::Errno(errno)),
            },
        }
    }

    pub(super) fn send(
        &mut self,
        host: &mut Host,
        name: &str,
        args: Args<'_>,
        ongoing: &mut Ongoing,
    ) -> Attempt {
        let fd = args.number(0)?;
        let (len, flags) = amount(name, args)?;
        if flags & !(MSG_OOB | MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE) != 0 {
            return Err(format!(
                "{name} with flags {flags:#x} is not supported: the stack has nothing for them"
            ));
        }
        let Some(id) = self.connection(fd)? else {
            return Ok(Outcome::Errno("EPIPE"));
        };
        let Some(tuple) = host.stack.tuple(id) else {
            return Ok(Outcome::Errno("EBADF"));
        };
        let is_nonblocking = self.get(fd)?.is_nonblocking || flags & MSG_DONTWAIT != 0;
        if host.stack.state(id) == Some(State::SynSent) {
            return Ok(would_block(is_nonblocking));
        }
        // More is to come: as if the socket were corked until the next call.
        let is_corked = self.get(fd)?.is_corked || flags & MSG_MORE != 0;
        if host.stack.cork(id) == Some(!is_corked) {
            let _ = host.stack.set_cork(host.now(), id, is_corked);
        }
        let written = self.written.entry((tuple.local, tuple.remote)).or_insert(0);
        let data = pattern::bytes(*written, len - ongoing.moved);
        let result = match flags & MSG_OOB != 0 {
            true => host.stack.send_urgent(host.now(), id, &data),
            false => host.stack.send_slice(host.now(), id, &data),
        };
        match result {
            Ok(count) => {
                *written = written.wrapping_add(count as u32);
                ongoing.moved += count;
                Ok(match ongoing.moved < len && !is_nonblocking {
                    true => Outcome::Blocks,
                    false => Outcome::Value(ongoing.moved as i64),
                })
            }
            Err(CallError::WouldBlock) => Ok(would_block(is_nonblocking)),
            Err(error) => Ok(Outcome::Errno(self.errno(fd, error)?)),
        }
    }

    pub(super) fn ioctl(&mut self, host: &mut Host, args: Args<'_>) -> Attempt {
        let fd = args.number(0)?;
        let Some(id) = self.connection(fd)? else {
            return Ok(Outcome::Errno("EINVAL"));
        };
        let Some(info) = host.stack.info(id) else {
            return Ok(Outcome::Errno("EBADF"));
        };
        let value = match args.name(1)? {
            "SIOCINQ" | "FIONREAD" => info.readable as i64,
            "SIOCOUTQ" | "TIOCOUTQ" => i64::from(info.unacked) + info.unsent as i64,
            "SIOCOUTQNSD" => info.unsent as i64,
            "SIOCATMARK" => i64::from(host.stack.urgent_remaining(id).is_none()),
            other => return Err(format!("ioctl {other} is not supported")),
        };
        match args.get(2)? {
            Arg::Any => Ok(Outcome::Value(0)),
            wanted if args::number(wanted)? == value => Ok(Outcome::Value(0)),
            wanted => Err(format!(
                "{} yields {value}, not {}",
                args.name(1)?,
                args::number(wanted)?
            )),
        }
    }
}

/// How many bytes a call is about, and its flags.
fn amount(name: &str, args: Args<'_>) -> Result<(usize, i64), String> {
    match name {
        "read" | "write" => Ok((args.len(2)?, 0)),
        "recv" | "send" | "recvfrom" | "sendto" => Ok((args.len(2)?, args.number(3)?)),
        "readv" | "writev" => Ok((pieces(args.list(1)?)?, 0)),
        _ => {
            let message = args.fields(1)?;
            let Some(Arg::List(list)) = message.get("msg_iov") else {
                return Err(format!("{name} without msg_iov"));
            };
            if message.get("msg_control").is_some() {
                return Err(format!("{name} with control messages is not supported"));
            }
            Ok((pieces(list)?, args.number(2)?))
        }
    }
}

/// The sum of the lengths of `[{..., 10}, {..., 20}]`.
fn pieces(list: &[Arg]) -> Result<usize, String> {
    list.iter().try_fold(0, |sum, piece| {
        let fields = args::fields(piece)?;
        let (_, len) = fields.0.last().ok_or("a piece without a length")?;
        Ok(sum + args::length(len)?)
    })
}
