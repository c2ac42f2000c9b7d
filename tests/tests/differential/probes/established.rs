//! What comes to an established connection.

use crate::run::Probe;

/// The probes.
pub(crate) const PROBES: &[Probe] = &[
    ("RST: exact", "open; R 1"),
    ("RST: exact, with ACK", "open; RA 1 a1"),
    (
        "RST: exact, with an ACK of what was never sent",
        "open; RA 1 a5000",
    ),
    ("RST: exact, with data", "open; R 1 d10"),
    ("RST: one above", "open; R 2; PA 1 a1 d10; read"),
    ("RST: in the window", "open; R 1000; PA 1 a1 d10; read"),
    ("RST: one below", "open; R 0; PA 1 a1 d10; read"),
    ("RST: far below", "open; R -100000; PA 1 a1 d10; read"),
    (
        "RST: out of the window",
        "open; R 1000000; PA 1 a1 d10; read",
    ),
    (
        "RST: behind data unread",
        "open; PA 1 a1 d10; R 11; read; read; write 10",
    ),
    (
        "RST: at the right edge of SACKed data",
        "open sok; PA 11 a1 d10; R 21",
    ),
    ("RST: twice in the window", "open; R 1000; R 1001"),
    (
        "RST: two challenges in one step",
        "open; R 1000, R 1001, R 1002",
    ),
    ("SYN: exact", "open; S 1 mss1460; PA 1 a1 d10; read"),
    (
        "SYN: the same again",
        "open; S 0 mss1460; PA 1 a1 d10; read",
    ),
    ("SYN: in the window", "open; S 1000; PA 1 a1 d10; read"),
    (
        "SYN: out of the window",
        "open; S 1000000; PA 1 a1 d10; read",
    ),
    ("SYN: below", "open; S -1000; PA 1 a1 d10; read"),
    ("SYN: with ACK", "open; SA 1 a1; PA 1 a1 d10; read"),
    (
        "SYN: the handshake's with ACK",
        "open; SA 0 a1; PA 1 a1 d10; read",
    ),
    ("SYN: with RST", "open; SR 1"),
    ("SYN: with FIN", "open; SF 1; PA 1 a1 d10; read"),
    ("SYN: with data", "open; S 1 d10; PA 1 a1 d10; read"),
    ("flags: none", "open; - 1; read"),
    ("flags: none, with data", "open; - 1 d10; read"),
    ("flags: FIN without ACK", "open; F 1; read"),
    ("flags: PSH without ACK", "open; P 1 d10; read"),
    ("ACK: the same again", "open; A 1 a1; A 1 a1"),
    ("ACK: of what was never sent", "open; A 1 a2; write 10"),
    (
        "ACK: of what was never sent, with data",
        "open; PA 1 a100 d10; read",
    ),
    ("ACK: far ahead", "open; A 1 a1000000; write 10"),
    ("ACK: one below", "open; A 1 a0; write 10"),
    ("ACK: one below, with data", "open; PA 1 a0 d10; read"),
    ("ACK: far below", "open; A 1 a-1000000; write 10"),
    (
        "ACK: far below, with data",
        "open; PA 1 a-1000000 d10; read",
    ),
    (
        "ACK: too old by more than the window",
        "open; PA 1 a-70000 d10; read",
    ),
    (
        "ACK: half of what was sent",
        "open; write 100; A 1 a51; A 1 a101",
    ),
    (
        "ACK: more than was sent",
        "open; write 100; A 1 a102; A 1 a101",
    ),
    (
        "ACK: of an old one, after newer",
        "open; write 100; A 1 a101; A 1 a51; write 10",
    ),
    ("ACK: out of the window, below", "open; A 0 a1"),
    ("ACK: out of the window, far below", "open; A -1000 a1"),
    ("ACK: out of the window, above", "open; A 1000000 a1"),
    (
        "ACK: five out of the window in one step",
        "open; A -9 a1, A -9 a1, A -9 a1, A -9 a1, A -9 a1",
    ),
    ("ACK: ahead in the window", "open; A 1000 a1; write 10"),
    ("data: in order", "open; PA 1 a1 d10; read"),
    (
        "data: two segments",
        "open; A 1 a1 d1460, PA 1461 a1 d1460; read",
    ),
    ("data: without PSH", "open; A 1 a1 d10; read"),
    ("data: old", "open; PA 1 a1 d10; PA 1 a1 d10; read"),
    ("data: old and new", "open; PA 1 a1 d10; PA 1 a1 d20; read"),
    (
        "data: overlap on the left",
        "open; PA 1 a1 d10; PA 6 a1 d10; read",
    ),
    (
        "data: the first byte before the window",
        "open; PA 0 a1 d10; read",
    ),
    ("data: ahead", "open; PA 11 a1 d10; read; PA 1 a1 d10; read"),
    (
        "data: ahead, twice",
        "open; PA 11 a1 d10; PA 11 a1 d10; PA 1 a1 d10; read",
    ),
    (
        "data: ahead, overlapped",
        "open; PA 11 a1 d10; PA 1 a1 d15; read",
    ),
    (
        "data: ahead, overlapped by other bytes",
        "open; PA 11 a1 d10; PA 1 a1 x20; read",
    ),
    ("data: behind the window", "open; PA 1000000 a1 d10; read"),
    ("data: far below the window", "open; PA -1000 a1 d10; read"),
    (
        "data: one byte below, empty window of a keepalive",
        "open; A 0 a1; A 0 a1 x1; read",
    ),
    (
        "data: with a window of zero",
        "open; PA 1 a1 d10 w0; write 10; A 11 a1",
    ),
    (
        "SACK: one hole",
        "open sok; PA 11 a1 d10; PA 1 a1 d10; read",
    ),
    (
        "SACK: two holes",
        "open sok; PA 11 a1 d10; PA 31 a1 d10; PA 1 a1 d10; PA 21 a1 d10; read",
    ),
    (
        "SACK: three holes",
        "open sok; PA 11 a1 d10; PA 31 a1 d10; PA 51 a1 d10; PA 21 a1 d10; read",
    ),
    (
        "SACK: five ranges",
        "open sok; PA 11 a1 d5; PA 21 a1 d5; PA 31 a1 d5; PA 41 a1 d5; PA 51 a1 d5",
    ),
    (
        "SACK: five ranges, with timestamps",
        "open sok ts0; PA 11 a1 d5; PA 21 a1 d5; PA 31 a1 d5; PA 41 a1 d5; PA 51 a1 d5",
    ),
    (
        "SACK: ranges that merge",
        "open sok; PA 11 a1 d10; PA 31 a1 d10; PA 21 a1 d10; read",
    ),
    (
        "SACK: a range that grows to the left",
        "open sok; PA 21 a1 d10; PA 11 a1 d15; read",
    ),
    (
        "D-SACK: old data",
        "open sok; PA 1 a1 d10; PA 1 a1 d10; read",
    ),
    (
        "D-SACK: far below",
        "open sok; PA 1 a1 d100; PA 20 a1 d10; read",
    ),
    (
        "D-SACK: old and new",
        "open sok; PA 1 a1 d10; PA 1 a1 d20; read",
    ),
    (
        "D-SACK: the same ahead twice",
        "open sok; PA 11 a1 d10; PA 11 a1 d10",
    ),
    (
        "D-SACK: part of what is ahead",
        "open sok; PA 11 a1 d20; PA 16 a1 d5",
    ),
    (
        "D-SACK: over a hole",
        "open sok; PA 11 a1 d10; PA 1 a1 d20; read",
    ),
    (
        "SACK: ahead of what was sent",
        "open sok; write 10; A 1 a1 sb5000-6000; A 1 a11",
    ),
    (
        "SACK: reversed",
        "open sok; write 10; A 1 a1 sb9-5; A 1 a11",
    ),
    (
        "SACK: of acknowledged data",
        "open sok; write 10; A 1 a11; A 1 a11 sb1-5; write 10",
    ),
    ("SACK: not agreed", "open; write 10; A 1 a1 sb5-9; A 1 a11"),
    ("window: zero", "open; A 1 a1 w0; write 10; A 1 a1"),
    (
        "window: zero by an old segment",
        "open; PA 1 a1 d10; A 1 a1 w0; write 10",
    ),
    ("window: of five", "open; A 1 a1 w5; write 10; A 1 a6 w5"),
    (
        "window: shrunk",
        "open; A 1 a1 w3000; write 4380; A 1 a1 w10; A 1 a2921 w10",
    ),
    ("keepalive: without data", "open; A 0 a1"),
    ("keepalive: with a byte", "open; A 0 a1 x1"),
    ("keepalive: after data", "open; PA 1 a1 d10; A 10 a1; read"),
    ("urgent: a byte", "open; PAU 1 a1 d10 u10; read"),
    ("urgent: pointer of zero", "open; PAU 1 a1 d10 u0; read"),
    (
        "urgent: pointer in the middle",
        "open; PAU 1 a1 d10 u5; read",
    ),
    (
        "urgent: pointer past the data",
        "open; PAU 1 a1 d10 u20; PA 11 a1 d20; read",
    ),
    (
        "urgent: pointer of 65535",
        "open; PAU 1 a1 d10 u65535; read",
    ),
    (
        "urgent: pointer without the flag",
        "open; PA 1 a1 d10 u5; read",
    ),
    (
        "urgent: without data",
        "open; AU 1 a1 u5; PA 1 a1 d10; read",
    ),
    (
        "write: small ones, Nagle",
        "open; write 10, write 10, write 10; A 1 a11; A 1 a31",
    ),
    (
        "write: a segment and a bit",
        "open; write 1470; A 1 a1461; A 1 a1471",
    ),
    (
        "wrap: data across the end of the sequence space",
        "open; PA 1 a1 d1000; PA 1001 a1 d1000; read",
    ),
    (
        "ECN: congestion experienced echoed without ECN",
        "open; PAE 1 a1 d10; write 10; read",
    ),
];
