//! The protocol's errors as `std::io::Error`s, with the kinds a kernel socket reports.
//!
//! The typed error stays inside: `error.get_ref()` can be downcast to the types named here.

use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use estab_proto::{CallError, ConnectError, ConnectionError, ListenError};

/// How a connection that failed is reported.
pub(crate) fn connection(error: ConnectionError) -> io::Error {
    let kind = match error {
        ConnectionError::Refused => ErrorKind::ConnectionRefused,
        ConnectionError::Reset => ErrorKind::ConnectionReset,
        ConnectionError::Aborted => ErrorKind::ConnectionAborted,
        ConnectionError::TimedOut => ErrorKind::TimedOut,
        ConnectionError::HostUnreachable => ErrorKind::HostUnreachable,
        ConnectionError::NetworkUnreachable => ErrorKind::NetworkUnreachable,
        ConnectionError::DeviceLost => ErrorKind::NetworkDown,
        _ => ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

/// How an active open that could not start is reported.
pub(crate) fn connect(error: ConnectError) -> io::Error {
    let kind = match error {
        ConnectError::InvalidRemote | ConnectError::InvalidSourceRoute => ErrorKind::InvalidInput,
        ConnectError::NoLocalAddress => ErrorKind::NetworkUnreachable,
        ConnectError::LocalAddressNotOurs | ConnectError::PortsExhausted => {
            ErrorKind::AddrNotAvailable
        }
        ConnectError::AddressInUse => ErrorKind::AddrInUse,
        ConnectError::TooManyConnections => ErrorKind::QuotaExceeded,
        _ => ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

/// How a passive open that failed is reported.
pub(crate) fn listen(error: ListenError) -> io::Error {
    let kind = match error {
        ListenError::AddressInUse => ErrorKind::AddrInUse,
        ListenError::AddressNotAvailable => ErrorKind::AddrNotAvailable,
        _ => ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

/// How a call that did nothing is reported.
pub(crate) fn call(error: CallError) -> io::Error {
    match error {
        CallError::WouldBlock => ErrorKind::WouldBlock.into(),
        CallError::Closing => ErrorKind::BrokenPipe.into(),
        CallError::Ended(error) => connection(error),
        CallError::NoSuchConnection => ErrorKind::NotConnected.into(),
        CallError::TooManyConnections => io::Error::new(ErrorKind::QuotaExceeded, error),
        _ => io::Error::other(error),
    }
}

/// Why calls on a stack fail once its driver is gone: [`ErrorKind::NetworkDown`].
///
/// Found inside the `io::Error` of every call made after the packet device failed, after
/// [`Stack::shutdown`](crate::Stack::shutdown), or after a driver panicked, or it or its runtime was
/// dropped.
#[derive(Clone, Debug)]
pub struct StackGone {
    cause: Cause,
}

#[derive(Clone, Debug)]
enum Cause {
    /// Somebody shut the stack down, or dropped its driver.
    Ended,
    Device(Arc<io::Error>),
    Panic,
}

impl StackGone {
    pub(crate) fn new(device: Option<Arc<io::Error>>) -> Self {
        Self {
            cause: device.map_or(Cause::Ended, Cause::Device),
        }
    }

    pub(crate) fn panicked() -> Self {
        Self {
            cause: Cause::Panic,
        }
    }

    /// What the packet device reported, if it was the device that ended the stack.
    pub fn device_error(&self) -> Option<&io::Error> {
        match &self.cause {
            Cause::Device(error) => Some(error),
            Cause::Ended | Cause::Panic => None,
        }
    }

    /// How the end is reported to who waited for it: an error, unless it was asked for.
    pub(crate) fn outcome(self) -> io::Result<()> {
        match self.cause {
            Cause::Ended => Ok(()),
            Cause::Device(_) | Cause::Panic => Err(self.into()),
        }
    }
}

impl fmt::Display for StackGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Ended => f.write_str("the stack is shut down"),
            Cause::Device(error) => write!(f, "the stack's packet device failed: {error}"),
            Cause::Panic => f.write_str("the stack's driver panicked"),
        }
    }
}

impl std::error::Error for StackGone {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.device_error().map(|error| error as _)
    }
}

impl From<StackGone> for io::Error {
    fn from(gone: StackGone) -> Self {
        io::Error::new(ErrorKind::NetworkDown, gone)
    }
}

#[cfg(test)]
mod tests;
