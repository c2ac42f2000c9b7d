//! Options, well and badly formed.

use crate::run::Probe;

/// The probes.
pub(crate) const PROBES: &[Probe] = &[
    ("MSS: none", "S 0; A 1 a1; accept, write 1072"),
    ("MSS: 0", "S 0 mss0; A 1 a1; accept, write 1072"),
    ("MSS: 1", "S 0 mss1; A 1 a1; accept, write 96"),
    ("MSS: 8", "S 0 mss8; A 1 a1; accept, write 96"),
    ("MSS: 48", "S 0 mss48; A 1 a1; accept, write 96"),
    ("MSS: 64", "S 0 mss64; A 1 a1; accept, write 128"),
    (
        "MSS: 64, with timestamps",
        "S 0 mss64 ts0; A 1 a1; accept, write 104",
    ),
    ("MSS: 536", "S 0 mss536; A 1 a1; accept, write 1072"),
    ("MSS: 1460", "S 0 mss1460; A 1 a1; accept, write 2920"),
    ("MSS: 65535", "S 0 mss65535; A 1 a1; accept, write 2920"),
    (
        "MSS: none in the SYN and ACK",
        "connect; SA 0 a1; write 1072",
    ),
    (
        "MSS: 1 in the SYN and ACK",
        "connect; SA 0 a1 mss1; write 96",
    ),
    ("MSS: outside a SYN", "open; A 1 a1 mss100; write 300"),
    (
        "MSS: of length 3",
        "S 0 opt:02030500; A 1 a1; accept, write 1072",
    ),
    (
        "MSS: twice",
        "S 0 opt:020402000204012c; A 1 a1; accept, write 1200",
    ),
    (
        "options: all",
        "S 0 mss1460 ws7 sok ts0; A 1 a1; accept, write 2896",
    ),
    (
        "options: in another order",
        "S 0 ts0 ws3 sok mss1000; A 1 a1; accept, write 1976",
    ),
    ("options: window scale alone", "S 0 mss1460 ws7"),
    (
        "options: window scale of 14",
        "S 0 mss1460 ws14; A 1 a1 w1; accept, write 14600",
    ),
    (
        "options: window scale of 15",
        "S 0 mss1460 ws15; A 1 a1 w1; accept, write 14600",
    ),
    (
        "options: window scale of 255",
        "S 0 mss1460 ws255; A 1 a1 w1; accept, write 14600",
    ),
    ("options: SACK permitted alone", "S 0 mss1460 sok"),
    ("options: timestamps alone", "S 0 mss1460 ts0"),
    (
        "options: timestamp of zero",
        "S 0 mss1460 opt:0101080a0000000000000000",
    ),
    ("options: SACK and scale", "S 0 mss1460 sok ws2"),
    (
        "options: the answer to all in the SYN and ACK",
        "connect; SA 0 a1 mss1460 ws7 sok ts0; write 10",
    ),
    (
        "options: none in the SYN and ACK",
        "connect; SA 0 a1 mss1460; write 10",
    ),
    ("options: length 0", "S 0 opt:02000000"),
    ("options: length 1", "S 0 opt:02010000"),
    ("options: unknown kind of length 0", "S 0 opt:fd000000"),
    ("options: unknown kind of length 1", "S 0 opt:fd010000"),
    ("options: past the end", "S 0 opt:02080000"),
    ("options: kind alone at the end", "S 0 opt:01010102"),
    ("options: unknown kind", "S 0 opt:fd040000020405b4"),
    (
        "options: MSS behind the end of the list",
        "S 0 opt:00000000020405b4; A 1 a1; accept, write 1072",
    ),
    (
        "options: good before bad",
        "S 0 mss1000 opt:fd000000; A 1 a1; accept, write 2000",
    ),
    (
        "options: SACK permitted of length 3",
        "S 0 mss1460 opt:04030000",
    ),
    (
        "options: timestamps of length 9",
        "S 0 mss1460 opt:080900000001000000000000",
    ),
    ("options: scale of length 4", "S 0 mss1460 opt:03040700"),
    (
        "options: forty of no operation",
        "S 0 opt:01010101010101010101010101010101010101010101010101010101010101010101010101010101",
    ),
    (
        "options: malformed in a connection",
        "open; PA 1 a1 d10 opt:fd000000; read",
    ),
    (
        "options: past the end in a connection",
        "open; PA 1 a1 d10 opt:08200000; read",
    ),
    (
        "options: MD5 signature",
        "open; PA 1 a1 d10 opt:131200000000000000000000000000000000000000; read",
    ),
    (
        "options: fast open cookie asked",
        "S 0 mss1460 opt:22020101",
    ),
    (
        "options: fast open with a cookie",
        "S 0 mss1460 opt:220a010203040506070801010101 d10",
    ),
    ("header: data offset of 4", "open; PA 1 a1 d10 off4; read"),
    ("header: data offset of 0", "open; PA 1 a1 d10 off0; read"),
    (
        "header: data offset past the end",
        "open; A 1 a1 off15; read",
    ),
    ("header: data offset of 15 in a SYN", "S 0 off15"),
    ("header: bad checksum", "open; PA 1 a1 d10 badsum; read"),
    ("header: reserved flags", "open; PAEC 1 a1 d10; read"),
    (
        "PAWS: older timestamp",
        "open ts1000; PA 1 a1 d10 ts1000; PA 11 a1 d10 ts900; read",
    ),
    (
        "PAWS: equal timestamp",
        "open ts1000; PA 1 a1 d10 ts1000; PA 11 a1 d10 ts1000; read",
    ),
    (
        "PAWS: newer timestamp",
        "open ts1000; PA 1 a1 d10 ts1100; read",
    ),
    ("PAWS: older timestamp on a RST", "open ts1000; R 1 ts0"),
    (
        "PAWS: older timestamp on an ACK",
        "open ts1000; A 1 a1 ts900; write 10; A 1 a11 ts900",
    ),
    (
        "PAWS: older timestamp on a FIN",
        "open ts1000; FA 1 a1 ts900; read",
    ),
    (
        "PAWS: half the circle ahead",
        "open ts0; PA 1 a1 d10 ts2147483640; PA 11 a1 d10 ts5; read",
    ),
    ("PAWS: no timestamp", "open ts1000; PA 1 a1 d10 nots; read"),
    (
        "PAWS: no timestamp on a FIN",
        "open ts1000; FA 1 a1 nots; read",
    ),
    ("PAWS: no timestamp on a RST", "open ts1000; R 1 nots"),
    (
        "PAWS: newer timestamp out of the window",
        "open ts1000; PA 900000 a1 d10 ts2000; PA 1 a1 d10 ts1500; read",
    ),
    (
        "PAWS: newer timestamp out of order",
        "open ts1000; PA 11 a1 d10 ts2000; PA 1 a1 d10 ts1500; read",
    ),
    (
        "PAWS: timestamps not agreed",
        "open; PA 1 a1 d10 opt:0101080a0000000100000001; read",
    ),
];
