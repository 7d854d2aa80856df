//! The one error type: what was expected, what came, and what to do next.
//!
//! Messages are lower-case, quote the user's words in backticks and end with the next step.

use std::io;
use std::path::{Path, PathBuf};

/// The result of every fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong, with the next step in its message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to read or write a file.
    #[error("cannot {action} `{}`: {source}{}", path.display(), advice_for(source))]
    Io {
        /// The verb: `read`, `write`, `create`, …
        action: &'static str,
        /// The file or folder concerned.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A cell, line or header of a table is not what its reader expects.
    #[error("{}: expected {expected}, found {received}; {advice}", position(path, *line, column.as_deref()))]
    Table {
        /// The file.
        path: PathBuf,
        /// 1-based line in the (decompressed) file, where one line is to blame.
        line: Option<u64>,
        /// The column's name, where one column is to blame.
        column: Option<String>,
        /// What the reader looks for.
        expected: String,
        /// What the file holds.
        received: String,
        /// What to do.
        advice: String,
    },
    /// A recipe asks for something that does not exist or contradicts itself.
    #[error("recipe `{}`: {problem}; {advice}", path.display())]
    Recipe {
        /// The recipe file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
        /// What to do.
        advice: String,
    },
    /// The data, once read, cannot be trained on or searched.
    #[error("{what}: {problem}; {advice}")]
    Data {
        /// The matrix, profile, perturbation or vector concerned.
        what: String,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        advice: String,
    },
    /// A parameter is outside its range.
    #[error("`{name}` must be {expected}, but is {received}")]
    Parameter {
        /// The parameter or flag.
        name: &'static str,
        /// Its legal values.
        expected: String,
        /// The value given.
        received: String,
    },
    /// A name is in no index or vocabulary.
    #[error("nothing here is called `{}`{}", shown(name), did_you_mean(name, suggestions, *mentions))]
    UnknownName {
        /// The user's word.
        name: String,
        /// How many perturbations mention it as target, mechanism or indication.
        mentions: usize,
        /// Close names, best first.
        suggestions: Vec<String>,
    },
    /// A name stands for several perturbations.
    #[error("`{name}` means {}; {advice}", candidates.join(" or "))]
    AmbiguousName {
        /// The user's word.
        name: String,
        /// The symbols it may stand for.
        candidates: Vec<String>,
        /// What to do.
        advice: String,
    },
    /// A filter expression cannot be parsed or names an unknown field.
    #[error("filter `{filter}`: {problem}; fields are {fields}")]
    Filter {
        /// The expression.
        filter: String,
        /// What the parser said.
        problem: String,
        /// The fields that can be asked for.
        fields: String,
    },
    /// A compiled file is truncated, edited or of another make.
    #[error("`{}` is damaged: {problem}; {advice}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        problem: String,
        /// What to run.
        advice: String,
    },
    /// A compiled file was written by a newer phenocopy.
    #[error("`{}` has format version {received}, this phenocopy reads up to {expected}; update phenocopy or rebuild the index", path.display())]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// The newest version this program reads.
        expected: u32,
        /// The version found.
        received: u32,
    },
    /// There is no index, model or recipe where one was looked for.
    #[error("there is no {what} at `{}`; {advice}", path.display())]
    Missing {
        /// `index`, `model`, …
        what: &'static str,
        /// Where it was looked for.
        path: PathBuf,
        /// What to do.
        advice: String,
    },
    /// Another process writes the same output.
    #[error("another phenocopy is writing `{}`; wait for it to end or choose another output", path.display())]
    Busy {
        /// The contested output.
        path: PathBuf,
    },
    /// The work was stopped on request; what was saved can be resumed.
    #[error("stopped on request; {advice}")]
    Interrupted {
        /// How to go on.
        advice: String,
    },
    /// An engine (candle, hnsw_rs, tantivy, rkyv, faer) failed.
    #[error("{engine} failed to {operation}: {problem}")]
    Engine {
        /// The crate.
        engine: &'static str,
        /// What it was asked to do.
        operation: String,
        /// What it said.
        problem: String,
    },
}

impl Error {
    /// Returns a closure that turns an [`io::Error`] into [`Error::Io`], for `map_err`.
    pub fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |source| Self::Io { action, path, source: without_temporary_name(source) }
    }

    /// Returns a closure that turns any engine's error into [`Error::Engine`], for `map_err`.
    pub fn engine<E: std::fmt::Display>(
        engine: &'static str,
        operation: impl Into<String>,
    ) -> impl FnOnce(E) -> Self {
        let operation = operation.into();
        move |problem| Self::Engine { engine, operation, problem: problem.to_string() }
    }

    /// Returns an [`Error::Data`].
    pub fn data(
        what: impl Into<String>,
        problem: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::Data { what: what.into(), problem: problem.into(), advice: advice.into() }
    }

    /// Returns an [`Error::Parameter`].
    // By value, so that a literal or a number can be given as it is.
    #[allow(clippy::needless_pass_by_value)]
    pub fn parameter(
        name: &'static str,
        expected: impl Into<String>,
        received: impl ToString,
    ) -> Self {
        Self::Parameter { name, expected: expected.into(), received: received.to_string() }
    }
}

/// Returns what the system said: tempfile adds the name of a file that the user never chose.
fn without_temporary_name(error: io::Error) -> io::Error {
    let is_wrapped = error.get_ref().is_some_and(|inner| inner.to_string().contains(" at path "));
    if is_wrapped { io::Error::from(error.kind()) } else { error }
}

fn advice_for(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::NotFound => "; check the path",
        io::ErrorKind::NotADirectory => "; one of its folders is a file: check the path",
        io::ErrorKind::AlreadyExists => "; choose another name",
        io::ErrorKind::IsADirectory => "; name a file",
        io::ErrorKind::PermissionDenied => "; check the permissions or choose another place",
        io::ErrorKind::StorageFull => "; free some space and run the command again",
        io::ErrorKind::ReadOnlyFilesystem => "; choose a place that can be written",
        _ => "",
    }
}

fn position(path: &Path, line: Option<u64>, column: Option<&str>) -> String {
    let mut text = format!("`{}`", path.display());
    if let Some(line) = line {
        text.push_str(&format!(", line {line}"));
    }
    if let Some(column) = column {
        text.push_str(&format!(", column `{column}`"));
    }
    text
}

/// A name as a message can carry it: short, and without signs that a terminal obeys.
fn shown(name: &str) -> String {
    const LONGEST: usize = 80;
    let dots = if name.chars().count() > LONGEST { "…" } else { "" };
    let name: String = name.chars().take(LONGEST).collect();
    name.replace(char::is_control, "\u{fffd}") + dots
}

fn did_you_mean(name: &str, suggestions: &[String], mentions: usize) -> String {
    let quoted: Vec<String> = suggestions.iter().map(|name| format!("`{name}`")).collect();
    match (suggestions.is_empty(), mentions) {
        (true, 0) => {
            "; check the spelling, or look for a part of it with `phenocopy find`".to_owned()
        }
        (_, 0) => format!("; did you mean {}?", quoted.join(", ")),
        _ => format!(
            "; {mentions} perturbations mention it, `phenocopy find \"{}\"` lists them",
            shown(name)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_errors_name_file_line_and_column() {
        let error = Error::Table {
            path: "screen.csv".into(),
            line: Some(3),
            column: Some("BRAF".into()),
            expected: "a number".into(),
            received: "`high`".into(),
            advice: "correct the cell or leave it empty".into(),
        };
        assert_eq!(
            error.to_string(),
            "`screen.csv`, line 3, column `BRAF`: expected a number, found `high`; correct the cell or leave it empty"
        );
    }

    #[test]
    fn a_full_disk_says_to_free_space() {
        let error = Error::io("write", "x")(io::Error::from(io::ErrorKind::StorageFull));
        assert!(error.to_string().ends_with("free some space and run the command again"));
    }

    #[test]
    fn a_temporary_name_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let failed = tempfile::NamedTempFile::new_in(folder.path().join("nowhere")).unwrap_err();
        let message = Error::io("write", "hits.tsv")(failed).to_string();
        assert_eq!(message, "cannot write `hits.tsv`: entity not found; check the path");
    }
}
