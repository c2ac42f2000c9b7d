//! Finding a way into a new namespace, and going there.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use crate::Unavailable;

/// Set inside to the name of the namespace that was left, so that a stray value of the variable
/// cannot make a program believe it is inside.
const LEFT: &str = "ESTAB_NETNS_LEFT";

/// The ways in, best first: what `unshare` is given.
const WAYS: [&[&str]; 2] = [&["--net"], &["--user", "--map-root-user", "--net"]];

/// Run once in a throw-away namespace: what a program that wants a TUN will need there.
const PROBE: &str = "\
command -v ip >/dev/null || { echo 'cannot run `ip` (iproute2)'; exit 1; }
[ -e /dev/net/tun ] || { echo '/dev/net/tun does not exist'; exit 1; }
( : <>/dev/net/tun ) 2>/dev/null || { echo '/dev/net/tun cannot be opened'; exit 1; }
exec 2>&1; ip link set lo up && ip tuntap add dev estab-probe mode tun";

/// Proof that the program runs in a network namespace of its own.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Entered;

/// Moves the program into a network namespace of its own: the first call of `main`.
///
/// Outside, it replaces the process by the same program with the same arguments inside a new
/// namespace, so it does not return: process id, terminal, signals and exit code stay those of the
/// one program. Inside, it returns at once. Whatever ran before the call runs twice.
///
/// # Errors
///
/// [`Unavailable`] where neither root nor user namespaces, or no TUN device, are to be had.
pub fn enter() -> Result<Entered, Unavailable> {
    if env::var_os(LEFT).is_some_and(|left| Some(left) != current()) {
        return Ok(Entered);
    }
    let error = command()?.args(env::args_os().skip(1)).exec();
    Err(Unavailable::new(vec![format!(
        "cannot run `unshare`: {error}"
    )]))
}

/// A command that runs this very executable in a new namespace; its arguments are still to add.
pub(crate) fn command() -> Result<Command, Unavailable> {
    static WAY: OnceLock<Result<&'static [&'static str], Unavailable>> = OnceLock::new();
    let way = WAY.get_or_init(probe).as_ref().map_err(Clone::clone)?;
    let executable = env::current_exe().unwrap_or_else(|_| PathBuf::from("/proc/self/exe"));
    let mut command = Command::new("unshare");
    command.args(*way).arg("--").arg(executable);
    command.env(LEFT, current().unwrap_or_default());
    Ok(command)
}

/// The first of [`WAYS`] that leads to a namespace where a TUN can be made.
fn probe() -> Result<&'static [&'static str], Unavailable> {
    let mut attempts = Vec::new();
    for way in WAYS {
        match Command::new("unshare")
            .args(way)
            .args(["--", "sh", "-c", PROBE])
            .output()
        {
            Ok(output) if output.status.success() => return Ok(way),
            Ok(output) => {
                let mut answer = String::from_utf8_lossy(&output.stdout).into_owned();
                answer.push_str(&String::from_utf8_lossy(&output.stderr));
                let answer = answer.trim().replace('\n', "; ");
                attempts.push(format!("`unshare {}`: {answer}", way.join(" ")));
            }
            Err(error) => {
                attempts.push(format!("cannot run `unshare`: {error}"));
                break;
            }
        }
    }
    Err(Unavailable::new(attempts))
}

/// The name of the network namespace this process is in.
fn current() -> Option<OsString> {
    fs::read_link("/proc/self/ns/net")
        .ok()
        .map(PathBuf::into_os_string)
}
