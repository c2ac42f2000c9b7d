//! A chat server and three of its users, on two stacks joined by an in-memory link.
//!
//! ```text
//! cargo run --example chat
//! ```

use std::io;
use std::net::SocketAddr;

use estab::device::Link;
use estab::{Stack, TcpListener, TcpStream};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::broadcast;

const USERS: [&str; 3] = ["Ada", "Grace", "Radia"];

#[tokio::main]
async fn main() -> io::Result<()> {
    let (left, right) = Link::pair();
    let server = Stack::builder().addr("10.0.0.1/24").build(left)?;
    let users = Stack::builder().addr("10.0.0.2/24").build(right)?;

    let listener = server.listen("10.0.0.1:6667").await?;
    let room = listener.local_addr()?;
    tokio::spawn(serve(listener));

    let mut sessions = Vec::new();
    for name in USERS {
        sessions.push((name, join(&users, room).await?));
    }
    let talks = sessions
        .into_iter()
        .map(|(name, session)| talk(name, session));
    futures::future::try_join_all(talks).await?;
    Ok(())
}

/// Passes every line of every user to all users.
async fn serve(listener: TcpListener) -> io::Result<()> {
    let (lines, _) = broadcast::channel(64);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(member(stream, lines.clone()));
    }
}

/// Serves one user until it leaves.
async fn member(stream: TcpStream, to_all: broadcast::Sender<String>) -> io::Result<()> {
    let mut from_all = to_all.subscribe();
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"welcome\n").await?;
    loop {
        tokio::select! {
            line = lines.next_line() => match line? {
                // It fails only if nobody is there any more.
                Some(line) => drop(to_all.send(line + "\n")),
                None => return writer.shutdown().await,
            },
            Ok(line) = from_all.recv() => writer.write_all(line.as_bytes()).await?,
        }
    }
}

type Session = BufReader<TcpStream>;

/// Connects, and is a member when the server has said welcome.
async fn join(stack: &Stack, room: SocketAddr) -> io::Result<Session> {
    let mut session = BufReader::new(stack.connect(room).await?);
    session.read_line(&mut String::new()).await?;
    Ok(session)
}

/// Greets, hears everybody's greeting, and leaves.
async fn talk(name: &str, mut session: Session) -> io::Result<()> {
    session
        .write_all(format!("{name}: hello!\n").as_bytes())
        .await?;
    for _ in USERS {
        let mut line = String::new();
        session.read_line(&mut line).await?;
        print!("{name:>6} hears {line}");
    }
    session.shutdown().await
}
