//! The table of counts that is checked in.

use std::fs;
use std::path::PathBuf;

/// What one operation takes.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) instructions: u64,
}

/// All counts, and the compiler that made the program.
pub(crate) struct Table {
    pub(crate) compiler: String,
    pub(crate) rows: Vec<Row>,
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("instructions.tsv")
}

impl Table {
    pub(crate) fn read() -> Result<Self, String> {
        let path = path();
        let text =
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut lines = text.lines();
        let compiler = lines.next().and_then(|line| line.strip_prefix("# "));
        let rows = lines.map(|line| {
            let (name, count) = line.split_once('\t')?;
            Some(Row {
                name: name.to_owned(),
                instructions: count.parse().ok()?,
            })
        });
        let rows: Option<Vec<_>> = rows.collect();
        match (compiler, rows) {
            (Some(compiler), Some(rows)) => Ok(Self {
                compiler: compiler.to_owned(),
                rows,
            }),
            _ => Err(format!("{} is malformed", path.display())),
        }
    }

    pub(crate) fn write(&self) -> Result<(), String> {
        let mut text = format!("# {}\n", self.compiler);
        for row in &self.rows {
            text += &format!("{}\t{}\n", row.name, row.instructions);
        }
        fs::write(path(), text).map_err(|error| format!("{}: {error}", path().display()))
    }

    /// Each row with its ratio to the same row of `before`.
    ///
    /// # Errors
    ///
    /// The two do not have the same rows.
    pub(crate) fn compare(&self, before: &Self) -> Result<Vec<(&Row, f64)>, String> {
        let same = self.rows.len() == before.rows.len()
            && self
                .rows
                .iter()
                .zip(&before.rows)
                .all(|(now, then)| now.name == then.name);
        if !same {
            return Err("the table has other rows: write it anew with ESTAB_REWRITE=1".to_owned());
        }
        let rows = self.rows.iter().zip(&before.rows);
        Ok(rows
            .map(|(now, then)| {
                (
                    now,
                    now.instructions as f64 / then.instructions.max(1) as f64,
                )
            })
            .collect())
    }
}
