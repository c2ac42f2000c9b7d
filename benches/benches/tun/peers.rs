//! The programs with the other stacks: a package beside this one and a program in Go, built when they
//! are needed.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

const PACKAGE: &str = "estab-bench-peers";

const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/Cargo.toml");

/// Where the program in Go is.
const GO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/gvisor");

/// Where Debian's packages put what Go programs are built from.
const GO_PATH: &str = "/usr/share/gocode";

/// Debian's package of gVisor's stack.
const GO_PACKAGE: &str = "golang-gvisor-gvisor-dev";

/// Builds the program in Rust and returns where it is.
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

/// Builds the program in Go from what Debian packages, and returns where it is: beside this one.
///
/// # Errors
///
/// Why it cannot be built.
pub(crate) fn build_gvisor() -> Result<PathBuf, String> {
    if !Path::new(GO_PATH).join("src/gvisor.dev").exists() {
        return Err(format!(
            "not built: needs Debian's golang-go and {GO_PACKAGE}"
        ));
    }
    let own = env::current_exe().map_err(|error| error.to_string())?;
    let program = own.with_file_name("estab-bench-gvisor");
    let status = Command::new("go")
        .current_dir(GO)
        .envs([("GO111MODULE", "off"), ("GOPATH", GO_PATH)])
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .status()
        .map_err(|error| format!("not built: cannot run go: {error}"))?;
    match status.success() {
        true => Ok(program),
        false => Err("not built: go says why".to_owned()),
    }
}

/// Which gVisor that is.
pub(crate) fn gvisor_version() -> Option<String> {
    let output = Command::new("dpkg-query")
        .args(["--show", "--showformat=${Version}", GO_PACKAGE])
        .output()
        .ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !version.is_empty()).then_some(version)
}
