//! ICMP, IP headers, fragments and addresses.

use crate::run::Probe;

/// The probes.
pub(crate) const PROBES: &[Probe] = &[
    ("ICMP in SYN-SENT: network unreachable", "connect; icmp 3 0"),
    ("ICMP in SYN-SENT: host unreachable", "connect; icmp 3 1"),
    (
        "ICMP in SYN-SENT: protocol unreachable",
        "connect; icmp 3 2",
    ),
    ("ICMP in SYN-SENT: port unreachable", "connect; icmp 3 3"),
    (
        "ICMP in SYN-SENT: fragmentation needed",
        "connect; icmp 3 4 word1000; SA 0 a1 mss1460; write 1920",
    ),
    ("ICMP in SYN-SENT: source route failed", "connect; icmp 3 5"),
    ("ICMP in SYN-SENT: prohibited, network", "connect; icmp 3 9"),
    ("ICMP in SYN-SENT: prohibited, host", "connect; icmp 3 10"),
    ("ICMP in SYN-SENT: prohibited", "connect; icmp 3 13"),
    ("ICMP in SYN-SENT: unknown code", "connect; icmp 3 99"),
    ("ICMP in SYN-SENT: time exceeded", "connect; icmp 11 0"),
    (
        "ICMP in SYN-SENT: reassembly time exceeded",
        "connect; icmp 11 1",
    ),
    ("ICMP in SYN-SENT: parameter problem", "connect; icmp 12 0"),
    (
        "ICMP in SYN-SENT: source quench",
        "connect; icmp 4 0; SA 0 a1 mss1460; write 10",
    ),
    (
        "ICMP in SYN-SENT: port unreachable, wrong sequence",
        "connect; icmp 3 3 q1000",
    ),
    (
        "ICMP in SYN-SENT: port unreachable, wrong port",
        "connect; icmp 3 3 port9",
    ),
    (
        "ICMP in ESTABLISHED: network unreachable",
        "open; write 10; icmp 3 0 q1; A 1 a11; read",
    ),
    (
        "ICMP in ESTABLISHED: host unreachable",
        "open; write 10; icmp 3 1 q1; A 1 a11; read",
    ),
    (
        "ICMP in ESTABLISHED: protocol unreachable",
        "open; write 10; icmp 3 2 q1; A 1 a11; read",
    ),
    (
        "ICMP in ESTABLISHED: port unreachable",
        "open; write 10; icmp 3 3 q1; A 1 a11; read",
    ),
    (
        "ICMP in ESTABLISHED: port unreachable, out of flight",
        "open; write 10; icmp 3 3 q5000; A 1 a11; read",
    ),
    (
        "ICMP in ESTABLISHED: time exceeded",
        "open; write 10; icmp 11 0 q1; A 1 a11; read",
    ),
    (
        "ICMP in ESTABLISHED: parameter problem",
        "open; write 10; icmp 12 0 q1; A 1 a11; read",
    ),
    (
        "ICMP in ESTABLISHED: source quench",
        "open; write 10; icmp 4 0 q1; A 1 a11; read",
    ),
    (
        "ICMP in ESTABLISHED: redirect",
        "open; write 10; icmp 5 1 q1; A 1 a11; read",
    ),
    (
        "PTB: to 1000",
        "open; write 1400; icmp 3 4 word1000 q1; A 1 a1401; write 1920",
    ),
    (
        "PTB: to 68",
        "open; write 1400; icmp 3 4 word68 q1; A 1 a1401; write 1536",
    ),
    (
        "PTB: to 0",
        "open; write 1400; icmp 3 4 word0 q1; A 1 a1401; write 1536",
    ),
    (
        "PTB: to 552",
        "open; write 1400; icmp 3 4 word552 q1; A 1 a1401; write 1536",
    ),
    (
        "PTB: to more than it is",
        "open; write 1400; icmp 3 4 word9000 q1; A 1 a1401; write 1400",
    ),
    (
        "PTB: out of flight",
        "open; write 1400; icmp 3 4 word1000 q90000; A 1 a1401; write 1400",
    ),
    (
        "PTB: after the acknowledgement",
        "open; write 1400; A 1 a1401; icmp 3 4 word1000 q1; write 1400",
    ),
    (
        "ICMP in SYN-RECEIVED: port unreachable",
        "syn-received; icmp 3 3; A 1 a1; accept",
    ),
    (
        "ICMP in TIME-WAIT: port unreachable",
        "time-wait; icmp 3 3 q1",
    ),
    ("ICMP for nobody", "closed; icmp 3 3"),
    ("echo", "closed; echo d40"),
    ("echo: empty", "closed; echo"),
    ("echo: of 1400 bytes", "closed; echo d1400"),
    (
        "echo: to the limited broadcast",
        "closed; echo d40 dst:bcast",
    ),
    (
        "echo: to the subnet's broadcast",
        "closed; echo d40 dst:subnet",
    ),
    ("echo: to all hosts", "closed; echo d40 dst:mcast"),
    ("echo: to somebody else", "closed; echo d40 dst:away"),
    (
        "echo: from the limited broadcast",
        "closed; echo d40 src:bcast",
    ),
    (
        "echo: from a multicast address",
        "closed; echo d40 src:mcast",
    ),
    ("echo: from the loopback", "closed; echo d40 src:loop"),
    ("echo: from nowhere", "closed; echo d40 src:zero"),
    ("echo: bad checksum of the header", "closed; echo d40 ipsum"),
    ("echo: TTL of 1", "closed; echo d40 ttl1"),
    ("query: timestamp", "closed; query 13"),
    ("query: information", "closed; query 15"),
    ("query: address mask", "closed; query 17"),
    ("query: router", "closed; query 10"),
    ("query: an unknown type", "closed; query 200"),
    ("UDP: to nobody", "closed; udp"),
    ("UDP: to the subnet's broadcast", "closed; udp dst:subnet"),
    ("UDP: to all hosts", "closed; udp dst:mcast"),
    ("IP: unknown protocol", "closed; proto 200"),
    (
        "IP: unknown protocol, to the broadcast",
        "closed; proto 200 dst:subnet",
    ),
    ("IP: version 5", "S 0 mss1460 ver5"),
    ("IP: header of four words", "S 0 mss1460 ihl4"),
    ("IP: header past the end", "S 0 ihl15"),
    ("IP: total length past the end", "S 0 mss1460 tot1"),
    ("IP: total length in the header", "S 0 mss1460 tot-30"),
    ("IP: total length cuts the segment", "S 0 mss1460 tot-4"),
    ("IP: bad checksum", "S 0 mss1460 ipsum"),
    ("IP: TTL of 1", "S 0 mss1460 ttl1"),
    ("IP: TTL of 0", "S 0 mss1460 ttl0"),
    ("IP option: no operation", "S 0 mss1460 ipopt:01010101"),
    ("IP option: end of the list", "S 0 mss1460 ipopt:00000000"),
    ("IP option: router alert", "S 0 mss1460 ipopt:94040000"),
    (
        "IP option: record route",
        "S 0 mss1460 ipopt:0707040000000000",
    ),
    ("IP option: timestamp", "S 0 mss1460 ipopt:4408050000000000"),
    (
        "IP option: loose source route",
        "S 0 mss1460 ipopt:8307040a4d000500",
    ),
    (
        "IP option: strict source route",
        "S 0 mss1460 ipopt:8907040a4d000500",
    ),
    (
        "IP option: loose source route at its end",
        "S 0 mss1460 ipopt:8307080a4d000500",
    ),
    ("IP option: unknown", "S 0 mss1460 ipopt:9e040000"),
    ("IP option: length 0", "S 0 mss1460 ipopt:07000000"),
    ("IP option: length 1", "S 0 mss1460 ipopt:07010000"),
    ("IP option: past the end", "S 0 mss1460 ipopt:07080400"),
    ("IP option: on an echo", "closed; echo d40 ipopt:01010101"),
    ("fragments: of an echo", "closed; echo d40 frag:0-24+24-48"),
    ("fragments: in reverse", "closed; echo d40 frag:24-48+0-24"),
    ("fragments: one missing", "closed; echo d40 frag:0-16+24-48"),
    (
        "fragments: one twice",
        "closed; echo d40 frag:0-24+0-24+24-48",
    ),
    (
        "fragments: the last twice",
        "closed; echo d40 frag:24-48+24-48+0-24",
    ),
    ("fragments: overlap", "closed; echo d40 frag:0-32+24-48"),
    (
        "fragments: overlap by other bytes",
        "closed; echo d40 frag:0-24+16-32x+24-48",
    ),
    (
        "fragments: one in another",
        "closed; echo d40 frag:0-32+8-16x+32-48",
    ),
    (
        "fragments: the same range, other bytes",
        "closed; echo d40 frag:0-24x+0-24+24-48",
    ),
    (
        "fragments: length no multiple of eight",
        "closed; echo d40 frag:0-28+24-48",
    ),
    (
        "fragments: of eight bytes",
        "closed; echo d40 frag:0-8+8-16+16-24+24-32+32-40+40-48",
    ),
    (
        "fragments: beyond 65535",
        "closed; echo d40 frag:0-24+65520-65560",
    ),
    (
        "fragments: two ends",
        "closed; echo d40 frag:24-56+24-48+0-24",
    ),
    (
        "fragments: data behind the end",
        "closed; echo d40 frag:24-48+48-56+0-24",
    ),
    ("fragments: of a SYN", "S 0 mss1460 frag:0-16+16-24"),
    (
        "fragments: of a SYN, in its options",
        "S 0 mss1460 opt:0101010101010101 frag:0-24+24-32",
    ),
    (
        "fragments: of a SYN, the header whole",
        "S 0 mss1460 d24 frag:0-24+24-48",
    ),
    (
        "fragments: of data",
        "open; PA 1 a1 d100 frag:0-40+40-120; read",
    ),
    (
        "fragments: of data, reversed",
        "open; PA 1 a1 d100 frag:40-120+0-40; read",
    ),
    ("address: SYN from the host itself", "S 0 mss1460 src:host"),
    ("address: SYN from the loopback", "S 0 mss1460 src:loop"),
    ("address: SYN from nowhere", "S 0 mss1460 src:zero"),
    (
        "address: SYN from the limited broadcast",
        "S 0 mss1460 src:bcast",
    ),
    (
        "address: SYN from the subnet's broadcast",
        "S 0 mss1460 src:subnet",
    ),
    ("address: SYN from the subnet's zero", "S 0 mss1460 src:net"),
    (
        "address: SYN from a multicast address",
        "S 0 mss1460 src:mcast",
    ),
    ("address: SYN from class E", "S 0 mss1460 src:classe"),
    ("address: SYN from far away", "S 0 mss1460 src:away"),
    (
        "address: SYN to the limited broadcast",
        "S 0 mss1460 dst:bcast",
    ),
    (
        "address: SYN to the subnet's broadcast",
        "S 0 mss1460 dst:subnet",
    ),
    ("address: SYN to all hosts", "S 0 mss1460 dst:mcast"),
    ("address: SYN to somebody else", "S 0 mss1460 dst:away"),
    ("address: SYN to the loopback", "S 0 mss1460 dst:loop"),
    (
        "address: ACK to the subnet's broadcast",
        "closed; A 0 a1 dst:subnet",
    ),
    (
        "address: data to the subnet's broadcast",
        "open; PA 1 a1 d10 dst:subnet; read",
    ),
];
