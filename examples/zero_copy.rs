//! A hyper server whose bodies leave from where they lie.
//!
//! A server hands its response to hyper as `Bytes`; hyper writes it to the stream as a slice, and a
//! stream has to copy slices. Bytes that the handler lends to the stream are sent as they are. The
//! device here looks where the payload of each packet lies, so the difference shows:
//!
//! ```text
//! cargo run --example zero_copy
//! ```

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use estab::Stack;
use estab::device::{Caps, Device, Link, LinkConfig, Packet, Received};
use estab::tcp::Lender;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, client, server};
use hyper_util::rt::TokioIo;

/// The size of the file that is served.
const FILE: usize = 8 << 20;

const SERVER: &str = "10.0.0.2:80";

/// Counts the payload that is sent from the memory of the file.
struct Watch {
    link: Link,
    file: Bytes,
    in_place: Arc<AtomicUsize>,
}

impl Device for Watch {
    fn caps(&self) -> Caps {
        self.link.caps()
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        self.link.poll_recv(cx, buf)
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &Packet<'_>) -> Poll<io::Result<()>> {
        let sent = self.link.poll_send(cx, packet);
        if sent.is_ready() {
            let file = self.file.as_ptr_range();
            let slices = packet.slices().iter().map(|slice| slice.as_ptr_range());
            let in_place = slices
                .filter(|slice| file.start <= slice.start && slice.end <= file.end)
                .map(|slice| slice.end as usize - slice.start as usize)
                .sum();
            self.in_place.fetch_add(in_place, Ordering::Relaxed);
        }
        sent
    }
}

/// What the server does with a request: the file is lent where that is asked for.
async fn serve(
    request: Request<Incoming>,
    file: Bytes,
    lender: Lender,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = match request.uri().path() {
        "/lent" => lender.lend(file),
        _ => file,
    };
    Ok(Response::new(Full::new(body)))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let file: Bytes = (0..FILE).map(|i| ((i * i) >> 7) as u8).collect();
    // A device that takes super-segments as they are, as a TUN does.
    let mut config = LinkConfig::default();
    config.offload = true;
    let (link, other) = Link::pair_with(config);
    let in_place = Arc::new(AtomicUsize::new(0));
    let watch = Watch {
        link,
        file: file.clone(),
        in_place: Arc::clone(&in_place),
    };
    let stack = Stack::builder().addr("10.0.0.2/24").build(watch)?;
    let peer = Stack::builder().addr("10.0.0.1/24").build(other)?;

    let listener = stack.listen(SERVER).await?;
    let body = file.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (file, lender) = (body.clone(), stream.lender());
            let service = service_fn(move |request| serve(request, file.clone(), lender.clone()));
            let io = TokioIo::new(stream);
            tokio::spawn(server::conn::http1::Builder::new().serve_connection(io, service));
        }
    });

    let stream = peer.connect(SERVER).await?;
    let (mut requests, connection) = client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    for (target, expected) in [("/copied", 0), ("/lent", FILE)] {
        let request = Request::get(target)
            .header("Host", SERVER)
            .body(Empty::<Bytes>::new())?;
        let response = requests.send_request(request).await?;
        let received = response.into_body().collect().await?.to_bytes();
        if received != file {
            return Err("the file was damaged on the way".into());
        }
        let in_place = in_place.swap(0, Ordering::Relaxed);
        println!(
            "{target:8} {} bytes, {in_place} of them sent without a copy",
            received.len()
        );
        if in_place != expected {
            return Err(format!("{in_place} bytes sent in place, not {expected}").into());
        }
    }
    Ok(())
}
