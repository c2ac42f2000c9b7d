//! `estab-drill script.pkt…`: runs packet scripts and tells which pass.

use std::path::PathBuf;
use std::process::ExitCode;

use estab_drill::{Options, Summary, Variant, find, run_file};

const USAGE: &str = "\
usage: estab-drill [options] <script.pkt | directory>…

  --ip_version=<ipv4|ipv6|ipv4-mapped-ipv6>   run this variant only; may be given again
  -D NAME=VALUE                               replace the word NAME in the scripts
  -v, --verbose                               tell of scripts that pass, and what they print
  -h, --help                                  this text";

/// What the command line asks for.
#[derive(Default)]
struct Command {
    options: Options,
    verbose: bool,
    paths: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let command = match command(std::env::args().skip(1)) {
        Ok(Some(command)) => command,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("estab-drill: {message}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let mut summary = Summary::default();
    for path in &command.paths {
        let scripts = match find(path) {
            Ok(scripts) => scripts,
            Err(error) => {
                eprintln!("estab-drill: {}: {error}", path.display());
                return ExitCode::from(2);
            }
        };
        for outcome in scripts.iter().flat_map(|s| run_file(s, &command.options)) {
            summary.add(&outcome);
            if command.verbose || outcome.result.is_err() {
                println!("{outcome}");
            }
            if command.verbose {
                let printed = outcome.result.iter().flatten();
                printed.for_each(|line| println!("  {line}"));
            }
        }
    }
    println!("{summary}");
    match summary.total() {
        (_, 0) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Reads the command line; `None` asks for help.
fn command(args: impl Iterator<Item = String>) -> Result<Option<Command>, String> {
    let mut command = Command::default();
    let mut args = args;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-h" | "--help" => return Ok(None),
            "-v" | "--verbose" => command.verbose = true,
            "-D" => {
                let define = args.next().ok_or("-D needs NAME=VALUE")?;
                let (name, value) = define
                    .split_once('=')
                    .ok_or_else(|| format!("-D needs NAME=VALUE, not '{define}'"))?;
                command.options.defines.push((name.into(), value.into()));
            }
            _ => match arg.strip_prefix("--ip_version=") {
                Some(name) => {
                    let variant = Variant::from_name(name)
                        .ok_or_else(|| format!("'{name}' is no variant"))?;
                    command.options.variants.push(variant);
                }
                None if arg.starts_with('-') => return Err(format!("option '{arg}' is not known")),
                None => command.paths.push(arg.into()),
            },
        }
    }
    match command.paths.is_empty() {
        true => Err("no script is named".into()),
        false => Ok(Some(command)),
    }
}
