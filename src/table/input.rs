use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// An input file as it was when it was read: the provenance of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// The path as the recipe gives it.
    pub path: PathBuf,
    /// SHA-256 of the file's bytes (compressed, if the file is), in lower-case hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
}

impl InputFile {
    /// Reads `file` once and returns its fingerprint under the name `path`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn fingerprint(path: &Path, file: &Path) -> Result<Self> {
        let mut source = File::open(file).map_err(Error::io("read", file))?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0_u8; 1 << 16];
        let mut bytes = 0;
        loop {
            let n_read = source.read(&mut buffer).map_err(Error::io("read", file))?;
            if n_read == 0 {
                break;
            }
            hash.update(buffer.get(..n_read).unwrap_or_default());
            bytes += n_read as u64;
        }
        let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { path: path.to_path_buf(), sha256, bytes })
    }
}

/// How a file stood before it was read, to tell whether it changed meanwhile: half of the old and half of the new would be
/// data of nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileState {
    file: PathBuf,
    /// Size and time of the last change; none of what is no regular file.
    state: Option<(u64, SystemTime)>,
}

impl FileState {
    /// Looks at a file.
    ///
    /// # Errors
    /// When it cannot be found.
    pub fn of(file: &Path) -> Result<Self> {
        let metadata = file.metadata().map_err(Error::io("read", file))?;
        let state = metadata.modified().ok().map(|modified| (metadata.len(), modified));
        let state = state.filter(|_| metadata.is_file());
        Ok(Self { file: file.to_path_buf(), state })
    }

    /// Looks again.
    ///
    /// # Errors
    /// When the file has another size or was written to since.
    pub fn require_unchanged(&self) -> Result<()> {
        if Self::of(&self.file)? == *self {
            return Ok(());
        }
        let what = format!("file `{}`", self.file.display());
        let advice = "wait until whatever writes it is done, and start again";
        Err(Error::data(what, "it changed while it was read", advice))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_file_that_is_written_to_or_exchanged_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("screen.csv");
        fs::write(&path, "a,b\n").unwrap();
        let before = FileState::of(&path).unwrap();
        before.require_unchanged().unwrap();
        fs::write(&path, "a,b\n1,2\n").unwrap();
        let message = before.require_unchanged().unwrap_err().to_string();
        assert!(message.contains("screen.csv") && message.contains("changed while"), "{message}");
        let now = FileState::of(&path).unwrap();
        let later = SystemTime::now() + Duration::from_secs(5);
        fs::File::options().append(true).open(&path).unwrap().set_modified(later).unwrap();
        assert!(now.require_unchanged().is_err(), "of the same size, but later");
        fs::remove_file(&path).unwrap();
        assert!(now.require_unchanged().is_err());
    }
}
