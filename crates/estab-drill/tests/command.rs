//! The command line tool.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

fn run(args: &[&str]) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_estab-drill"))
        .args(args)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    (output, text)
}

/// A folder of two features: one that passes, one that the stack lacks.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let closed = "0 < S 0:0(0) win 1000 <mss 1000>\n+0 > R. 0:0(0) ack 1\n";
    let fast_open = "`sysctl -q net.ipv4.tcp_fastopen=3`\n 0 < S 0:0(0) win 1000 <FO,nop,nop>\n";
    for (feature, text) in [("closed", closed), ("fastopen", fast_open)] {
        fs::create_dir_all(folder.join(feature)).unwrap();
        fs::write(folder.join(feature).join("script.pkt"), text).unwrap();
    }
    folder
}

#[test]
fn a_folder_is_summed_up_by_feature() {
    let folder = folder("features");
    let (output, text) = run(&[folder.to_str().unwrap()]);
    assert!(!output.status.success());
    assert!(text.contains("the stack lacks TCP fast open"), "{text}");
    let closed = folder.join("closed");
    let expected = format!("3 of     3 passed  {}", closed.display());
    assert!(text.contains(&expected), "{text}");
    let expected = format!("0 of     3 passed  {}", folder.join("fastopen").display());
    assert!(text.contains(&expected), "{text}");
    assert!(text.trim_end().ends_with("3 of     6 passed"), "{text}");
}

#[test]
fn one_variant_of_one_script_runs_alone() {
    let script = folder("variant").join("closed/script.pkt");
    let (output, text) = run(&["-v", "--ip_version=ipv6", script.to_str().unwrap()]);
    assert!(output.status.success());
    assert!(text.starts_with("pass ") && text.contains("ipv6"), "{text}");
    assert!(text.trim_end().ends_with("1 of     1 passed"), "{text}");
}

#[test]
fn wrong_arguments_are_told() {
    for args in [
        &[][..],
        &["--ip_version=ipx"],
        &["-x"],
        &["-D", "NAME"],
        &["/nowhere/at/all.pkt", "-D"],
    ] {
        let (output, _) = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
    assert!(run(&["--help"]).0.status.success());
    let (output, text) = run(&["/nowhere/at/all.pkt"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("cannot be read"), "{text}");
}
