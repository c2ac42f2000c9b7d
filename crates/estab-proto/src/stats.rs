//! Stack-wide counters, with a reason for each drop.

use core::ops::AddAssign;

/// Defines the counters once: the struct and a way to walk over it by name.
macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters since the stack was made. They only grow; taking the difference of two
        /// snapshots gives what happened between them.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Stats {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Stats {
            /// Every counter with its name, in the order of declaration.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name),)*].into_iter()
            }
        }

        /// What several stacks have counted together.
        impl AddAssign for Stats {
            fn add_assign(&mut self, other: Self) {
                $(self.$name = self.$name.saturating_add(other.$name);)*
            }
        }
    };
}

counters! {
    /// IP packets handed in.
    packets_in,
    /// Bytes of these packets.
    bytes_in,
    /// IP packets handed out.
    packets_out,
    /// Bytes of these packets.
    bytes_out,
    /// Dropped: neither IPv4 nor IPv6, or a malformed IP header.
    drop_ip_malformed,
    /// Dropped: IPv4 header checksum wrong.
    drop_ip_checksum,
    /// Dropped: source address cannot be one host's (RFC 9293 MUST-63), or is our own.
    drop_ip_source,
    /// Dropped: destination is not ours, or is a broadcast or multicast address (MUST-57).
    drop_ip_destination,
    /// Dropped: source-routed IPv4, unless the route is complete, well-formed, a TCP segment's, and
    /// [`StackConfig::source_routes`](crate::config::StackConfig::source_routes) is set.
    drop_ip_source_route,
    /// Dropped: malformed or refused IPv6 extension headers, source routes (type 0) among them.
    drop_ip_extension,
    /// Dropped: a transport protocol that is not spoken.
    drop_ip_protocol,
    /// Fragments received.
    fragments_in,
    /// Datagrams completed from fragments.
    reassembled,
    /// Fragments dropped: overlap, bad length, caps or timeout.
    drop_fragment,
    /// TCP segments received with a good checksum.
    segments_in,
    /// TCP segments sent.
    segments_out,
    /// Dropped: TCP header malformed.
    drop_tcp_malformed,
    /// Dropped: TCP checksum wrong (MUST-3).
    drop_tcp_checksum,
    /// Segments whose options were malformed: read up to the malformation (MUST-7).
    tcp_bad_options,
    /// Dropped: a segment to no connection and no listener; answered with a RST unless it was one.
    drop_tcp_no_connection,
    /// Dropped: segment to a listener that is neither a SYN nor a valid handshake ACK.
    drop_tcp_listen,
    /// Dropped: sequence number outside the window (RFC 9293 §3.10.7.4 first).
    drop_tcp_sequence,
    /// Dropped: old timestamp (RFC 7323 §5.3, PAWS).
    drop_tcp_paws,
    /// Dropped: timestamp missing although negotiated (RFC 7323 §3.2).
    drop_tcp_missing_timestamp,
    /// Dropped: RST that does not hit RCV.NXT (RFC 5961 §3).
    drop_tcp_rst,
    /// Dropped: SYN on a synchronized connection (RFC 5961 §4).
    drop_tcp_syn,
    /// Dropped: acknowledgement out of range (RFC 5961 §5, RFC 9293 fifth).
    drop_tcp_ack,
    /// Dropped: segment without ACK on a synchronized connection.
    drop_tcp_no_ack,
    /// Payload bytes refused because the receive caps were reached.
    refused_recv_bytes,
    /// Payload bytes refused because all connections together held what they may
    /// ([`Limits::buffer_bytes`](crate::config::Limits::buffer_bytes)): their peers send them again.
    refused_memory_bytes,
    /// Payload bytes held beyond a hole and dropped to make room for those of others: their peers
    /// send them again (RFC 2018 §8).
    pruned_bytes,
    /// Challenge ACKs sent (RFC 5961).
    challenge_acks,
    /// Challenge or duplicate ACKs withheld by the per-connection rate limit.
    acks_limited,
    /// RSTs sent.
    resets_out,
    /// Valid RSTs received.
    resets_in,
    /// Active opens started.
    active_opens,
    /// Passive opens completed.
    passive_opens,
    /// Opens that failed.
    failed_opens,
    /// Connections that ended by reset or timeout.
    aborted,
    /// SYNs received by listeners.
    syns_in,
    /// SYNs dropped: queues full and no cookie possible, or ignored by the application.
    drop_syn,
    /// SYN-ACKs with a cookie sent because the SYN queue was full (RFC 4987 §3.6).
    syn_cookies_sent,
    /// Connections opened from a valid cookie.
    syn_cookies_accepted,
    /// ACKs refused because they carried no valid cookie.
    syn_cookies_refused,
    /// Final ACKs dropped because the accept queue was full.
    accept_overflows,
    /// Half-open records given up after their SYN-ACKs stayed unanswered.
    half_open_timeouts,
    /// Segments retransmitted.
    retransmits,
    /// Retransmission timeouts.
    retransmission_timeouts,
    /// Episodes of fast recovery (RFC 5681 §3.2).
    recoveries,
    /// Tail loss probes (RFC 8985 §7).
    tail_loss_probes,
    /// Acknowledgements that showed data to have arrived out of order (RFC 8985 §6.2 step 3).
    reorderings,
    /// Segments of connections with ECN that arrived marked CE (RFC 3168).
    ce_in,
    /// Segments sent that peers reported as marked; with classic feedback, those that an
    /// acknowledgement with ECE covered.
    ce_reported,
    /// Retransmission timeouts that proved spurious (RFC 5682, RFC 3522).
    spurious_timeouts,
    /// Reductions of a congestion window taken back because nothing was lost (RFC 4015).
    reductions_undone,
    /// Acknowledgements that stopped where the peer had selectively acknowledged (RFC 2018 §8).
    sack_reneging,
    /// Connections over paths that change the ECN field or clear AccECN's count: nothing more is
    /// sent as ECN-capable (RFC 9768 §3.2.2.3, §3.2.2.4).
    ecn_broken_paths,
    /// Active opens that did not ask for ECN, since lately SYNs that did had no answer from that peer
    /// and others had, or its path marks everything (RFC 9768 §3.1.4.1).
    ecn_not_asked,
    /// Zero-window probes sent.
    window_probes,
    /// Keepalive probes sent.
    keepalive_probes,
    /// TIME-WAIT records made.
    time_waits,
    /// TIME-WAIT records dropped early because the cap was reached.
    time_wait_overflows,
    /// TIME-WAIT records reused for a new connection (RFC 6191).
    time_wait_reused,
    /// RSTs ignored in TIME-WAIT (RFC 1337).
    time_wait_resets_ignored,
    /// ICMP messages received.
    icmp_in,
    /// ICMP messages sent.
    icmp_out,
    /// Dropped: ICMP malformed or its checksum wrong.
    drop_icmp_malformed,
    /// Dropped: ICMP error that quotes no segment in flight (RFC 5927 §4.1).
    drop_icmp_unrelated,
    /// Dropped: ICMP kinds that are never acted on (Source Quench, redirects, queries).
    drop_icmp_ignored,
    /// ICMP errors not sent because of the rate limit.
    icmp_limited,
    /// RSTs to segments of no connection not sent because of the rate limit.
    resets_limited,
    /// Path MTUs lowered (RFC 1191, RFC 8201).
    path_mtu_lowered,
    /// Segments for which the table of four-tuples was asked, and so the tuple hashed: not those that
    /// follow another of the same connection.
    flow_lookups,
    /// Times the entry of a connection in the timing wheel was made or moved.
    timer_moves,
    /// Replies dropped because the reply queue was full.
    drop_reply_queue,
}

/// How much of everything a stack holds at one moment. All of it is zero again once every handle is
/// released, every listener closed and the last TIME-WAIT record gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Connections with a full record, those included whose handle is released or not yet accepted.
    pub connections: usize,
    /// Those of them that are [dormant](crate::config::StackConfig::dormant_after).
    pub dormant: usize,
    /// Half-open records: a SYN-ACK was sent, its acknowledgement is awaited.
    pub half_open: usize,
    /// Attempts on deferring listeners, held before their SYN-ACK.
    pub incoming: usize,
    /// Established connections that nobody accepted yet.
    pub accept_queued: usize,
    /// TIME-WAIT records.
    pub time_wait: usize,
    /// Listeners.
    pub listeners: usize,
    /// Entries in the timing wheel.
    pub timers: usize,
    /// Local ports taken by active opens, each with the tuple it is part of.
    pub ports: usize,
    /// Bytes of memory that the buffers of all connections hold, and the records of what is
    /// outstanding: what [`Limits::buffer_bytes`](crate::config::Limits::buffer_bytes) bounds.
    pub buffer_bytes: usize,
    /// Bytes held for reassembly of IP fragments.
    pub reassembly_bytes: usize,
    /// Replies waiting to be transmitted.
    pub replies: usize,
}

/// What several stacks hold together.
impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.connections += other.connections;
        self.dormant += other.dormant;
        self.half_open += other.half_open;
        self.incoming += other.incoming;
        self.accept_queued += other.accept_queued;
        self.time_wait += other.time_wait;
        self.listeners += other.listeners;
        self.timers += other.timers;
        self.ports += other.ports;
        self.buffer_bytes += other.buffer_bytes;
        self.reassembly_bytes += other.reassembly_bytes;
        self.replies += other.replies;
    }
}
