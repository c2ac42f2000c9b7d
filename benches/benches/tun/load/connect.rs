//! Connections, one after the other.

use std::io::{self, Read, Write};
use std::time::Duration;

use super::{clock, connect, failed};
use crate::figures::{Figure, Figures};
use crate::place::Target;
use crate::rows::Talk;
use crate::serve::Service;
use crate::usage::Usage;

/// Until caches are warm.
pub(super) const WARM_UP: Duration = Duration::from_millis(50);

pub(super) fn measure(target: &Target, talk: Talk, time: Duration) -> io::Result<Figures> {
    if talk != Talk::ServerCloses {
        // The client's own TIME-WAIT would use up its ports, and is not what is measured.
        estab_netns::sysctl("ipv4.tcp_max_tw_buckets", "0")?;
    }
    let start = clock();
    while start.elapsed() < WARM_UP {
        converse(target, talk)?;
    }
    let (start, usage) = (clock(), Usage::of(target.process));
    let mut count = 0;
    while start.elapsed() < time {
        converse(target, talk)?;
        count += 1;
    }
    let seconds = start.elapsed().as_secs_f64();
    let used = Usage::of(target.process).since(usage);
    let each = |seconds: f64| seconds / f64::from(count) * 1e6;
    Ok(Figures::from([
        (Figure::Rate, f64::from(count) / seconds),
        (Figure::ProcessEach, each(used.process)),
        (Figure::MachineEach, each(used.machine)),
    ]))
}

/// One connection.
fn converse(target: &Target, talk: Talk) -> io::Result<()> {
    let service = match talk {
        Talk::None | Talk::Request => Service::Echo,
        Talk::ServerCloses => Service::Answer,
    };
    let mut stream = connect(target, service)?;
    if talk == Talk::None {
        return Ok(());
    }
    stream.write_all(&[7])?;
    stream.read_exact(&mut [0])?;
    if talk == Talk::ServerCloses && stream.read(&mut [0])? != 0 {
        return Err(failed("more than the answer"));
    }
    Ok(())
}
