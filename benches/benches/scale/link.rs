//! A million connections between two stacks in one thread, over the in-memory link.

use std::error::Error;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::crowd::Crowd;
use crate::memory::{bytes_for_each, runtime};
use crate::page::Page;
use crate::polls::processor_time;

/// How long idleness is watched.
const WATCHED: Duration = Duration::from_secs(5);

/// Connections over which a byte goes at the end.
const SAMPLE: usize = 1000;

pub(crate) fn measure_all(page: &mut Page, count: usize) -> Result<(), Box<dyn Error>> {
    page.section(
        "Over the in-memory link",
        "So many connections between two stacks in one thread, each end with its stream. They were \
         idle for two seconds, then watched for five: how often the two drivers were woken, and the \
         processor time of the whole process. Then a byte goes over a thousand of them.",
    );
    page.head(&[
        "connections",
        "bytes each end",
        "opened per second",
        "wakeups while idle",
        "ms of processor while idle",
        "echoes",
    ]);
    let runtime = runtime();
    let began = Instant::now();
    let (bytes, crowd) = bytes_for_each(2 * count, || {
        runtime.block_on(async {
            let crowd = Crowd::open(count, false).await?;
            let rate = count as f64 / began.elapsed().as_secs_f64();
            tokio::time::sleep(Duration::from_secs(2)).await;
            while crowd.dormant().await? < 2 * count {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok::<_, std::io::Error>((crowd, rate))
        })
    });
    let (mut crowd, rate) = crowd?;
    let idle = runtime.block_on(async {
        let (polls, time) = (crowd.polls(), processor_time());
        tokio::time::sleep(WATCHED).await;
        (crowd.polls() - polls, processor_time().saturating_sub(time))
    });
    let echoes = runtime.block_on(echo(&mut crowd))?;
    page.row(&[
        format!("{count} ({})", crowd.family()),
        format!("{bytes:.0}"),
        format!("{rate:.0}"),
        idle.0.to_string(),
        format!("{:.2}", idle.1.as_secs_f64() * 1e3),
        echoes.to_string(),
    ]);
    Ok(())
}

/// A byte goes over some of the connections; returns over how many.
async fn echo(crowd: &mut Crowd) -> std::io::Result<usize> {
    let servers = std::mem::take(&mut *crowd.servers.lock().expect("nobody panics"));
    let mut servers: std::collections::HashMap<_, _> = servers
        .into_iter()
        .map(|server| Ok(((server.peer_addr()?, server.local_addr()?), server)))
        .collect::<std::io::Result<_>>()?;
    let step = (crowd.clients.len() / SAMPLE).max(1);
    let mut echoes = 0;
    for client in crowd.clients.iter_mut().step_by(step) {
        let ends = (client.local_addr()?, client.peer_addr()?);
        let server = servers.get_mut(&ends).expect("the other end");
        client.write_all(&[7]).await?;
        let byte = server.read_u8().await?;
        server.write_all(&[byte]).await?;
        echoes += usize::from(client.read_u8().await? == 7);
    }
    Ok(echoes)
}
