//! What came of a script: passed, or where and how it failed.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::setup::Variant;

/// Why a script failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Line of the script, from 1.
    pub line: u32,
    /// What is wrong.
    pub message: String,
    /// What was expected: microseconds of the script, and the packet or result.
    pub expected: Option<(i64, String)>,
    /// What there was instead.
    pub actual: Option<(i64, String)>,
    /// Features the script needs and the stack lacks.
    pub lacking: Vec<&'static str>,
}

impl Failure {
    /// A failure in `line`.
    pub(crate) fn new(line: u32, message: String) -> Box<Self> {
        Box::new(Self {
            line,
            message,
            expected: None,
            actual: None,
            lacking: Vec::new(),
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)?;
        let mut side = |name, side: &Option<(i64, String)>| match side {
            Some((at, text)) => write!(f, "\n  {name} {} {text}", seconds(*at)),
            None => Ok(()),
        };
        side("expected", &self.expected)?;
        side("actual  ", &self.actual)?;
        if !self.lacking.is_empty() {
            write!(f, "\n  the stack lacks {}", self.lacking.join(", "))?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

fn seconds(micros: i64) -> String {
    format!("{:>11.6}", micros as f64 / 1e6)
}

/// What came of one variant of a script.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The script.
    pub path: PathBuf,
    /// With which addresses it ran; `None` if it could not be read.
    pub variant: Option<Variant>,
    /// What its assertion blocks printed, or why it failed.
    pub result: Result<Vec<String>, Box<Failure>>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variant = self.variant.map(|v| v.to_string()).unwrap_or_default();
        let path = self.path.display();
        match &self.result {
            Ok(_) => write!(f, "pass {path} {variant}"),
            Err(failure) => write!(f, "FAIL {path} {variant}\n  {failure}"),
        }
    }
}

/// How many passed and failed in each folder.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    folders: BTreeMap<PathBuf, (u32, u32)>,
}

impl Summary {
    /// Counts an outcome.
    pub fn add(&mut self, outcome: &Outcome) {
        let folder = outcome.path.parent().unwrap_or(Path::new(""));
        let counts = self.folders.entry(folder.to_owned()).or_default();
        match outcome.result {
            Ok(_) => counts.0 += 1,
            Err(_) => counts.1 += 1,
        }
    }

    /// Passed and failed, over all folders.
    pub fn total(&self) -> (u32, u32) {
        let counts = self.folders.values();
        counts.fold((0, 0), |(passed, failed), (p, f)| (passed + p, failed + f))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (folder, (passed, failed)) in &self.folders {
            let all = passed + failed;
            writeln!(f, "{passed:>5} of {all:>5} passed  {}", folder.display())?;
        }
        let (passed, failed) = self.total();
        write!(f, "{passed:>5} of {:>5} passed", passed + failed)
    }
}
