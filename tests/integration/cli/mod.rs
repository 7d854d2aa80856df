//! The command as its users run it: what they see, what it leaves on the disk, what bad input gets.

/// Tables, TSV, NDJSON, lists and descriptions.
mod answers;
/// Help, exit codes, and where results go.
mod arguments;
/// Screens and recipes that cannot be trained on.
#[cfg(feature = "train")]
mod bad_screens;
/// From a recipe to an index, interrupted, resumed, repeated and contested.
#[cfg(feature = "train")]
pub mod build;
/// What a recipe or file holds, before anything is trained.
mod check;
/// Indexes and queries that cannot be answered.
mod damage;
/// Where public data are, and what becomes of downloads that break off.
#[cfg(feature = "download")]
mod databases;
/// Directed networks of an index whose readouts are genes, and an assay held out of it.
#[cfg(feature = "train")]
mod directed;
/// Retrieval reports and the labels they need.
#[cfg(feature = "train")]
mod evaluate;
/// Vectors and responses for other programs, and back.
mod export;
/// Parquet, sets, schemas, completions and manual pages.
mod exports;
/// Where results go, and what is left when they are given up.
mod outputs;
/// What perturbations do in contexts, whether or not they were measured there.
#[cfg(feature = "train")]
mod predictions;
/// Signatures, combinations and features: what no screen of the index holds.
#[cfg(feature = "train")]
mod unmeasured;
/// Vectors that were trained elsewhere.
mod vectors;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use tempfile::TempDir;

use crate::fixture;

/// What a command wrote and how it ended.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    pub fn of(output: std::process::Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let outcome = Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        for sign in ["panicked", "stack backtrace", "RUST_BACKTRACE"] {
            assert!(!outcome.stderr.contains(sign), "{}", outcome.stderr);
        }
        outcome
    }

    /// Returns stdout of a command that must have succeeded.
    pub fn success(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }

    /// Returns the message of a command that must have failed, with nothing on stdout, and said once why.
    pub fn failure(self) -> String {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert_eq!(self.stdout, "", "results of a failed command");
        let errors: Vec<&str> =
            self.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(errors.len(), 1, "{}", self.stderr);
        errors[0].to_owned()
    }
}

/// Returns the command, free of what the caller's surroundings say.
pub fn phenocopy(arguments: &[&str]) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_phenocopy"));
    command.env_remove("PHENOCOPY_INDEX").env("RUST_BACKTRACE", "1").args(arguments);
    command
}

pub fn run(arguments: &[&str]) -> Outcome {
    Outcome::of(phenocopy(arguments).output().unwrap())
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

static PLANTED: LazyLock<(TempDir, PathBuf, String)> = LazyLock::new(|| {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = home.path().join("planted");
    let fingerprint = fixture::write(&path, 7).fingerprint;
    (home, path, fingerprint)
});

/// The folder of an index that no test changes.
pub fn planted() -> &'static str {
    text(&PLANTED.1)
}

/// Replaces what differs from machine to machine, leaving the layout as it is.
pub fn redact(output: &str) -> String {
    output
        .replace(&PLANTED.2, "0123456789abcdef")
        .replace(planted(), "PLANTED")
        .replace(env!("CARGO_BIN_EXE_phenocopy"), "phenocopy")
        .replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

/// Returns everything in a folder, names only.
pub fn listing(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
