//! Two stacks in one process, for tests and examples: no privileges, no interfaces, and with
//! tokio's paused clock no waiting either.
//!
//! ```
//! use std::time::Duration;
//!
//! // The clock jumps to the next deadline whenever every task waits.
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> std::io::Result<()> {
//!     tokio::time::pause();
//!     let (client, _server) = estab::testing::pair()?;
//!     let start = tokio::time::Instant::now();
//!     // Nobody has this address: the SYN is repeated until the stack gives up, minutes later.
//!     let error = client.connect("10.0.0.99:80").await.unwrap_err();
//!     assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
//!     assert!(start.elapsed() > Duration::from_secs(60));
//!     Ok(())
//! }
//! ```

use std::io;

use crate::device::Link;
use crate::stack::Stack;
use crate::tcp::TcpStream;

/// Two stacks with the default settings, joined by a [`Link`]: the first has the addresses
/// 10.0.0.1/24 and fd00::1/64, the second 10.0.0.2/24 and fd00::2/64.
///
/// # Errors
///
/// As of [`StackBuilder::build`](crate::StackBuilder::build).
///
/// # Panics
///
/// Outside a tokio runtime with time enabled.
pub fn pair() -> io::Result<(Stack, Stack)> {
    let (left, right) = Link::pair();
    let left = Stack::builder()
        .addr("10.0.0.1/24")
        .addr("fd00::1/64")
        .build(left)?;
    let right = Stack::builder()
        .addr("10.0.0.2/24")
        .addr("fd00::2/64")
        .build(right)?;
    Ok((left, right))
}

/// The two ends of one connection between the stacks of a [`pair`]: the one that connected, and the
/// one that was accepted. The stacks live as long as the streams.
///
/// ```
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (mut client, mut server) = estab::testing::streams().await?;
/// client.write_all(b"ping").await?;
/// let mut buf = [0; 4];
/// server.read_exact(&mut buf).await?;
/// assert_eq!(&buf, b"ping");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As of [`pair`].
///
/// # Panics
///
/// Outside a tokio runtime with time enabled.
pub async fn streams() -> io::Result<(TcpStream, TcpStream)> {
    let (client, server) = pair()?;
    let listener = server.listen(("10.0.0.2", 80)).await?;
    let (client, (server, _)) =
        futures::future::try_join(client.connect(("10.0.0.2", 80)), listener.accept()).await?;
    Ok((client, server))
}
