//! `tcpi_*`: the figures of a connection as `TCP_INFO` of Linux names and counts them.

use estab_proto::recovery::CaState;
use estab_proto::{Duration, EcnMode, Info, Instant, State};

use crate::expr::{Names, Value};

/// Linux's "no threshold yet".
const INFINITE_SSTHRESH: i64 = 0x7fff_ffff;

const CONSTANTS: [(&str, i64); 22] = [
    ("TCP_CA_Open", 0),
    ("TCP_CA_Disorder", 1),
    ("TCP_CA_CWR", 2),
    ("TCP_CA_Recovery", 3),
    ("TCP_CA_Loss", 4),
    ("TCP_ESTABLISHED", 1),
    ("TCP_SYN_SENT", 2),
    ("TCP_SYN_RECV", 3),
    ("TCP_FIN_WAIT1", 4),
    ("TCP_FIN_WAIT2", 5),
    ("TCP_TIME_WAIT", 6),
    ("TCP_CLOSE", 7),
    ("TCP_CLOSE_WAIT", 8),
    ("TCP_LAST_ACK", 9),
    ("TCP_LISTEN", 10),
    ("TCP_CLOSING", 11),
    ("TCPI_OPT_TIMESTAMPS", 1),
    ("TCPI_OPT_SACK", 2),
    ("TCPI_OPT_WSCALE", 4),
    ("TCPI_OPT_ECN", 8),
    ("TCPI_OPT_ECN_SEEN", 16),
    ("TCPI_OPT_SYN_DATA", 32),
];

/// What assertions see: the connection under test, if there is one, at a moment.
pub(crate) struct TcpInfo {
    /// The connection.
    pub(crate) info: Option<Info>,
    /// The moment.
    pub(crate) now: Instant,
}

impl Names for TcpInfo {
    fn value(&self, name: &str) -> Result<Value, String> {
        if let Some((_, value)) = CONSTANTS.iter().find(|(known, _)| *known == name) {
            return Ok(Value::Int(*value));
        }
        if !name.starts_with("tcpi_") {
            return Err(format!("name '{name}' is not known"));
        }
        match &self.info {
            Some(info) => self
                .field(info, name)
                .map(Value::Int)
                .ok_or_else(|| format!("the stack does not keep {name}")),
            None => Err(format!("{name}: there is no connection")),
        }
    }
}

impl TcpInfo {
    fn field(&self, info: &Info, name: &str) -> Option<i64> {
        let segments = |bytes: u32| i64::from(bytes.div_ceil(info.snd_mss.max(1)));
        let since = |at: Option<Instant>| at.map_or(0, |at| (self.now - at).as_millis() as i64);
        Some(match name {
            "tcpi_state" => state(info.state),
            "tcpi_ca_state" => ca_state(info.ca_state),
            "tcpi_retransmits" | "tcpi_backoff" => i64::from(info.back_offs),
            "tcpi_options" => options(info),
            "tcpi_snd_wscale" => i64::from(info.snd_wscale),
            "tcpi_rcv_wscale" => i64::from(info.rcv_wscale),
            "tcpi_rto" => micros(Some(info.rto)),
            "tcpi_rtt" => micros(info.rtt),
            "tcpi_rttvar" => micros(info.rttvar),
            "tcpi_min_rtt" => micros(info.min_rtt),
            "tcpi_snd_mss" => i64::from(info.snd_mss),
            "tcpi_advmss" => i64::from(info.advertised_mss),
            "tcpi_pmtu" => i64::from(info.path_mtu),
            "tcpi_snd_cwnd" => i64::from(info.cwnd / info.snd_mss.max(1)),
            "tcpi_snd_ssthresh" if info.ssthresh == u32::MAX => INFINITE_SSTHRESH,
            "tcpi_snd_ssthresh" => i64::from(info.ssthresh / info.snd_mss.max(1)),
            "tcpi_unacked" => segments(info.unacked),
            "tcpi_lost" => segments(info.lost),
            "tcpi_sacked" => segments(info.sacked),
            "tcpi_retrans" => segments(info.retransmitted),
            "tcpi_reord_seen" => i64::from(info.reordering_seen),
            "tcpi_delivered" => (info.delivered / u64::from(info.snd_mss.max(1))) as i64,
            "tcpi_delivery_rate" => info.delivery_rate.map_or(0, |rate| rate as i64),
            "tcpi_delivery_rate_app_limited" => i64::from(info.delivery_rate_app_limited),
            // Unpaced is the largest number there.
            "tcpi_pacing_rate" => info.pacing_rate.map_or(-1, |rate| rate as i64),
            "tcpi_notsent_bytes" => info.unsent as i64,
            "tcpi_snd_wnd" => i64::from(info.snd_wnd),
            "tcpi_rcv_wnd" => i64::from(info.rcv_wnd),
            "tcpi_rcv_space" => i64::from(info.recv_capacity),
            "tcpi_total_retrans" => info.retransmits as i64,
            "tcpi_bytes_retrans" => info.bytes_retransmitted as i64,
            "tcpi_bytes_acked" => info.bytes_acked as i64,
            "tcpi_bytes_received" => info.bytes_received as i64,
            "tcpi_bytes_sent" => info.bytes_sent as i64,
            "tcpi_segs_out" => info.segments_out as i64,
            "tcpi_segs_in" => info.segments_in as i64,
            "tcpi_dsack_dups" => info.dsacks as i64,
            "tcpi_delivered_ce" => i64::from(info.delivered_ce),
            "tcpi_received_ce" => i64::from(info.received_ce),
            "tcpi_last_data_sent" => since(info.last_data_sent_at),
            "tcpi_last_data_recv" => since(info.last_data_received_at),
            "tcpi_last_ack_recv" => since(Some(info.last_received_at)),
            _ => return None,
        })
    }
}

fn ca_state(state: CaState) -> i64 {
    match state {
        CaState::Open => 0,
        CaState::Disorder => 1,
        CaState::Cwr => 2,
        CaState::Recovery => 3,
        CaState::Loss => 4,
    }
}

fn micros(time: Option<Duration>) -> i64 {
    time.map_or(0, |time| time.as_micros() as i64)
}

fn options(info: &Info) -> i64 {
    let scaled = info.snd_wscale > 0 || info.rcv_wscale > 0;
    let ecn = info.ecn != EcnMode::Off;
    i64::from(info.timestamps)
        | i64::from(info.sack) << 1
        | i64::from(scaled) << 2
        | i64::from(ecn) << 3
}

fn state(state: State) -> i64 {
    match state {
        State::Established => 1,
        State::SynSent => 2,
        State::SynReceived => 3,
        State::FinWait1 => 4,
        State::FinWait2 => 5,
        State::TimeWait => 6,
        State::Closed => 7,
        State::CloseWait => 8,
        State::LastAck => 9,
        State::Listen => 10,
        State::Closing => 11,
    }
}
