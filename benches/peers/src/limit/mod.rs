//! The least that a TCP over one TUN interface can do: an upper bound for those that do it all.
//!
//! There are real handshakes, windows and acknowledgements, one for each burst; but no reassembly, no
//! retransmission of what an echo sent, no congestion control, no estimate of a round trip, and no
//! copy: what comes is counted and forgotten, what goes lies ready. Ports that hold nothing keep no
//! state at all.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use estab::device::{Device, TunDevice};
use tokio::task::{unconstrained, yield_now};
use tokio::time::{Interval, interval};

use crate::options::Serve;
use crate::service::{ECHO, IDLE, REQUEST, SINK, SOURCE, pattern};
use crate::{ready, tun};
use flow::{Flow, Service};
use wire::{ACK, Addresses, FIN, Link, Out, PSH, RST, SYN, Segment};

mod flow;
mod wire;

/// Packets read before anything is answered.
const BURST: usize = 64;

/// How long nothing may be acknowledged before everything is sent again.
const TIMEOUT: Duration = Duration::from_millis(100);

/// Bytes that all flows together may have on their way in, which the kernel's queue must hold.
const IN_FLIGHT: usize = 4 << 20;

/// Serves until the interface is gone.
pub(crate) async fn serve(serve: &Serve, offload: bool) -> io::Result<()> {
    let mut limit = Limit::new(tun::estab(serve, offload).await?, serve);
    ready();
    // Nobody else is on this thread who could be starved.
    unconstrained(async {
        loop {
            poll_fn(|cx| limit.turn(cx)).await?;
            // What was sent may have been answered: time to ask the kernel.
            yield_now().await;
        }
    })
    .await
}

/// Where the flows are.
#[derive(Default)]
struct Places {
    all: HashMap<Addresses, usize>,
    /// The one looked up last: packets come in bursts.
    last: Option<(Addresses, usize)>,
}

impl Places {
    fn get(&mut self, addresses: &Addresses) -> Option<usize> {
        if self.last.is_none_or(|(last, _)| last != *addresses) {
            let at = *self.all.get(addresses)?;
            self.last = Some((*addresses, at));
        }
        self.last.map(|(_, at)| at)
    }

    fn remove(&mut self, addresses: &Addresses) {
        self.all.remove(addresses);
        self.last = None;
    }
}

struct Limit {
    device: TunDevice,
    link: Link,
    packet: Vec<u8>,
    pattern: &'static [u8],
    flows: Vec<Flow>,
    places: Places,
    free: Vec<usize>,
    /// Flows that something came for in this burst.
    touched: Vec<usize>,
    /// Flows that have something to send.
    sources: Vec<usize>,
    timeout: Pin<Box<Interval>>,
}

impl Limit {
    fn new(device: TunDevice, serve: &Serve) -> Self {
        let link = Link::new(&device, serve.mtu);
        Self {
            packet: vec![0; device.caps().max_recv],
            pattern: pattern(),
            device,
            link,
            flows: Vec::new(),
            places: Places::default(),
            free: Vec::new(),
            touched: Vec::new(),
            sources: Vec::new(),
            timeout: Box::pin(interval(TIMEOUT)),
        }
    }

    /// A burst in, its answers out, and a little of what is to be sent. Ready if there may be more to
    /// do at once.
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut packets = 0;
        while packets < BURST
            && let Poll::Ready(received) = self.device.poll_recv(cx, &mut self.packet)
        {
            self.input(cx, received?.len())?;
            packets += 1;
        }
        while let Some(at) = self.touched.pop() {
            self.flows[at].touched = false;
            self.answer(cx, at)?;
        }
        if self.feed(cx)? || packets == BURST {
            return Poll::Ready(Ok(()));
        }
        if self.timeout.as_mut().poll_tick(cx).is_ready() {
            for &at in &self.sources {
                self.flows[at].start_over();
            }
            return Poll::Ready(Ok(()));
        }
        Poll::Pending
    }

    /// A packet came, of so many bytes.
    fn input(&mut self, cx: &mut Context<'_>, len: usize) -> io::Result<()> {
        let Some(segment) = Segment::parse(&self.packet[..len], self.link.verifies) else {
            return Ok(());
        };
        let to = segment.addresses;
        let service = match to.local_port {
            REQUEST | IDLE => return stateless(cx, &mut self.device, &mut self.link, &segment),
            ECHO => Service::Echo(VecDeque::new()),
            SINK => Service::Sink,
            SOURCE => Service::Source(Vec::new(), None),
            _ => return Ok(()),
        };
        let at = match self.places.get(&to) {
            Some(at) => at,
            None if segment.flags & (SYN | ACK) == SYN => {
                let flow = Flow::new(&segment, service, &self.link);
                let at = self.free.pop().unwrap_or(self.flows.len());
                if at == self.flows.len() {
                    self.flows.push(flow);
                } else {
                    self.flows[at] = flow;
                }
                self.places.all.insert(to, at);
                self.link.window = self.share();
                at
            }
            None => return Ok(()),
        };
        let flow = &mut self.flows[at];
        if segment.flags & RST != 0 {
            flow.over = true;
        } else if !flow.input(cx, &segment, &mut self.link, &mut self.device)? {
            return Ok(());
        }
        if !flow.touched {
            flow.touched = true;
            self.touched.push(at);
        }
        Ok(())
    }

    /// What a flow says to what came.
    fn answer(&mut self, cx: &mut Context<'_>, at: usize) -> io::Result<()> {
        let flow = &mut self.flows[at];
        if !flow.over {
            flow.answer(cx, &mut self.link, &mut self.device)?;
            if flow.wants_to_send() && !flow.listed {
                flow.listed = true;
                self.sources.push(at);
            }
        }
        if flow.over {
            self.places.remove(&flow.addresses);
            self.sources.retain(|&source| source != at);
            self.free.push(at);
            self.link.window = self.share();
        }
        Ok(())
    }

    /// A little from each flow that has something to send; whether there was anything.
    fn feed(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let mut any = false;
        for &at in &self.sources {
            let flow = &mut self.flows[at];
            any |= flow.feed(cx, self.pattern, &mut self.link, &mut self.device)?;
        }
        let flows = &mut self.flows;
        self.sources.retain(|&at| {
            flows[at].listed = flows[at].wants_to_send();
            flows[at].listed
        });
        Ok(any)
    }

    /// The window each flow is told, so that the kernel's queue does not overflow.
    fn share(&self) -> usize {
        self.link.most.min(IN_FLIGHT / self.places.all.len().max(1))
    }
}

/// The answer that follows from the segment alone.
fn stateless(
    cx: &mut Context<'_>,
    device: &mut TunDevice,
    link: &mut Link,
    segment: &Segment<'_>,
) -> io::Result<()> {
    let fin = segment.flags & FIN != 0;
    let data = !segment.payload.is_empty();
    let request = segment.addresses.local_port == REQUEST;
    let mut out = Out {
        addresses: segment.addresses,
        seq: segment.ack,
        ack: segment.end(),
        flags: ACK,
        syn: false,
    };
    let mut payload = &[][..];
    if segment.flags & (RST | SYN) == SYN {
        out.seq = flow::FIRST;
        out.flags |= SYN;
        out.syn = true;
    } else if segment.flags & RST != 0 || !(data || fin) {
        return Ok(());
    } else if request && data {
        out.flags |= PSH | FIN;
        payload = segment.payload;
    } else if fin && !request {
        out.flags |= FIN;
    }
    link.send(cx, device, &out, &[payload]).map(drop)
}
