//! What was counted during a measurement: it tells why one went wrong.

use std::fmt;
use std::fs;

use crate::usage::Shares;

/// What both ends have counted since they were made, which was for this measurement alone.
#[derive(Default)]
pub(crate) struct Evidence {
    /// By the stack under test, if its server tells.
    pub(crate) stack: Option<String>,
    /// By the kernel, on the client's side.
    pub(crate) kernel: String,
    /// Who had the processors.
    pub(crate) shares: Shares,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stack = self.stack.as_deref().unwrap_or("says nothing");
        let Shares {
            elapsed,
            client: [client, kept],
            server: [server, waited],
            others,
            stolen,
        } = self.shares;
        writeln!(f, "stack: {stack}\nkernel: {}", self.kernel)?;
        write!(
            f,
            "of {elapsed:.3} s the client ran {client:.3} and waited for a processor {kept:.3}, the server \
             ran {server:.3} and waited {waited:.3}; others ran {others:.2}, and {stolen:.2} were stolen"
        )
    }
}

/// Those of the counters that are not zero, each with its name.
pub(crate) fn counters<N: fmt::Display>(all: impl IntoIterator<Item = (N, u64)>) -> String {
    let counted = all.into_iter().filter(|(_, count)| *count > 0);
    let texts: Vec<_> = counted
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    texts.join(", ")
}

/// The kernel's counters of TCP in this thread's network, and what its interfaces dropped.
pub(crate) fn kernel() -> String {
    let read = |file| fs::read_to_string(format!("/proc/thread-self/net/{file}"));
    let [snmp, netstat, dev] = ["snmp", "netstat", "dev"].map(|it| read(it).unwrap_or_default());
    let all = table(&snmp, "Tcp:")
        .chain(table(&netstat, "TcpExt:"))
        .filter(|(name, _)| !SETTINGS.contains(name))
        .map(|(name, count)| (name.to_owned(), count));
    counters(all.chain(drops(&dev)))
}

/// What stands among the counters and counts nothing.
const SETTINGS: [&str; 4] = ["RtoAlgorithm", "RtoMin", "RtoMax", "MaxConn"];

/// A line of names and one of values, both of which begin with `head`.
fn table<'a>(text: &'a str, head: &'static str) -> impl Iterator<Item = (&'a str, u64)> {
    let mut lines = text.lines().filter_map(move |line| line.strip_prefix(head));
    let mut words = || lines.next().unwrap_or_default().split_whitespace();
    let (names, values) = (words(), words());
    names.zip(values.map(|value| value.parse().unwrap_or(0)))
}

/// The columns of `/proc/net/dev` that count drops, on receipt and on sending.
fn drops(dev: &str) -> impl Iterator<Item = (String, u64)> {
    let interfaces = dev.lines().filter_map(|line| line.split_once(':'));
    interfaces.flat_map(|(name, counts)| {
        let counts: Vec<_> = counts.split_whitespace().collect();
        let drops = |column: usize| counts.get(column).and_then(|it| it.parse().ok());
        [(3, "in"), (11, "out")].map(|(column, way)| {
            let name = format!("{} drops {way}", name.trim());
            (name, drops(column).unwrap_or(0))
        })
    })
}
