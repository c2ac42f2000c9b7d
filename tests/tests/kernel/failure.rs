//! The device goes away.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use estab::{ConnectionError, StackGone};
use estab_netns::isolated;
use estab_tests::kernel::{self, INTERFACE, OURS};
use estab_tests::transfer::send;
use tokio::io::AsyncReadExt;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Starts a call that can only end by an error.
fn pending<T: 'static>(
    call: impl Future<Output = io::Result<T>> + Send + 'static,
) -> JoinHandle<io::Error> {
    tokio::spawn(async move { call.await.err().expect("the device is gone") })
}

/// Whether an error says so, and its kind that there is no network: of a connection that it is lost
/// with the device, of any other call what the device reported.
fn is_deletion(error: &io::Error) -> bool {
    let inner = error.get_ref().expect("a typed error");
    let lost = inner.downcast_ref() == Some(&ConnectionError::DeviceLost);
    let gone = inner.downcast_ref::<StackGone>();
    let reported = gone.and_then(StackGone::device_error).map(io::Error::kind);
    error.kind() == ErrorKind::NetworkDown && (lost || reported == Some(ErrorKind::NotConnected))
}

#[test]
fn a_deleted_interface_ends_everything_that_waits() {
    isolated(|| {
        for (name, runtime) in kernel::runtimes() {
            runtime.block_on(async {
                let stack = kernel::stack().await;
                let listener = stack.listen((OURS[0], 7)).await.unwrap();
                let remote = SocketAddr::new(OURS[0], 7);
                let (client, (ours, _)) =
                    tokio::try_join!(kernel::connect(remote), listener.accept()).unwrap();
                let (mut reader, mut writer) = ours.into_split();
                let (connecting, closed) = (stack.clone(), stack.clone());
                let calls = [
                    ("read", pending(async move { reader.read(&mut [0]).await })),
                    (
                        "write",
                        pending(async move { send(&mut writer, 1, 1 << 30).await }),
                    ),
                    ("accept", pending(async move { listener.accept().await })),
                    (
                        "connect",
                        pending(async move { connecting.connect("10.88.0.77:1").await }),
                    ),
                    ("closed", pending(async move { closed.closed().await })),
                ];
                sleep(Duration::from_millis(300)).await;
                assert!(
                    calls.iter().all(|(_, call)| !call.is_finished()),
                    "all of them wait"
                );
                estab_netns::ip(&["link", "del", INTERFACE]).unwrap();
                for (what, call) in calls {
                    let error = timeout(Duration::from_secs(5), call).await;
                    let error = error
                        .unwrap_or_else(|_| panic!("{name}: {what} hangs"))
                        .unwrap();
                    assert!(is_deletion(&error), "{name}: {what}: {error:?}");
                }
                // And whatever is asked later.
                for error in [
                    stack.listen((OURS[0], 8)).await.map(drop).unwrap_err(),
                    stack.connect(remote).await.map(drop).unwrap_err(),
                    stack.stats().await.map(drop).unwrap_err(),
                ] {
                    assert!(is_deletion(&error), "{name}: {error:?}");
                }
                drop(client);
            });
        }
    });
}

/// An interface that is down for a while is a network that loses packets for a while.
#[test]
fn an_interface_may_be_down_for_a_while() {
    isolated(|| {
        let [(_, one), _] = kernel::runtimes();
        one.block_on(async {
            let stack = kernel::stack().await;
            let listener = stack.listen((OURS[0], 7)).await.unwrap();
            let remote = SocketAddr::new(OURS[0], 7);
            let (mut client, (mut ours, _)) =
                tokio::try_join!(kernel::connect(remote), listener.accept()).unwrap();
            let receiving = tokio::spawn(async move {
                estab_tests::transfer::receive(&mut client, 4 << 20)
                    .await
                    .unwrap()
            });
            let sending = tokio::spawn(async move { send(&mut ours, 1, 4 << 20).await.unwrap() });
            estab_netns::ip(&["link", "set", INTERFACE, "down"]).unwrap();
            sleep(Duration::from_millis(700)).await;
            estab_netns::ip(&["link", "set", INTERFACE, "up"]).unwrap();
            assert_eq!(receiving.await.unwrap(), sending.await.unwrap());
        });
    });
}
