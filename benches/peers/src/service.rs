//! What the ports serve.

/// Echoes what comes, as it comes.
pub(crate) const ECHO: u16 = 7001;
/// Reads and discards until the peer has finished, then closes.
pub(crate) const SINK: u16 = 7002;
/// Reads a number of bytes, eight of its own in network order, sends as many and closes.
pub(crate) const SOURCE: u16 = 7003;
/// Reads a byte, sends a byte, closes.
pub(crate) const REQUEST: u16 = 7004;
/// Accepts and holds until the peer has finished.
pub(crate) const IDLE: u16 = 7005;

/// All of them.
pub(crate) const PORTS: [u16; 5] = [ECHO, SINK, SOURCE, REQUEST, IDLE];

/// The source's bytes repeat after this many: the `i`th is `i % 251`.
pub(crate) const PERIOD: usize = 251;

/// A piece of what the source sends: `len` bytes can be taken from it at any offset below
/// [`PERIOD`].
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..PERIOD + len).map(|at| (at % PERIOD) as u8).collect()
}
