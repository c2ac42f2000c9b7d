use super::*;
use estab_proto::congestion::Algorithm;

fn run(command: &str) -> Result<Settings, String> {
    let mut settings = Settings::default();
    settings.command(command)?;
    Ok(settings)
}

#[test]
fn sysctls_become_configuration() {
    let settings = run("sysctl -q net.ipv4.tcp_congestion_control=reno\n\
         sysctl -q net.ipv4.tcp_rmem=\"4096 540000 $((15*1024*1024))\" && \
         sysctl -w net.ipv4.tcp_timestamps=0; sysctl net.ipv4.tcp_rto_min_us=50000")
    .unwrap();
    assert_eq!(settings.tcp.congestion, Algorithm::NewReno);
    assert_eq!(settings.tcp.recv_buffer.initial, 540_000);
    assert_eq!(settings.tcp.recv_buffer.max, 15 << 20);
    assert!(!settings.tcp.timestamps);
    assert_eq!(settings.tcp.rto.min, Duration::from_millis(50));
}

#[test]
fn set_sysctls_names_files() {
    let settings =
        run("../common/defaults.sh\n../common/set_sysctls.py /proc/sys/net/ipv4/tcp_sack=0");
    assert!(!settings.unwrap().tcp.sack);
}

#[test]
fn retries_become_times() {
    let settings = run("sysctl -q net.ipv4.tcp_retries2=15 net.ipv4.tcp_syn_retries=3").unwrap();
    assert_eq!(settings.tcp.give_up.r2_data, Duration::from_millis(924_600));
    assert_eq!(settings.tcp.give_up.r2_syn, Duration::from_secs(15));
}

#[test]
fn what_the_stack_lacks_and_what_nobody_knows_fails_by_name() {
    for (command, word) in [
        ("sysctl -q net.ipv4.tcp_recovery=2", "reordering window"),
        ("sysctl -q net.ipv4.tcp_fastopen=3", "TCP fast open"),
        ("sysctl -q net.ipv4.tcp_congestion_control=vegas", "vegas"),
        ("sysctl -q net.ipv4.tcp_blub=1", "tcp_blub"),
        ("sysctl -q net.core.blub=1", "blub"),
        ("sysctl -q net.ipv4.tcp_retries1=many", "many"),
        ("nstat | grep TcpExtFoo", "grep"),
        ("rm -rf /", "rm"),
        ("tc qdisc replace dev tun0 root fq", "tc"),
    ] {
        let error = run(command).unwrap_err();
        assert!(error.contains(word), "{command}: {error}");
    }
}

#[test]
fn what_has_no_equivalent_to_change_is_known() {
    for command in [
        "ip tcp_metrics flush all > /dev/null 2>&1",
        "tc qdisc replace dev tun0 root pfifo",
        "/tmp/sysctl_restore_${PPID}.sh",
        "# nothing",
    ] {
        assert!(run(command).is_ok(), "{command}");
    }
}

#[test]
fn what_a_stack_has_once_does_not_change_while_it_runs() {
    let mut settings = Settings {
        is_running: true,
        ..Settings::default()
    };
    assert!(
        settings
            .command("sysctl -q net.ipv4.tcp_synack_retries=2")
            .is_err()
    );
    assert!(
        settings
            .command("sysctl -q net.ipv4.tcp_timestamps=0")
            .is_ok()
    );
}
