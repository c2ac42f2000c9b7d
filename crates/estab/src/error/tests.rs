use super::*;

#[test]
fn each_failure_has_the_kind_a_kernel_socket_reports() {
    for (error, kind) in [
        (ConnectionError::Refused, ErrorKind::ConnectionRefused),
        (ConnectionError::Reset, ErrorKind::ConnectionReset),
        (ConnectionError::Aborted, ErrorKind::ConnectionAborted),
        (ConnectionError::TimedOut, ErrorKind::TimedOut),
        (ConnectionError::HostUnreachable, ErrorKind::HostUnreachable),
        (
            ConnectionError::NetworkUnreachable,
            ErrorKind::NetworkUnreachable,
        ),
        (ConnectionError::DeviceLost, ErrorKind::NetworkDown),
    ] {
        let reported = connection(error);
        assert_eq!(reported.kind(), kind);
        let inner = reported
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<ConnectionError>());
        assert_eq!(inner, Some(&error));
        assert_eq!(call(CallError::Ended(error)).kind(), kind);
    }
    assert_eq!(
        connect(ConnectError::PortsExhausted).kind(),
        ErrorKind::AddrNotAvailable
    );
    assert_eq!(
        connect(ConnectError::AddressInUse).kind(),
        ErrorKind::AddrInUse
    );
    assert_eq!(
        listen(ListenError::AddressInUse).kind(),
        ErrorKind::AddrInUse
    );
    assert_eq!(call(CallError::Closing).kind(), ErrorKind::BrokenPipe);
}

#[test]
fn a_lost_device_is_named_in_every_later_error() {
    let device = io::Error::from_raw_os_error(5);
    let gone = StackGone::new(Some(Arc::new(device)));
    let error = io::Error::from(gone);
    assert_eq!(error.kind(), ErrorKind::NetworkDown);
    let gone = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<StackGone>());
    assert_eq!(
        gone.and_then(StackGone::device_error)
            .and_then(io::Error::raw_os_error),
        Some(5)
    );
}
