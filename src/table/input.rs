use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

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
