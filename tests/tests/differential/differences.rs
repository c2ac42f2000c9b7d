//! Where our stack differs from Linux on purpose, as data.

/// Differences with one cause.
pub(crate) struct Difference {
    /// What our stack does.
    pub(crate) here: &'static str,
    /// What Linux does instead.
    pub(crate) linux: &'static str,
    /// Why, and where that is written.
    pub(crate) reason: &'static str,
    /// The probes in which it shows, with what only Linux and what only our stack does, lines apart
    /// by ` | `.
    pub(crate) cases: &'static [(&'static str, &'static str, &'static str)],
}

/// All of them.
pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        here: "flags on a SYN that nothing defines yet ask for accurate ECN",
        linux: "for nothing",
        reason: "RFC 9768 §3.1.3: what comes after it can be told apart later",
        cases: &[(
            "listener: SYN with ECE alone",
            "0: > SA 0 a1 w mss1460",
            "0: > SAC 0 a1 w mss1460 nop option172",
        )],
    },
    Difference {
        here: "a segment from port 0 is dropped",
        linux: "is answered",
        reason: "port 0 is reserved (RFC 6335 §6) and can be no connection's end",
        cases: &[("listener: SYN from port 0", "0: > SA 0 a1 w mss1460", "")],
    },
    Difference {
        here: "a SYN in the window of a half-open connection ends it silently",
        linux: "with a RST",
        reason: "RFC 9293 §3.10.7.4: back to LISTEN; nothing is said of a reset",
        cases: &[("SYN-RECEIVED: SYN in the window", "1: > RA zero a11 w0", "")],
    },
    Difference {
        here: "half-open connections are reset when their listener closes",
        linux: "are answered by a RST when their ACK comes",
        reason: "the peer need not find out by itself",
        cases: &[("SYN-RECEIVED: the listener closes", "", "1: > RA 1 a1 w0")],
    },
    Difference {
        here: "data and FIN in a SYN-ACK are taken",
        linux: "dropped; the peer has to send them again",
        reason: "RFC 9293 §3.10.7.3, eighth step",
        cases: &[
            (
                "SYN-SENT: SYN and ACK with data",
                "1: > A 1 a1 w | 2: read 0  EAGAIN",
                "1: > A 1 a11 w | 2: read 10 labcdefghi EAGAIN",
            ),
            (
                "SYN-SENT: SYN, ACK and FIN",
                "1: > A 1 a1 w | 2: read 0  EAGAIN | end: ESTABLISHED | end: read 0  EAGAIN",
                "1: > A 1 a2 w | 2: read 0  end | end: CLOSE-WAIT | end: read 0  end",
            ),
        ],
    },
    Difference {
        here: "a wrong acknowledgement in SYN-SENT is answered by a RST alone",
        linux: "and the SYN is sent again at once",
        reason: "the SYN's timer repeats it; a forger shall not make us send more",
        cases: &[
            (
                "SYN-SENT: ACK too high",
                "1: > S 0 w mss1460 sok ts(-1) nop ws",
                "",
            ),
            (
                "SYN-SENT: ACK too low",
                "1: > S 0 w mss1460 sok ts(-1) nop ws",
                "",
            ),
            (
                "SYN-SENT: ACK alone, too high",
                "1: > S 0 w mss1460 sok ts(-1) nop ws",
                "",
            ),
            (
                "SYN-SENT: RST and ACK too high",
                "1: > S 0 w mss1460 sok ts(-1) nop ws",
                "",
            ),
            (
                "SYN-SENT: RST and ACK too low",
                "1: > S 0 w mss1460 sok ts(-1) nop ws",
                "",
            ),
        ],
    },
    Difference {
        here: "the SYN-ACK of a simultaneous open holds the options that the peer's SYN had",
        linux: "all that its own SYN had",
        reason: "RFC 7323 §2.2, §3.2 and RFC 2018 §2: only in answer to the same option",
        cases: &[
            (
                "SYN-SENT: SYN",
                "1: > SA 0 a1 w mss1460 sok ts(-1) nop ws",
                "1: > SA 0 a1 w mss1460",
            ),
            (
                "SYN-SENT: SYN and FIN",
                "1: > SA 0 a1 w mss1460 sok ts(-1) nop ws",
                "1: > SA 0 a1 w mss1460",
            ),
            (
                "SYN-SENT: SYN with data",
                "1: > SA 0 a1 w mss1460 sok ts(-1) nop ws",
                "1: > SA 0 a1 w mss1460",
            ),
        ],
    },
    Difference {
        here: "in a simultaneous open the peer's SYN-ACK is not acknowledged again",
        linux: "it is",
        reason: "RFC 9293 §3.5, figure 7: our SYN-ACK has acknowledged it",
        cases: &[(
            "SYN-SENT: SYN, then SYN and ACK",
            "1: > SA 0 a1 w mss1460 sok ts(-1) nop ws | 2: > A 1 a1 w",
            "1: > SA 0 a1 w mss1460",
        )],
    },
    Difference {
        here: "a RST after a simultaneous open says that the connection was refused",
        linux: "that it was reset",
        reason: "RFC 9293 §3.10.7.4: an active open in SYN-RECEIVED was refused",
        cases: &[(
            "SYN-SENT: SYN, then RST",
            "1: > SA 0 a1 w mss1460 sok ts(-1) nop ws | end: read 0  ECONNRESET",
            "1: > SA 0 a1 w mss1460 | end: read 0  ECONNREFUSED",
        )],
    },
    Difference {
        here: "half of the largest window seen is worth a segment, however small",
        linux: "waits for a larger window",
        reason: "RFC 9293 §3.8.6.2.1 (3)",
        cases: &[("SYN-SENT: window of five", "", "2: > A 1 a1 w d5")],
    },
    Difference {
        here: "a segment that shrinks the window and acknowledges nothing is believed",
        linux: "only if the window is zero",
        reason: "RFC 9293 §3.10.7.4: SND.WL1 and SND.WL2 decide",
        cases: &[
            ("window: of five", "4: > PA 1 a1 w d10", "5: > A 1 a1 w"),
            ("window: shrunk", "4: > PA 2921 a1 w d1460", ""),
        ],
    },
    Difference {
        here: "unknown options are skipped, the MD5 signature (RFC 2385) among them",
        linux: "drops a segment with a signature it did not ask for",
        reason: "RFC 9293 MUST-6",
        cases: &[(
            "options: MD5 signature",
            "4: read 0  EAGAIN",
            "3: > A 1 a11 w | 4: read 10 abcdefghij EAGAIN",
        )],
    },
    Difference {
        here: "an acknowledgement with an old timestamp is answered, data or not",
        linux: "drops a pure one silently if it is but a little late",
        reason: "RFC 7323 §5.3, R1",
        cases: &[(
            "PAWS: older timestamp on an ACK",
            "5: > A 11 a1 w nop nop ts(1000)",
            "3: > A 1 a1 w nop nop ts(1000)",
        )],
    },
    Difference {
        here: "every call reports the error that ended the connection",
        linux: "the first one; then end of stream and EPIPE",
        reason: "one error, one answer, whoever asks",
        cases: &[
            (
                "RST: behind data unread",
                "6: read 0  end | 7: write EPIPE | end: read 0  end",
                "6: read 0  ECONNRESET | 7: write ECONNRESET | end: read 0  ECONNRESET",
            ),
            ("CLOSE-WAIT: RST", "6: write EPIPE", "6: write ECONNRESET"),
            (
                "FIN-WAIT-1: RST",
                "end: read 0  end",
                "end: read 0  ECONNRESET",
            ),
            (
                "FIN-WAIT-2: RST",
                "end: read 0  end",
                "end: read 0  ECONNRESET",
            ),
        ],
    },
    Difference {
        here: "a RST at the right edge of selectively acknowledged data is challenged",
        linux: "resets",
        reason: "RFC 5961 §3.2: only RCV.NXT resets",
        cases: &[(
            "RST: at the right edge of SACKed data",
            "end: CLOSED | end: read 0  ECONNRESET",
            "4: > A 1 a1 w nop nop sb11-21 | end: ESTABLISHED | end: read 0  EAGAIN",
        )],
    },
    Difference {
        here: "of bytes that came twice out of order the first count",
        linux: "those that came in order",
        reason: "RFC 9293 §3.10.7.4 leaves it open; an injected copy comes later",
        cases: &[(
            "data: ahead, overlapped by other bytes",
            "5: read 20 xxxxxxxxxxxxxxxxxxxx EAGAIN",
            "5: read 20 xxxxxxxxxxklmnopqrst EAGAIN",
        )],
    },
    Difference {
        here: "urgent bytes stay in the stream",
        linux: "one is taken out",
        reason: "RFC 6093 §5",
        cases: &[
            (
                "urgent: a byte",
                "4: read 9 abcdefghi EAGAIN",
                "4: read 10 abcdefghij EAGAIN",
            ),
            (
                "urgent: pointer of zero",
                "4: read 9 bcdefghij EAGAIN",
                "4: read 10 abcdefghij EAGAIN",
            ),
            (
                "urgent: pointer in the middle",
                "4: read 9 abcdfghij EAGAIN",
                "4: read 10 abcdefghij EAGAIN",
            ),
            (
                "urgent: pointer past the data",
                "5: read 29 abcdefghijklmnopqrsuvwabcdefg EAGAIN",
                "5: read 30 abcdefghijklmnopqrstuvwabcdefg EAGAIN",
            ),
            (
                "urgent: without data",
                "5: read 9 abcdfghij EAGAIN",
                "5: read 10 abcdefghij EAGAIN",
            ),
        ],
    },
    Difference {
        here: "the tail of a large write waits for an acknowledgement",
        linux: "is sent at once (Minshall)",
        reason: "Nagle's rule as RFC 9293 §3.7.4 has it",
        cases: &[(
            "write: a segment and a bit",
            "3: > PA 1461 a1 w d10",
            "4: > PA 1461 a1 w d10",
        )],
    },
    Difference {
        here: "a FIN that came ahead ends the stream, whatever comes after its number",
        linux: "is forgotten when data goes beyond it",
        reason: "RFC 9293 §3.10.7.4: nothing follows a FIN",
        cases: &[(
            "FIN: ahead, and data beyond it",
            "4: > A 1 a21 w | 5: read 20 abcdefghijklmnopqrst EAGAIN | end: ESTABLISHED | end: read 0  EAGAIN",
            "4: > A 1 a12 w | 5: read 10 abcdefghij end | end: CLOSE-WAIT | end: read 0  end",
        )],
    },
    Difference {
        here: "data beyond the peer's FIN is ignored",
        linux: "resets the connection",
        reason: "RFC 9293 §3.10.7.4, seventh step: ignore the segment text",
        cases: &[(
            "CLOSE-WAIT: data over the FIN",
            "4: > R 1 w0 | end: CLOSED",
            "end: CLOSE-WAIT",
        )],
    },
    Difference {
        here: "a SYN in FIN-WAIT-2 is challenged, whether the application is gone or not",
        linux: "resets when it is gone",
        reason: "RFC 5961 §4.2",
        cases: &[(
            "FIN-WAIT-2: closed, then SYN",
            "6: > RA zero a2 w0 | end: CLOSED",
            "6: > A 2 a1 w | end: FIN-WAIT-2",
        )],
    },
    Difference {
        here: "a repeated FIN in CLOSING is acknowledged even if it acknowledges ours",
        linux: "is not",
        reason: "RFC 9293 §3.10.7.4, first step: it is not acceptable",
        cases: &[("CLOSING: FIN again, with ACK", "", "5: > A 2 a2 w")],
    },
    Difference {
        here: "a RST does not end TIME-WAIT",
        linux: "does, unless `tcp_rfc1337` is set",
        reason: "RFC 1337 §3",
        cases: &[("TIME-WAIT: RST", "end: CLOSED", "end: TIME-WAIT")],
    },
    Difference {
        here: "a SYN at RCV.NXT opens anew from TIME-WAIT",
        linux: "only one above it",
        reason: "RFC 9293 §3.6.1, MAY-2: larger than the largest number used",
        cases: &[(
            "TIME-WAIT: SYN just above",
            "6: > A 2 a2 w | end: TIME-WAIT",
            "6: > SA 0 a3 w mss1460 | end: SYN-RECEIVED",
        )],
    },
    Difference {
        here: "an old SYN in TIME-WAIT is dropped in silence",
        linux: "is answered by an ACK",
        reason: "RFC 6191 §2; a peer that lost its state answers an ACK with a RST",
        cases: &[
            ("TIME-WAIT: lower SYN", "6: > A 2 a2 w", ""),
            ("TIME-WAIT: the same SYN", "6: > A 2 a2 w", ""),
            (
                "TIME-WAIT: higher SYN, older timestamp",
                "6: > A 2 a2 w nop nop ts(1000)",
                "",
            ),
            ("TIME-WAIT: higher SYN, no listener", "7: > A 2 a2 w", ""),
        ],
    },
    Difference {
        here: "ICMP network, host, time-exceeded and parameter errors never end an open",
        linux: "do",
        reason: "RFC 9293 MUST-56: a route may come back, and anyone can forge the error",
        cases: &[
            (
                "ICMP in SYN-SENT: network unreachable",
                "end: CLOSED | end: read 0  ENETUNREACH",
                "end: SYN-SENT | end: read 0  EAGAIN",
            ),
            (
                "ICMP in SYN-SENT: host unreachable",
                "end: CLOSED | end: read 0  EHOSTUNREACH",
                "end: SYN-SENT | end: read 0  EAGAIN",
            ),
            (
                "ICMP in SYN-SENT: source route failed",
                "end: CLOSED | end: read 0  EOPNOTSUPP",
                "end: SYN-SENT | end: read 0  EAGAIN",
            ),
            (
                "ICMP in SYN-SENT: time exceeded",
                "end: CLOSED | end: read 0  EHOSTUNREACH",
                "end: SYN-SENT | end: read 0  EAGAIN",
            ),
            (
                "ICMP in SYN-SENT: parameter problem",
                "end: CLOSED | end: read 0  EPROTO",
                "end: SYN-SENT | end: read 0  EAGAIN",
            ),
        ],
    },
    Difference {
        here: "protocol unreachable refuses an open like port unreachable",
        linux: "has an error of its own",
        reason: "RFC 9293 SHLD-26: both say that nobody is there",
        cases: &[(
            "ICMP in SYN-SENT: protocol unreachable",
            "end: read 0  ENOPROTOOPT",
            "end: read 0  ECONNREFUSED",
        )],
    },
    Difference {
        here: "packet too big without an MTU brings the path to the next plateau",
        linux: "to 552 bytes",
        reason: "RFC 1191 §7.1",
        cases: &[(
            "PTB: to 0",
            "6: > A 1401 a1 w d512 | 6: > A 1913 a1 w d512 | 6: > PA 2425 a1 w d512",
            "6: > A 1401 a1 w d1452",
        )],
    },
    Difference {
        here: "an ICMP timestamp request is not answered",
        linux: "is",
        reason: "RFC 1122 §3.2.2.8 leaves it open; it tells strangers the clock",
        cases: &[("query: timestamp", "1: > icmp 14 0", "")],
    },
    Difference {
        here: "a malformed IP option is dropped in silence",
        linux: "with a parameter problem",
        reason: "RFC 1122 §3.2.2.5 leaves it open; no answer to what only a forger sends",
        cases: &[
            ("IP option: length 0", "0: > icmp 12 0 word 0x14000000", ""),
            ("IP option: length 1", "0: > icmp 12 0 word 0x14000000", ""),
            (
                "IP option: past the end",
                "0: > icmp 12 0 word 0x14000000",
                "",
            ),
        ],
    },
    Difference {
        here: "a fragment within another drops the datagram unless it is an exact duplicate",
        linux: "is ignored",
        reason: "overlap is an attack, never an accident (RFC 5722)",
        cases: &[("fragments: one in another", "1: > icmp 0 0 d40", "")],
    },
    Difference {
        here: "a fragment whose length is no multiple of eight is dropped, but for the last",
        linux: "is cut",
        reason: "RFC 791 §3.2: offsets count eight bytes",
        cases: &[(
            "fragments: length no multiple of eight",
            "1: > icmp 0 0 d40",
            "",
        )],
    },
    Difference {
        here: "the first fragment has to hold the whole TCP header",
        linux: "any size is put together",
        reason: "RFC 1858 §3, RFC 7112 §5",
        cases: &[
            (
                "fragments: of a SYN",
                "0: > SA 0 a1 w mss1460 | end: SYN-RECEIVED",
                "end: CLOSED",
            ),
            (
                "fragments: of a SYN, in its options",
                "0: > SA 0 a1 w mss1460 | end: SYN-RECEIVED",
                "end: CLOSED",
            ),
        ],
    },
    Difference {
        here: "a packet from the subnet's broadcast address is dropped",
        linux: "is answered",
        reason: "RFC 1122 §3.2.1.3: no source may be a broadcast address",
        cases: &[(
            "address: SYN from the subnet's broadcast",
            "0: > SA 0 a1 w mss1460",
            "",
        )],
    },
    Difference {
        here: "a packet from 240.0.0.0/4 is dropped",
        linux: "is answered",
        reason: "RFC 1112 §4: reserved",
        cases: &[("address: SYN from class E", "0: > SA 0 a1 w mss1460", "")],
    },
];
