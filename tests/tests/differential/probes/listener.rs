//! What comes to a listener, to nobody, and to a connection that opens.

use crate::run::Probe;

/// The probes.
pub(crate) const PROBES: &[Probe] = &[
    ("listener: no flags", "- 0"),
    ("listener: no flags, with data", "- 0 d10"),
    ("listener: FIN", "F 0"),
    ("listener: FIN, PSH and URG", "FPU 0"),
    ("listener: every flag", "FSRPAU 0 a1"),
    ("listener: SYN and FIN", "SF 0 mss1460"),
    ("listener: SYN and RST", "SR 0 mss1460"),
    ("listener: SYN, ACK and RST", "SRA 0 a1 mss1460"),
    ("listener: PSH", "P 0 d10"),
    ("listener: URG", "U 0 d10 u5"),
    ("listener: ACK", "A 0 a1"),
    ("listener: ACK with data", "PA 0 a1 d10"),
    ("listener: FIN and ACK", "FA 0 a1"),
    ("listener: SYN and ACK", "SA 0 a1 mss1460"),
    ("listener: RST", "R 0"),
    ("listener: RST and ACK", "RA 0 a1"),
    ("listener: bad checksum", "S 0 mss1460 badsum"),
    ("listener: SYN with data", "S 0 mss1460 d10; A 1 a1; accept"),
    (
        "listener: SYN with data, sent again",
        "S 0 mss1460 d10; PA 1 a1 d10; accept, read",
    ),
    ("listener: SYN and PSH", "SP 0 mss1460"),
    ("listener: SYN and URG", "SU 0 mss1460 u5"),
    ("listener: SYN asking for ECN", "SEC 0 mss1460"),
    ("listener: SYN with ECE alone", "SE 0 mss1460"),
    (
        "listener: SYN with a window of zero",
        "S 0 mss1460 w0; A 1 a1 w0; accept, write 10",
    ),
    ("listener: SYN from port 0", "S 0 mss1460 port0"),
    (
        "listener: SYN sent again",
        "S 0 mss1460; S 0 mss1460; A 1 a1; accept",
    ),
    ("nobody: SYN", "closed; S 0 mss1460"),
    ("nobody: SYN with data", "closed; S 0 mss1460 d10"),
    ("nobody: SYN and FIN", "closed; SF 0"),
    ("nobody: ACK", "closed; A 5 a7"),
    ("nobody: data", "closed; PA 5 a7 d10"),
    ("nobody: FIN", "closed; F 5"),
    ("nobody: FIN and ACK", "closed; FA 5 a7"),
    ("nobody: no flags", "closed; - 5"),
    ("nobody: no flags, with data", "closed; - 5 d10"),
    ("nobody: URG, PSH and FIN", "closed; FPU 5"),
    ("nobody: SYN and ACK", "closed; SA 0 a1"),
    ("nobody: RST", "closed; R 5"),
    ("nobody: RST and ACK", "closed; RA 5 a7"),
    ("nobody: bad checksum", "closed; S 0 badsum"),
    (
        "SYN-RECEIVED: ACK too high",
        "syn-received; A 1 a2; A 1 a1; accept",
    ),
    (
        "SYN-RECEIVED: ACK too low",
        "syn-received; A 1 a0; A 1 a1; accept",
    ),
    (
        "SYN-RECEIVED: ACK far off",
        "syn-received; A 1 a100000; accept",
    ),
    (
        "SYN-RECEIVED: ACK out of the window",
        "syn-received; A 200000 a1; A 1 a1; accept",
    ),
    ("SYN-RECEIVED: old ACK", "syn-received; A -10 a1; accept"),
    (
        "SYN-RECEIVED: data with the ACK",
        "syn-received; PA 1 a1 d10; accept, read",
    ),
    (
        "SYN-RECEIVED: data without ACK",
        "syn-received; P 1 d10; accept",
    ),
    (
        "SYN-RECEIVED: FIN with the ACK",
        "syn-received; FA 1 a1; accept, read",
    ),
    (
        "SYN-RECEIVED: data and FIN with the ACK",
        "syn-received; FPA 1 a1 d10; accept, read",
    ),
    ("SYN-RECEIVED: FIN without ACK", "syn-received; F 1; accept"),
    ("SYN-RECEIVED: RST", "syn-received; R 1; A 1 a1; accept"),
    (
        "SYN-RECEIVED: RST in the window",
        "syn-received; R 100; A 1 a1; accept",
    ),
    (
        "SYN-RECEIVED: RST out of the window",
        "syn-received; R 200000; A 1 a1; accept",
    ),
    (
        "SYN-RECEIVED: RST below",
        "syn-received; R 0; A 1 a1; accept",
    ),
    (
        "SYN-RECEIVED: SYN in the window",
        "syn-received; S 10 mss1460; A 1 a1; accept",
    ),
    (
        "SYN-RECEIVED: SYN out of the window",
        "syn-received; S 200000 mss1460; A 1 a1; accept",
    ),
    ("SYN-RECEIVED: SYN and ACK", "syn-received; SA 0 a1; accept"),
    (
        "SYN-RECEIVED: no flags",
        "syn-received; - 1; A 1 a1; accept",
    ),
    (
        "SYN-RECEIVED: the listener closes",
        "syn-received; unlisten; A 1 a1",
    ),
    (
        "SYN-RECEIVED: wrong echo of a timestamp",
        "syn-received ts0; A 1 a1 ecr1000; accept",
    ),
    (
        "SYN-RECEIVED: older timestamp",
        "syn-received ts1000; A 1 a1 ts0; accept",
    ),
    (
        "SYN-RECEIVED: no timestamp",
        "syn-received ts0; A 1 a1 nots; accept",
    ),
    ("SYN-SENT: SYN and ACK", "active"),
    (
        "SYN-SENT: SYN and ACK with data",
        "connect; SA 0 a1 mss1460 d10; read",
    ),
    (
        "SYN-SENT: SYN, ACK and FIN",
        "connect; SFA 0 a1 mss1460; read",
    ),
    (
        "SYN-SENT: ACK too high",
        "connect; SA 0 a2 mss1460; SA 0 a1 mss1460",
    ),
    (
        "SYN-SENT: ACK too low",
        "connect; SA 0 a0 mss1460; SA 0 a1 mss1460",
    ),
    ("SYN-SENT: ACK alone", "connect; A 0 a1"),
    ("SYN-SENT: ACK alone, too high", "connect; A 0 a2"),
    ("SYN-SENT: data", "connect; PA 0 a1 d10"),
    ("SYN-SENT: FIN and ACK", "connect; FA 0 a1"),
    ("SYN-SENT: FIN", "connect; F 0"),
    ("SYN-SENT: no flags", "connect; - 0"),
    ("SYN-SENT: RST and ACK", "connect; RA 0 a1"),
    ("SYN-SENT: RST and ACK too high", "connect; RA 0 a2"),
    ("SYN-SENT: RST and ACK too low", "connect; RA 0 a0"),
    ("SYN-SENT: RST", "connect; R 0"),
    ("SYN-SENT: SYN and RST", "connect; SR 0"),
    ("SYN-SENT: SYN, ACK and RST", "connect; SRA 0 a1"),
    ("SYN-SENT: SYN", "connect; S 0 mss1460; A 1 a1; write 10"),
    (
        "SYN-SENT: SYN, then SYN and ACK",
        "connect; S 0 mss1460; SA 0 a1 mss1460; write 10",
    ),
    ("SYN-SENT: SYN, then RST", "connect; S 0 mss1460; R 1"),
    ("SYN-SENT: SYN and FIN", "connect; SF 0 mss1460"),
    (
        "SYN-SENT: SYN with data",
        "connect; S 0 mss1460 d10; A 1 a1; read",
    ),
    (
        "SYN-SENT: SYN and ACK twice",
        "active; SA 0 a1 mss1460; write 10",
    ),
    (
        "SYN-SENT: SYN and ACK with other numbers",
        "active; SA 1000 a1 mss1460; write 10",
    ),
    (
        "SYN-SENT: window of zero",
        "connect; SA 0 a1 mss1460 w0; write 10; A 1 a1",
    ),
    (
        "SYN-SENT: window of five",
        "connect; SA 0 a1 mss1460 w5; write 10",
    ),
    ("SYN-SENT: closed", "connect; close; SA 0 a1 mss1460"),
    (
        "SYN-SENT: bad echo of the timestamp",
        "connect; SA 0 a1 mss1460 ts0 ecr9999; SA 0 a1 mss1460 ts0",
    ),
];
