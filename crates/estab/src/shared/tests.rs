use super::*;

/// An idle connection's share of the async side, beside the protocol's record.
#[test]
fn an_idle_connection_is_small() {
    assert!(size_of::<Conn>() <= 384, "{} bytes", size_of::<Conn>());
}
