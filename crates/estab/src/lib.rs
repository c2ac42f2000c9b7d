//! TCP as a Rust library: tokio streams and listeners over a TUN or any packet device.
