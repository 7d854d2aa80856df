use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::table::name::{fits_wildcard, has_wildcard};
use crate::table::text::whole_file;

/// The files that hold one table: one, or all whose names a pattern fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shards {
    /// The path that was asked for.
    pub path: PathBuf,
    /// The files, in the order of their names (byte by byte).
    pub files: Vec<PathBuf>,
}

impl Shards {
    /// Finds the files that a path names. `*` in the last part of the path stands for any text, but as in a shell not for
    /// the dot that hidden files begin with; a path without it names one file, which need not be there.
    ///
    /// # Errors
    /// When the folder cannot be read, no name fits, or one that fits is no file: a link that leads nowhere is a part that is
    /// missing.
    ///
    /// # Examples
    /// ```
    /// use phenocopy::table::Shards;
    ///
    /// let folder = tempfile::tempdir()?;
    /// for name in ["train-1.parquet", "train-0.parquet", "train-2.parquet.part"] {
    ///     std::fs::write(folder.path().join(name), "")?;
    /// }
    /// let shards = Shards::find(&folder.path().join("train-*.parquet"))?;
    /// assert!(shards.files[0].ends_with("train-0.parquet") && shards.files.len() == 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn find(path: &Path) -> Result<Self> {
        if !Self::are_named_by(path) {
            return Ok(Self { path: path.to_path_buf(), files: vec![path.to_path_buf()] });
        }
        let pattern = path.file_name().unwrap_or_default().to_string_lossy();
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
            let entry = entry.map_err(Error::io("read", folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_hidden = name.starts_with('.') && !pattern.starts_with('.');
            if !is_hidden && fits_wildcard(&pattern, &name) {
                files.push(path.with_file_name(entry.file_name()));
            }
        }
        files.sort();
        files.iter().try_for_each(|file| require_file(file))?;
        if files.is_empty() {
            let received = "no file whose name fits";
            let advice = "check the folder and the pattern: `*` stands for any text in the name";
            return Err(whole_file(path, "one file or more", received, advice));
        }
        Ok(Self { path: path.to_path_buf(), files })
    }

    /// Returns whether a path names files by a pattern.
    #[must_use]
    pub fn are_named_by(path: &Path) -> bool {
        path.file_name().is_some_and(|name| has_wildcard(&name.to_string_lossy()))
    }
}

fn require_file(path: &Path) -> Result<()> {
    if fs::metadata(path).map_err(Error::io("read", path))?.is_file() {
        return Ok(());
    }
    let advice = "move it away, or choose a pattern that only the files' names fit";
    Err(whole_file(path, "a file", "something else whose name fits the pattern", advice))
}
