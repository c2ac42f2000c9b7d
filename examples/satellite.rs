//! An HTTP transfer over a lossy satellite link, in virtual time.
//!
//! An axum server and a hyper client, each on a stack of its own, with an emulated path between them:
//! 600 ms there and back, 20 Mbit/s, 1.5 % of the packets lost each way, often several in a row. The
//! clock of the runtime is paused, so it jumps to whatever happens next: a minute on the link takes
//! a moment here, and every run is the same. The same three lines make a bad network of any test.
//!
//! ```text
//! cargo run --release --example satellite
//! ```

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::get;
use axum::serve::Listener;
use estab::{Stack, TcpListener, TcpStream};
use estab_sim::{Bandwidth, Loss, Path, device};
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

/// The size of the picture.
const PICTURE: usize = 4 << 20;

const SERVER: &str = "10.0.0.2:80";

/// Our listener as axum wants it.
struct Estab(TcpListener);

impl Listener for Estab {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.0.accept().await {
            Ok(accepted) => accepted,
            // The stack has ended: there will never be another.
            Err(_) => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()?
        .block_on(run())
}

#[expect(
    clippy::disallowed_methods,
    reason = "virtual and real time are compared"
)]
async fn run() -> Result<(), Box<dyn Error>> {
    let (virtual_start, real_start) = (tokio::time::Instant::now(), std::time::Instant::now());

    // The link, and a stack at each end of it.
    let path = Path::builder()
        .rtt(Duration::from_millis(600))
        .rate(Bandwidth::mbit(20))
        .queue_bdp(1.0)
        .lose(Loss::bursts(0.015, 2.0))
        .seed(1964);
    let (earth, ship) = device::join(path.build(), 1500);
    let monitor = earth.monitor();
    let server = Stack::builder().addr("10.0.0.2/24").build(earth)?;
    let client = Stack::builder().addr("10.0.0.1/24").build(ship)?;

    let application = Router::new()
        .route("/", get(|| async { "hello from far away\n" }))
        .route("/picture", get(|| async { picture() }));
    let listener = Estab(server.listen(SERVER).await?);
    tokio::spawn(axum::serve(listener, application).into_future());

    let stream = client.connect(SERVER).await?;
    println!(
        "{:>8.3} s  connected",
        virtual_start.elapsed().as_secs_f64()
    );
    let (mut requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    for target in ["/", "/picture"] {
        let request = Request::get(target)
            .header("Host", SERVER)
            .body(Empty::<Bytes>::new())?;
        let response = requests.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        println!(
            "{:>8.3} s  {status}: {} bytes of {target}",
            virtual_start.elapsed().as_secs_f64(),
            body.len()
        );
        if target == "/picture" && body != picture() {
            return Err("the picture was damaged on the way".into());
        }
    }

    let there = monitor.there();
    println!(
        "\nOf {} packets from the server {} were lost and {} did not fit into the queue, of {} \
         from the client {} were lost.",
        there.pushed,
        there.dropped().lost,
        there.dropped().overflow,
        monitor.back().pushed,
        monitor.back().dropped().lost,
    );
    println!(
        "{:.1} s of virtual time took {:.0} ms of real time.",
        virtual_start.elapsed().as_secs_f64(),
        real_start.elapsed().as_secs_f64() * 1e3
    );
    Ok(())
}

fn picture() -> Bytes {
    (0..PICTURE).map(|i| ((i * i) >> 7) as u8).collect()
}
