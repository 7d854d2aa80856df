use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use phenocopy::table::InputFile;
use phenocopy::{Error, Result};
use serde::{Deserialize, Serialize};

/// A file on its way: `FILE.part` holds what came, `FILE.part.json` what it is a part of.
///
/// What is written goes to the system at once, so that a process that is killed leaves a part to go on from.
pub(super) struct PartFile {
    target: PathBuf,
    part: PathBuf,
    state: PathBuf,
    file: File,
    /// Bytes that are there.
    length: u64,
    origin: Origin,
}

/// What a part is a part of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    /// Where it comes from.
    pub(super) url: String,
    /// What the server calls this state of the file: a strong `ETag`, else `Last-Modified`.
    pub(super) validator: Option<String>,
}

/// Returns a path with something added to its name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

impl PartFile {
    /// Opens the part beside `target`, for this process alone; what is there of another origin does not count.
    ///
    /// # Errors
    /// [`Error::Busy`] when another process is at it.
    pub(super) fn open(target: &Path, url: &str) -> Result<Self> {
        let (part, state) = (beside(target, ".part"), beside(target, ".part.json"));
        let file = lock(&part)?;
        let saved = fs::read_to_string(&state).ok();
        let saved = saved.and_then(|text| serde_json::from_str::<Origin>(&text).ok());
        let is_known = saved.as_ref().is_some_and(|origin| origin.url == url);
        let origin =
            saved.filter(|_| is_known).unwrap_or(Origin { url: url.to_owned(), validator: None });
        let length = file.metadata().map_err(Error::io("read", &part))?.len();
        let target = target.to_path_buf();
        let mut opened = Self { target, part, state, file, length, origin };
        if !is_known && length > 0 {
            opened.restart()?;
        }
        opened.seek_end()?;
        Ok(opened)
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Takes note of what the bytes to come are of.
    pub(super) fn set_validator(&mut self, validator: Option<String>) -> Result<()> {
        self.origin.validator = validator;
        let text =
            serde_json::to_string(&self.origin).map_err(Error::engine("serde_json", "save"))?;
        let new = beside(&self.state, ".new");
        fs::write(&new, text)
            .and_then(|()| fs::rename(&new, &self.state))
            .map_err(Error::io("write", &self.state))
    }

    /// Forgets what came.
    pub(super) fn restart(&mut self) -> Result<()> {
        self.file.set_len(0).map_err(Error::io("write", &self.part))?;
        self.length = 0;
        self.seek_end()
    }

    fn seek_end(&mut self) -> Result<()> {
        self.file.seek(SeekFrom::End(0)).map(drop).map_err(Error::io("write", &self.part))
    }

    /// Adds what came next.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(Error::io("write", &self.part))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Returns the digest and the size of what is there.
    pub(super) fn fingerprint(&self) -> Result<InputFile> {
        InputFile::fingerprint(&self.target, &self.part)
    }

    /// Puts the file in its place.
    pub(super) fn finish(self) -> Result<()> {
        self.file.sync_all().map_err(Error::io("write", &self.part))?;
        self.move_to(&self.target)
    }

    /// Puts the file aside, as it is not what was wanted; returns where it lies.
    pub(super) fn reject(self) -> Result<PathBuf> {
        let bad = beside(&self.target, ".bad");
        self.move_to(&bad)?;
        Ok(bad)
    }

    /// Removes the part, as the file is there already.
    pub(super) fn discard(self) -> Result<()> {
        fs::remove_file(&self.part).map_err(Error::io("remove", &self.part))?;
        self.remove_state()
    }

    fn move_to(&self, place: &Path) -> Result<()> {
        fs::rename(&self.part, place).map_err(Error::io("write", place))?;
        self.remove_state()
    }

    fn remove_state(&self) -> Result<()> {
        match fs::remove_file(&self.state) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io("remove", &self.state)(error))
            }
            _ => Ok(()),
        }
    }
}

/// Opens a part and locks it. Another process may put the part in its place between the two: then what was
/// locked is the finished file, which must not be touched.
fn lock(part: &Path) -> Result<File> {
    let open = || OpenOptions::new().write(true).create(true).truncate(false).open(part);
    let file = open().map_err(Error::io("write", part))?;
    match file.try_lock() {
        Ok(()) if is_at(&file, part) => Ok(file),
        _ => Err(Error::Busy { path: part.to_path_buf() }),
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let (file, path) = (file.metadata().map(identity), fs::metadata(path).map(identity));
    matches!((file, path), (Ok(file), Ok(path)) if file == path)
}

#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}
