//! Two stacks with a path between them, for tests and examples: no privileges, no interfaces, and
//! with tokio's paused clock no waiting either. These are [`estab::testing`]'s over a bad network.
//!
//! ```
//! use std::time::Duration;
//! use estab_sim::{Loss, Path, testing};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! // Code under test: it takes any stream.
//! async fn ask<S: AsyncReadExt + AsyncWriteExt + Unpin>(stream: &mut S) -> std::io::Result<u8> {
//!     stream.write_u8(6).await?;
//!     stream.read_u8().await
//! }
//!
//! // In a test: #[tokio::test(start_paused = true)]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! # tokio::time::pause();
//! let path = Path::builder()
//!     .rtt(Duration::from_secs(2))
//!     .lose(Loss::Exactly(vec![0, 4]));
//! let (mut client, mut server) = testing::streams(path.build()).await?;
//! tokio::spawn(async move {
//!     let question = server.read_u8().await?;
//!     server.write_u8(7 * question).await
//! });
//! assert_eq!(ask(&mut client).await?, 42);
//! # Ok(())
//! # }
//! ```

use std::io;

use estab::{Stack, TcpStream};

use crate::{Path, device};

/// The port on which [`streams`] connects.
const PORT: u16 = 80;

/// Two stacks with the default settings at the ends of `path`: the first has the addresses
/// 10.0.0.1/24 and fd00::1/64, the second 10.0.0.2/24 and fd00::2/64.
///
/// # Errors
///
/// As of [`StackBuilder::build`](estab::StackBuilder::build).
///
/// # Panics
///
/// Outside a tokio runtime with time enabled.
pub fn stacks(path: Path) -> io::Result<(Stack, Stack)> {
    let (first, second) = device::join(path, 1500);
    let first = Stack::builder()
        .addr("10.0.0.1/24")
        .addr("fd00::1/64")
        .build(first)?;
    let second = Stack::builder()
        .addr("10.0.0.2/24")
        .addr("fd00::2/64")
        .build(second)?;
    Ok((first, second))
}

/// The two ends of one connection between such stacks: the one that connected, from the beginning of
/// `path`, and the one that was accepted. The stacks live as long as the streams.
///
/// # Errors
///
/// As of [`stacks`], and those of the connection, if the path does not let it come about.
///
/// # Panics
///
/// Outside a tokio runtime with time enabled.
pub async fn streams(path: Path) -> io::Result<(TcpStream, TcpStream)> {
    let (client, server) = stacks(path)?;
    let listener = server.listen(("10.0.0.2", PORT)).await?;
    let connecting = client.connect(("10.0.0.2", PORT));
    let (client, (server, _)) = tokio::try_join!(connecting, listener.accept())?;
    Ok((client, server))
}
