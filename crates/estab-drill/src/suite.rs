//! Scripts of the file system: finding and running them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::report::{Failure, Outcome};
use crate::setup::{Variant, only_variant};
use crate::{features, parser, runner};

/// How scripts are run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Names and what they stand for in the text of every script.
    pub defines: Vec<(String, String)>,
    /// The variants to run; empty: all.
    pub variants: Vec<Variant>,
}

/// The scripts in `path`: itself if it is a file, else every `*.pkt` below it, in order.
///
/// # Errors
///
/// A file or directory that cannot be read.
pub fn find(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut entries = fs::read_dir(path)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    let mut found = Vec::new();
    for entry in entries {
        if entry.is_dir() {
            found.extend(find(&entry)?);
        } else if entry
            .extension()
            .is_some_and(|extension| extension == "pkt")
        {
            found.push(entry);
        }
    }
    Ok(found)
}

/// Runs the script in the file `path`, in every variant that it and `options` are for.
pub fn run_file(path: &Path, options: &Options) -> Vec<Outcome> {
    let text = match fs::read(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => {
            return vec![Outcome {
                path: path.to_owned(),
                variant: None,
                result: Err(Failure::new(0, format!("cannot be read: {error}"))),
            }];
        }
    };
    let results = run_text(&text, options);
    let outcome = |(variant, result)| Outcome {
        path: path.to_owned(),
        variant,
        result,
    };
    results.into_iter().map(outcome).collect()
}

/// What came of one variant: what the script's assertion blocks printed, or why it failed.
pub type VariantResult = (Option<Variant>, Result<Vec<String>, Box<Failure>>);

/// Runs the script `text`, in every variant that it and `options` are for.
///
/// ```
/// use estab_drill::{Options, run_text};
///
/// let script = "
///     0 < S 0:0(0) win 1000 <mss 1000>       // to a port where nobody listens
///    +0 > R. 0:0(0) ack 1                    // RFC 9293 section 3.10.7.1
/// ";
/// for (_, result) in run_text(script, &Options::default()) {
///     result.unwrap();
/// }
/// ```
pub fn run_text(text: &str, options: &Options) -> Vec<VariantResult> {
    let text = replace_names(text, &options.defines);
    let failed = |line, message| vec![(None, Err(Failure::new(line, message)))];
    let script = match parser::parse(&text) {
        Ok(script) => script,
        Err(error) => return failed(error.line, error.message),
    };
    let only = match only_variant(&script) {
        Ok(only) => only,
        Err(message) => return failed(1, message),
    };
    let asked = match options.variants.is_empty() {
        true => &Variant::ALL[..],
        false => &options.variants,
    };
    let variants = asked
        .iter()
        .filter(|variant| only.is_none_or(|only| only == **variant));
    let run = |variant: &Variant| {
        let result = runner::run(&script, *variant).map_err(|mut failure| {
            failure.lacking = features::lacking(&script);
            failure
        });
        (Some(*variant), result)
    };
    variants.map(run).collect()
}

/// Replaces whole words.
fn replace_names(text: &str, defines: &[(String, String)]) -> String {
    if defines.is_empty() {
        return text.to_owned();
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        out += &rest[..start];
        rest = &rest[start..];
        let len = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let word = &rest[..len];
        let define = defines.iter().find(|(name, _)| name == word);
        out += define.map_or(word, |(_, value)| value);
        rest = &rest[len..];
    }
    out + rest
}

#[cfg(test)]
mod tests;
