//! The one table of sysctls: what each is to the stack.

use estab_proto::Duration;
use estab_proto::config::{BufferConfig, Ecn, TcpConfig};
use estab_proto::congestion::{Algorithm, Pacing};

use crate::settings::Settings;

/// What a sysctl is to the stack.
enum Meaning {
    /// It has an equivalent: numbers in, settings changed.
    Set(fn(&mut Settings, &[i64]) -> Result<(), String>),
    /// It is about something whose value makes no difference to what the stack sends.
    Indifferent,
    /// The stack behaves as with these values, and lacks a feature or a switch for others.
    Only(&'static [i64], &'static str),
}

use Meaning::{Indifferent, Only, Set};

const IPV4: &[(&str, Meaning)] = &[
    // Windows and buffers.
    ("tcp_rmem", Set(|s, v| buffer(&mut s.tcp.recv_buffer, v))),
    ("tcp_wmem", Set(|s, v| buffer(&mut s.tcp.send_buffer, v))),
    ("tcp_mem", Indifferent),
    (
        "tcp_moderate_rcvbuf",
        Only(&[1], "a switch for receive autotuning"),
    ),
    (
        "tcp_window_scaling",
        Set(|s, v| flag(&mut s.tcp.window_scaling, v)),
    ),
    ("tcp_shrink_window", Only(&[0], "shrinking of the window")),
    (
        "tcp_workaround_signed_windows",
        Only(&[0], "signed windows"),
    ),
    ("tcp_adv_win_scale", Indifferent),
    ("tcp_app_win", Indifferent),
    (
        "tcp_notsent_lowat",
        Set(|s, v| {
            s.tcp.unsent_limit = unsent_limit(one(v)?);
            Ok(())
        }),
    ),
    // Options.
    ("tcp_timestamps", Set(|s, v| flag(&mut s.tcp.timestamps, v))),
    ("tcp_sack", Set(|s, v| flag(&mut s.tcp.sack, v))),
    ("tcp_dsack", Only(&[1], "a switch for D-SACK")),
    ("tcp_fack", Indifferent),
    ("tcp_comp_sack_delay_ns", Indifferent),
    ("tcp_comp_sack_slack_ns", Indifferent),
    ("tcp_comp_sack_nr", Only(&[0], "compression of SACKs")),
    // ECN.
    ("tcp_ecn", Set(ecn)),
    ("tcp_ecn_fallback", Indifferent),
    (
        "tcp_ecn_option",
        Only(&[1, 2], "a switch for AccECN's option"),
    ),
    ("tcp_ecn_option_beacon", Indifferent),
    // Loss recovery and congestion control.
    ("tcp_early_retrans", Set(early_retrans)),
    ("tcp_recovery", Set(recovery)),
    ("tcp_reordering", Only(&[3], "adaptive reordering")),
    ("tcp_max_reordering", Indifferent),
    ("tcp_frto", Set(|s, v| flag(&mut s.tcp.recovery.frto, v))),
    ("tcp_retrans_collapse", Indifferent),
    (
        "tcp_slow_start_after_idle",
        Only(&[1], "a switch for slow start after idleness"),
    ),
    ("tcp_no_metrics_save", Indifferent),
    ("tcp_no_ssthresh_metrics_save", Indifferent),
    ("tcp_min_rtt_wlen", Indifferent),
    ("tcp_pacing_ss_ratio", Only(&[200], "another pace")),
    ("tcp_pacing_ca_ratio", Only(&[120], "another pace")),
    (
        "tcp_thin_linear_timeouts",
        Only(&[0], "linear timeouts of thin streams"),
    ),
    ("tcp_autocorking", Indifferent),
    ("tcp_limit_output_bytes", Indifferent),
    ("tcp_min_tso_segs", Indifferent),
    ("tcp_tso_win_divisor", Indifferent),
    ("tcp_tso_rtt_log", Indifferent),
    ("tcp_backlog_ack_defer", Indifferent),
    // Timers and giving up.
    ("tcp_rto_min_us", Set(|s, v| time(&mut s.tcp.rto.min, v, 1))),
    (
        "tcp_rto_max_ms",
        Set(|s, v| time(&mut s.tcp.rto.max, v, 1_000)),
    ),
    (
        "tcp_syn_linear_timeouts",
        Only(&[0], "linear timeouts of SYNs"),
    ),
    ("tcp_syn_retries", Set(syn_retries)),
    ("tcp_synack_retries", Set(synack_retries)),
    ("tcp_retries1", Set(|s, v| number(&mut s.tcp.give_up.r1, v))),
    ("tcp_retries2", Set(retries2)),
    ("tcp_orphan_retries", Indifferent),
    (
        "tcp_fin_timeout",
        Set(|s, v| time(&mut s.tcp.fin_wait_2.timeout, v, 1_000_000)),
    ),
    (
        "tcp_keepalive_time",
        Set(|s, v| time(&mut s.keepalive.idle, v, 1_000_000)),
    ),
    (
        "tcp_keepalive_intvl",
        Set(|s, v| time(&mut s.keepalive.interval, v, 1_000_000)),
    ),
    (
        "tcp_keepalive_probes",
        Set(|s, v| number(&mut s.keepalive.probes, v)),
    ),
    // Listening and TIME-WAIT.
    ("tcp_syncookies", Set(syncookies)),
    ("tcp_max_syn_backlog", Set(max_syn_backlog)),
    (
        "tcp_abort_on_overflow",
        Only(&[0], "a reset when the accept queue is full"),
    ),
    (
        "tcp_tw_reuse",
        Only(&[0, 2], "reuse of TIME-WAIT by connect"),
    ),
    ("tcp_rfc1337", Only(&[1], "TIME-WAIT that a RST ends")),
    ("tcp_fastopen", Only(&[0], "TCP fast open")),
    ("tcp_fastopen_key", Indifferent),
    ("tcp_fastopen_blackhole_timeout_sec", Indifferent),
    ("tcp_migrate_req", Only(&[0], "migration of requests")),
    // The rest.
    ("tcp_stdurg", Only(&[1], "the urgent pointer of 4.2BSD")),
    (
        "tcp_invalid_ratelimit",
        Only(&[500], "another limit on challenge ACKs"),
    ),
    ("tcp_challenge_ack_limit", Indifferent),
    (
        "tcp_mtu_probing",
        Only(&[0], "packetization-layer path MTU discovery"),
    ),
    ("tcp_base_mss", Indifferent),
    ("tcp_min_snd_mss", Only(&[48], "another least MSS")),
    (
        "tcp_reflect_tos",
        Only(&[0], "reflection of the Diffserv field"),
    ),
    ("tcp_plb_enabled", Only(&[0], "protective load balancing")),
    (
        "ip_no_pmtu_disc",
        Only(&[0], "a switch for path MTU discovery"),
    ),
    ("ip_local_port_range", Indifferent),
];

/// Sets the sysctl `name` to `value`.
///
/// # Errors
///
/// The sysctl is not in the table, the value is none, or the stack lacks what it asks for.
pub(super) fn apply(settings: &mut Settings, name: &str, value: &str) -> Result<(), String> {
    let name = name.replace('/', ".");
    if name == "net.ipv4.tcp_congestion_control" {
        return congestion(settings, value);
    }
    if name.starts_with("net.core.") {
        // Caps on what setsockopt may ask for, queue lengths: nothing on the wire.
        return match name.trim_start_matches("net.core.") {
            "rmem_max" | "wmem_max" | "rmem_default" | "wmem_default" | "somaxconn"
            | "optmem_max" | "default_qdisc" | "netdev_max_backlog" => Ok(()),
            _ => Err(format!("unknown sysctl '{name}'")),
        };
    }
    let known = name
        .strip_prefix("net.ipv4.")
        .and_then(|short| IPV4.iter().find(|(known, _)| *known == short));
    let Some((_, meaning)) = known else {
        return Err(format!("unknown sysctl '{name}'"));
    };
    let numbers = || -> Result<Vec<i64>, String> {
        let bad = |_| format!("'{value}' is no value of {name}");
        let number = |word: &str| match word.strip_prefix("0x") {
            Some(hex) => i64::from_str_radix(hex, 16).map_err(bad),
            None => word.parse().map_err(bad),
        };
        value.split_whitespace().map(number).collect()
    };
    match meaning {
        Indifferent => Ok(()),
        Set(set) => {
            set(settings, &numbers()?).map_err(|error| format!("{name} = {value}: {error}"))
        }
        Only(allowed, feature) => match numbers()?.as_slice() {
            [number] if allowed.contains(number) => Ok(()),
            _ => Err(format!("the stack lacks {feature} ({name} = {value})")),
        },
    }
}

/// 0: nothing; 1: classic both ways; 2 and 5: what the peer asks for; 3: accurate both ways.
fn ecn(settings: &mut Settings, values: &[i64]) -> Result<(), String> {
    settings.tcp.ecn = match one::<i64>(values)? {
        0 => Ecn::Off,
        1 => Ecn::Classic,
        2 | 5 => Ecn::Passive,
        3 => Ecn::Accurate,
        _ => return Err("the stack lacks this mixture of classic and accurate ECN".into()),
    };
    Ok(())
}

/// From 3 on there are tail loss probes.
fn early_retrans(settings: &mut Settings, values: &[i64]) -> Result<(), String> {
    settings.tcp.recovery.tail_loss_probe = one::<i64>(values)? >= 3;
    Ok(())
}

/// 1 is RACK; the other bits change its reordering window.
fn recovery(settings: &mut Settings, values: &[i64]) -> Result<(), String> {
    settings.tcp.recovery.rack = match one::<i64>(values)? {
        0 => false,
        1 => true,
        _ => return Err("the stack lacks a fixed reordering window".into()),
    };
    Ok(())
}

fn congestion(settings: &mut Settings, value: &str) -> Result<(), String> {
    (settings.tcp.congestion, settings.tcp.pacing) = match value {
        "cubic" => (Algorithm::Cubic, Pacing::Off),
        "reno" => (Algorithm::NewReno, Pacing::Off),
        "bbr" => (Algorithm::Bbr, Pacing::Auto),
        "dctcp" => (Algorithm::Dctcp, Pacing::Off),
        other => {
            return Err(format!(
                "the stack lacks congestion control by {other} \
                 (net.ipv4.tcp_congestion_control = {other})"
            ));
        }
    };
    Ok(())
}

fn one<T: TryFrom<i64>>(values: &[i64]) -> Result<T, String> {
    match values {
        [value] => T::try_from(*value).map_err(|_| "out of range".into()),
        _ => Err("one number is expected".into()),
    }
}

fn number(to: &mut u32, values: &[i64]) -> Result<(), String> {
    *to = one(values)?;
    Ok(())
}

fn flag(to: &mut bool, values: &[i64]) -> Result<(), String> {
    *to = one::<i64>(values)? != 0;
    Ok(())
}

fn time(to: &mut Duration, values: &[i64], micros: u64) -> Result<(), String> {
    *to = Duration::from_micros(one::<u64>(values)?.saturating_mul(micros));
    Ok(())
}

fn buffer(to: &mut BufferConfig, values: &[i64]) -> Result<(), String> {
    let bytes = |value: i64| u32::try_from(value).map_err(|_| "out of range".to_owned());
    match values {
        [_, initial, max] => {
            let (initial, max) = (bytes(*initial)?, bytes(*max)?);
            *to = BufferConfig {
                initial,
                max: max.max(initial),
            };
            Ok(())
        }
        _ => Err("three numbers are expected".into()),
    }
}

fn syn_retries(settings: &mut Settings, values: &[i64]) -> Result<(), String> {
    settings.tcp.give_up.r2_syn = syn_time(&settings.tcp, one(values)?);
    Ok(())
}

/// So many retransmissions, the first after a second and each wait twice the one before.
pub(crate) fn syn_time(tcp: &TcpConfig, retries: u32) -> Duration {
    waits(1_000_000, tcp.rto.syn_max.as_micros() as u64, retries)
}

/// Linux's number for no limit is the largest, or 0 for one socket.
pub(crate) fn unsent_limit(value: i64) -> Option<u32> {
    u32::try_from(value)
        .ok()
        .filter(|bytes| !matches!(*bytes, 0 | u32::MAX))
}

/// As long as so many retransmissions take that begin with the least timeout.
fn retries2(settings: &mut Settings, values: &[i64]) -> Result<(), String> {
    let retries: u32 = one(values)?;
    let rto = &settings.tcp.rto;
    let (min, max) = (rto.min.as_micros() as u64, rto.max.as_micros() as u64);
    settings.tcp.give_up.r2_data = waits(min, max, retries);
    Ok(())
}

fn waits(first: u64, cap: u64, retries: u32) -> Duration {
    let wait = |n: u32| first.saturating_mul(1 << n.min(32)).min(cap);
    Duration::from_micros((0..=retries).map(wait).sum())
}

fn before_start(settings: &Settings) -> Result<(), String> {
    match settings.is_running {
        true => Err("it cannot change while the stack runs".into()),
        false => Ok(()),
    }
}

fn synack_retries(settings: &mut Settings, values: &[i64]) -> Result<(), String> {
    before_start(settings)?;
    settings.limits.syn_ack_retries = one(values)?;
    Ok(())
}

fn max_syn_backlog(settings: &mut Settings, values: &[i64]) -> Result<(), String> {
    before_start(settings)?;
    settings.limits.max_half_open = one(values)?;
    Ok(())
}

/// 1: when the queue is full; 2: always.
fn syncookies(settings: &mut Settings, values: &[i64]) -> Result<(), String> {
    match one::<i64>(values)? {
        1 => Ok(()),
        2 => {
            before_start(settings)?;
            settings.limits.max_half_open = 0;
            Ok(())
        }
        _ => Err("the stack lacks a switch for SYN cookies".into()),
    }
}
