//! Readiness: poll and epoll.

use estab_proto::State;

use crate::ast::{Arg, CallResult};
use crate::host::Host;
use crate::kernel::args::{
    self, Args, EPOLLET, EPOLLONESHOT, POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP,
};
use crate::kernel::{Attempt, Kernel, Kind, Ongoing, Outcome, Socket};
use crate::settings::Settings;

/// What an epoll descriptor waits for on another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interest {
    events: i64,
    /// What was ready when last told, for edge triggering.
    told: i64,
}

impl Kernel {
    /// What a descriptor is ready for.
    fn readiness(&mut self, host: &Host, fd: i64) -> Result<i64, String> {
        let socket = self.get(fd)?;
        let id = match socket.kind {
            Kind::Connection(id) => id,
            Kind::Listener(_) => {
                let waiting = host.stack.counts().accept_queued > 0;
                return Ok(if waiting { POLLIN } else { 0 });
            }
            Kind::Fresh => return Ok(POLLOUT | POLLHUP),
            Kind::Epoll(_) => return Err("epoll on epoll is not supported".into()),
        };
        let state = host.stack.state(id).unwrap_or(State::Closed);
        let is_over = matches!(state, State::Closed | State::TimeWait);
        let at_end = is_over || host.stack.peek(id, &mut [0]) == Ok(0);
        let is_open = !is_over && state != State::SynSent;
        let may_send = matches!(state, State::Established | State::CloseWait);
        let mut ready = 0;
        if host.stack.readable(id) > 0 || at_end || socket.is_deaf {
            ready |= POLLIN;
        }
        if at_end || socket.is_deaf {
            ready |= POLLRDHUP;
        }
        if is_over || (at_end && is_open && !may_send) {
            ready |= POLLHUP;
        }
        if is_open && (!may_send || host.stack.send_room(id) > 0) || is_over {
            ready |= POLLOUT;
        }
        if socket.error.is_some() {
            ready |= POLLERR;
        }
        Ok(ready)
    }

    pub(super) fn poll(
        &mut self,
        host: &mut Host,
        args: Args<'_>,
        ongoing: &mut Ongoing,
    ) -> Attempt {
        let timeout = args.number(2)?;
        let mut count = 0;
        let mut wrong = None;
        for entry in args.list(0)? {
            let entry = args::fields(entry)?;
            let fd = entry.number("fd")?;
            let events = entry.number("events")?;
            let ready = self.readiness(host, fd)? & (events | POLLERR | POLLHUP);
            let wanted = entry.number("revents")?;
            count += i64::from(ready != 0);
            if ready != wanted {
                wrong = Some(format!(
                    "descriptor {fd} is ready for {ready:#x}, not {wanted:#x}"
                ));
            }
        }
        let is_late = timeout >= 0
            && host.micros() >= ongoing.start.saturating_add(timeout.saturating_mul(1_000));
        match wrong {
            _ if count == 0 && !is_late => Ok(Outcome::Blocks),
            Some(wrong) => Err(wrong),
            None => Ok(Outcome::Value(count)),
        }
    }

    pub(super) fn epoll_create(&mut self, settings: &Settings, wanted: &CallResult) -> Outcome {
        let socket = Socket::new(Kind::Epoll(Default::default()), settings);
        Outcome::Value(self.store(socket, wanted))
    }

    pub(super) fn epoll_ctl(&mut self, args: Args<'_>) -> Attempt {
        let fd = args.number(2)?;
        self.get(fd)?;
        let Kind::Epoll(interests) = &mut self.get(args.number(0)?)?.kind else {
            return Ok(Outcome::Errno("EINVAL"));
        };
        let known = interests.contains_key(&fd);
        let events = || args.fields(3)?.number("events");
        match (args.name(1)?, known) {
            ("EPOLL_CTL_ADD", false) | ("EPOLL_CTL_MOD", true) => {
                let events = events()?;
                interests.insert(fd, Interest { events, told: 0 });
            }
            ("EPOLL_CTL_DEL", true) => {
                interests.remove(&fd);
            }
            ("EPOLL_CTL_ADD", true) => return Ok(Outcome::Errno("EEXIST")),
            ("EPOLL_CTL_MOD" | "EPOLL_CTL_DEL", false) => return Ok(Outcome::Errno("ENOENT")),
            (other, _) => return Err(format!("{other} is not supported")),
        }
        Ok(Outcome::Value(0))
    }

    pub(super) fn epoll_wait(
        &mut self,
        host: &mut Host,
        args: Args<'_>,
        ongoing: &mut Ongoing,
    ) -> Attempt {
        let epoll = args.number(0)?;
        let timeout = args.number(3)?;
        let Kind::Epoll(interests) = self.get(epoll)?.kind.clone() else {
            return Ok(Outcome::Errno("EINVAL"));
        };
        let mut found = Vec::new();
        for (fd, interest) in interests {
            let all = self.readiness(host, fd)?;
            let ready = all & (interest.events | POLLERR | POLLHUP);
            let news = match interest.events & EPOLLET != 0 {
                true => ready & !interest.told,
                false => ready,
            };
            let told = if news != 0 {
                ready
            } else {
                interest.told & ready
            };
            if let Kind::Epoll(interests) = &mut self.get(epoll)?.kind
                && let Some(interest) = interests.get_mut(&fd)
            {
                interest.told = told;
                if news != 0 && interest.events & EPOLLONESHOT != 0 {
                    interest.events = 0;
                }
            }
            if news != 0 {
                found.push((fd, ready));
            }
        }
        let is_late = timeout >= 0
            && host.micros() >= ongoing.start.saturating_add(timeout.saturating_mul(1_000));
        if found.is_empty() && !is_late {
            return Ok(Outcome::Blocks);
        }
        let wanted = match args.get(1)? {
            Arg::Any => return Ok(Outcome::Value(found.len() as i64)),
            Arg::List(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        for (entry, (fd, ready)) in wanted.iter().zip(&found) {
            let entry = args::fields(entry)?;
            let events = entry.number("events")?;
            if events != *ready || entry.number("fd").is_ok_and(|wanted| wanted != *fd) {
                return Err(format!("epoll tells {ready:#x} of {fd}, not {events:#x}"));
            }
        }
        Ok(Outcome::Value(found.len() as i64))
    }
}
