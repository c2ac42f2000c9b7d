//! The program with the other stacks: a package beside this one, built when it is needed.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

const PACKAGE: &str = "estab-bench-peers";

const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/Cargo.toml");

/// Builds the program and returns where it is.
///
/// # Errors
///
/// Why it cannot be built; cargo has told the details.
pub(crate) fn build() -> Result<PathBuf, String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "build",
            "--release",
            "--message-format=json-render-diagnostics",
        ])
        .args(["--manifest-path", MANIFEST])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("{PACKAGE} cannot be built"));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let executable = |message: &str| {
        let message: Value = serde_json::from_str(message).ok()?;
        (message["target"]["name"] == PACKAGE)
            .then(|| message["executable"].as_str().map(PathBuf::from))?
    };
    let executable = messages.lines().find_map(executable);
    executable.ok_or_else(|| format!("{PACKAGE} has no program"))
}
