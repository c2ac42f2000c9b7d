//! What some options are measured in: `1%`, `2bdp`, `10M`.

/// The room in a queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Room {
    /// In products of the rate and the round-trip time.
    Products(f64),
    Bytes(u64),
}

/// The number a text begins with, and what follows it.
fn split(text: &str) -> Option<(f64, &str)> {
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let (number, unit) = text.split_at(text.find(|c| !is_number(c)).unwrap_or(text.len()));
    Some((number.parse().ok()?, unit))
}

/// A probability: `1%` or `0.01`.
pub(crate) fn probability(text: &str) -> Result<f64, String> {
    let probability = match split(text) {
        Some((number, "%")) => Some(number / 100.0),
        Some((number, "")) => Some(number),
        _ => None,
    };
    probability
        .filter(|it| *it <= 1.0)
        .ok_or_else(|| "a share of the packets is like 1% or 0.01".to_owned())
}

/// Bytes: `1000`, `64K`, `10M`, `1G`.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let shift = |unit| match unit {
        "" => Some(0),
        "K" => Some(10),
        "M" => Some(20),
        "G" => Some(30),
        _ => None,
    };
    split(text)
        .and_then(|(number, unit)| Some((number * f64::from(1 << shift(unit)?)) as u64))
        .ok_or_else(|| "a size is like 1000, 64K, 10M or 1G".to_owned())
}

/// A queue: `1bdp`, `0.1bdp`, `64K`.
pub(crate) fn room(text: &str) -> Result<Room, String> {
    match split(text) {
        Some((number, "bdp")) => Ok(Room::Products(number)),
        _ => bytes(text)
            .map(Room::Bytes)
            .map_err(|_| "a queue is like 1bdp, 0.5bdp or 64K".to_owned()),
    }
}
