//! What `tokio-tun` cannot set: IPv6 and further addresses, and the length of the queue.

use std::future::Future;
use std::io;

use estab_proto::IpCidr;
use futures::future::{self, Either};
use futures::pin_mut;
use rtnetlink::packet_route::address::AddressHeaderFlags;
use rtnetlink::{Handle, LinkUnspec, new_connection};

/// Gives the interface more addresses and sets the length of its transmit queue in packets.
pub(super) async fn configure(
    index: u32,
    addrs: &[IpCidr],
    queue_len: Option<u32>,
) -> io::Result<()> {
    run(|handle| async move {
        if let Some(len) = queue_len {
            let link = LinkUnspec::new_with_index(index).txqueuelen(len).build();
            handle.link().set(link).execute().await?;
        }
        for cidr in addrs {
            // An interface that was made to last may have the address already.
            let mut request = handle
                .address()
                .add(index, cidr.addr, cidr.prefix)
                .replace();
            // Nobody else is on this link: no need to keep an IPv6 address tentative for a while.
            request.message_mut().header.flags |= AddressHeaderFlags::Nodad;
            request.execute().await?;
        }
        Ok(())
    })
    .await
}

/// Runs `work` beside the netlink connection it talks over.
async fn run<F: Future<Output = Result<(), rtnetlink::Error>>>(
    work: impl FnOnce(Handle) -> F,
) -> io::Result<()> {
    let (connection, handle, _) = new_connection()?;
    let work = work(handle);
    pin_mut!(connection, work);
    match future::select(work, connection).await {
        Either::Left((done, _)) => done.map_err(into_io),
        Either::Right(_) => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn into_io(error: rtnetlink::Error) -> io::Error {
    match error {
        rtnetlink::Error::NetlinkError(message) => message.to_io(),
        error => io::Error::other(error),
    }
}
