//! An output folder that appears whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Ends the name of an old folder that waits beside its destination.
const ASIDE: &str = "old";

/// A folder under construction beside its destination, held by a lock.
///
/// Files are written into [`StagedFolder::path`]; [`StagedFolder::publish`] exchanges it with the
/// destination in one step, so that a reader sees the old folder or the new one. Dropped without
/// publishing, or killed, it leaves the destination as it was; the next build removes what is left.
#[derive(Debug)]
pub struct StagedFolder {
    destination: PathBuf,
    staging: PathBuf,
    /// Where the old folder waits where the system cannot exchange two.
    aside: PathBuf,
    _lock: FolderLock,
}

impl StagedFolder {
    /// Locks the destination and makes an empty folder beside it.
    ///
    /// # Errors
    /// When another process holds the lock, when the destination is something other than an index
    /// or an empty folder, or when the place cannot be written.
    pub fn create(destination: &Path) -> Result<Self> {
        // A link is followed: what it leads to is replaced, not the link.
        let resolved = fs::canonicalize(destination);
        let destination = resolved.as_deref().unwrap_or(destination);
        let (parent, name) = split(destination)?;
        refuse_current_folder(destination)?;
        refuse_foreign(destination)?;
        fs::create_dir_all(&parent).map_err(Error::io("create", &parent))?;
        let lock = FolderLock::acquire(&parent.join(format!(".{name}.lock")), destination)?;
        let prefix = format!(".{name}.building-");
        let destination = parent.join(&name);
        let aside = parent.join(format!("{prefix}{ASIDE}"));
        recover_aside(&aside, &destination)?;
        remove_leftovers(&parent, &prefix)?;
        let staging = parent.join(format!("{prefix}{}", std::process::id()));
        fs::create_dir(&staging).map_err(Error::io("create", &staging))?;
        Ok(Self { destination, staging, aside, _lock: lock })
    }

    /// Returns the folder to write into.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.staging
    }

    /// Puts the finished folder in the destination's place; dropping removes the old one and frees the
    /// destination for other builds.
    ///
    /// # Errors
    /// When the system refuses to rename; the destination is then untouched.
    pub fn publish(&self) -> Result<()> {
        open_to_readers(&self.staging)?;
        sync_tree(&self.staging)?;
        if self.destination.exists() {
            exchange(&self.staging, &self.destination, &self.aside)?;
        } else {
            fs::rename(&self.staging, &self.destination)
                .map_err(Error::io("rename into", &self.destination))?;
        }
        if let Some(parent) = self.destination.parent() {
            sync(parent)?;
        }
        Ok(())
    }
}

impl Drop for StagedFolder {
    /// After publishing this is the old index, before it the unfinished new one.
    fn drop(&mut self) {
        if self.staging.exists() {
            // What cannot be removed now is removed by the next build.
            let _ = fs::remove_dir_all(&self.staging);
        }
    }
}

fn split(destination: &Path) -> Result<(PathBuf, String)> {
    let name = destination
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| Error::parameter("output", "a folder with a name", destination.display()))?;
    let parent = destination.parent().filter(|parent| !parent.as_os_str().is_empty());
    Ok((parent.unwrap_or(Path::new(".")).to_path_buf(), name.to_owned()))
}

/// Exchanging the folder that a shell stands in would leave it in a deleted one.
fn refuse_current_folder(destination: &Path) -> Result<()> {
    let current = std::env::current_dir().and_then(fs::canonicalize).unwrap_or_default();
    let is_above = fs::canonicalize(destination).is_ok_and(|folder| current.starts_with(folder));
    if !is_above {
        return Ok(());
    }
    Err(Error::data(
        format!("output `{}`", destination.display()),
        "it is the current folder or lies above it, and would be exchanged for a new one",
        "name a folder inside the current one, such as `my-index`",
    ))
}

/// Nothing of the user's is replaced but an index that holds nothing else.
fn refuse_foreign(destination: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(destination) else {
        return if destination.symlink_metadata().is_ok() {
            Err(foreign(destination, "it exists and is no folder"))
        } else {
            Ok(())
        };
    };
    let names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let Some(own) = names_in_index(destination) else {
        return Err(foreign(destination, "it exists and is not a phenocopy index"));
    };
    match names.iter().find(|name| !own.contains(*name)) {
        Some(other) => {
            Err(foreign(destination, &format!("it holds `{other}`, which no index made")))
        }
        None => Ok(()),
    }
}

fn foreign(destination: &Path, problem: &str) -> Error {
    Error::data(
        format!("output `{}`", destination.display()),
        problem,
        "choose another name, or move it away yourself",
    )
}

/// Returns the names at the top of the index that lies there, of whatever version; none if none does.
fn names_in_index(folder: &Path) -> Option<Vec<String>> {
    let text = fs::read_to_string(folder.join("manifest.json")).ok()?;
    let manifest: serde_json::Value = serde_json::from_str(&text).ok()?;
    manifest.get("format_version")?.as_u64()?;
    manifest.get("fingerprint")?.as_str()?;
    let files = manifest.get("files")?.as_object()?.keys();
    let tops = files.filter_map(|path| path.split('/').next()).map(str::to_owned);
    Some(tops.chain(["manifest.json".to_owned()]).collect())
}

/// Removes what killed builds left: folders of the prefix and a process's number.
fn remove_leftovers(parent: &Path, prefix: &str) -> Result<()> {
    let entries = fs::read_dir(parent).map_err(Error::io("read", parent))?;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name.strip_prefix(prefix).unwrap_or_default();
        if !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit()) {
            let path = entry.path();
            fs::remove_dir_all(&path).map_err(Error::io("remove", &path))?;
        }
    }
    Ok(())
}

fn exchange(staging: &Path, destination: &Path, aside: &Path) -> Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        let exchanged = renameat_with(CWD, staging, CWD, destination, RenameFlags::EXCHANGE);
        match exchanged {
            Ok(()) => return Ok(()),
            // Some file systems cannot exchange; they get two renames.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {}
            Err(errno) => return Err(Error::io("replace", destination)(errno.into())),
        }
    }
    exchange_by_renames(staging, destination, aside)
}

/// Moves the old folder aside and the new one into its place. A crash between the two leaves the old
/// one aside, from where the next build fetches it back.
fn exchange_by_renames(staging: &Path, destination: &Path, aside: &Path) -> Result<()> {
    fs::rename(destination, aside).map_err(Error::io("move aside", destination))?;
    if let Err(source) = fs::rename(staging, destination) {
        fs::rename(aside, destination).map_err(Error::io("restore", destination))?;
        return Err(Error::io("replace", destination)(source));
    }
    fs::remove_dir_all(aside).map_err(Error::io("remove", aside))
}

/// Brings back an old folder that a crash left aside, or removes it where the new one is in place.
fn recover_aside(aside: &Path, destination: &Path) -> Result<()> {
    if !aside.exists() {
        return Ok(());
    }
    if destination.exists() {
        return fs::remove_dir_all(aside).map_err(Error::io("remove", aside));
    }
    fs::rename(aside, destination).map_err(Error::io("restore", destination))
}

/// Gives every file the permissions of one that was made in the usual way: engines write through
/// temporary files that only their owner may read, and an index is for everyone who may read the folder.
fn open_to_readers(staging: &Path) -> Result<()> {
    let probe = staging.join("manifest.json");
    let permissions = fs::metadata(&probe).map_err(Error::io("read", &probe))?.permissions();
    let mut pending = vec![staging.to_path_buf()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder).map_err(Error::io("read", &folder))? {
            let path = entry.map_err(Error::io("read", &folder))?.path();
            if path.is_dir() {
                pending.push(path);
            } else {
                fs::set_permissions(&path, permissions.clone())
                    .map_err(Error::io("make readable", &path))?;
            }
        }
    }
    Ok(())
}

fn sync_tree(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let path = entry.map_err(Error::io("read", folder))?.path();
        if path.is_dir() { sync_tree(&path)? } else { sync(&path)? }
    }
    sync(folder)
}

fn sync(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(Error::io("sync", path))
}

/// An advisory lock that ends with the process, whatever ends it.
#[derive(Debug)]
struct FolderLock {
    path: PathBuf,
    _file: File,
}

impl FolderLock {
    fn acquire(path: &Path, destination: &Path) -> Result<Self> {
        loop {
            let file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)
                .map_err(Error::io("create", path))?;
            match file.try_lock() {
                Ok(()) if is_at(&file, path) => {
                    return Ok(Self { path: path.to_path_buf(), _file: file });
                }
                // The holder removed the file between our opening and locking it.
                Ok(()) => {}
                Err(fs::TryLockError::WouldBlock) => {
                    return Err(Error::Busy { path: destination.to_path_buf() });
                }
                Err(fs::TryLockError::Error(source)) => {
                    return Err(Error::io("lock", path)(source));
                }
            }
        }
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let inode = |metadata: std::io::Result<fs::Metadata>| metadata.map(|m| (m.dev(), m.ino())).ok();
    inode(file.metadata()) == inode(fs::metadata(path))
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(destination: &Path, text: &str) {
        let staged = StagedFolder::create(destination).unwrap();
        fs::write(staged.path().join("manifest.json"), manifest(text)).unwrap();
        staged.publish().unwrap();
    }

    fn manifest(fingerprint: &str) -> String {
        format!(r#"{{"format_version": 1, "fingerprint": "{fingerprint}", "files": {{}}}}"#)
    }

    #[test]
    fn a_published_folder_replaces_the_old_one_and_leaves_nothing_beside_it() {
        let home = tempfile::tempdir().unwrap();
        let index = home.path().join("index");
        publish(&index, "old");
        publish(&index, "new");
        assert_eq!(fs::read_to_string(index.join("manifest.json")).unwrap(), manifest("new"));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_dropped_folder_leaves_the_old_one_untouched() {
        let home = tempfile::tempdir().unwrap();
        let index = home.path().join("index");
        publish(&index, "old");
        let staged = StagedFolder::create(&index).unwrap();
        fs::write(staged.path().join("manifest.json"), "half").unwrap();
        drop(staged);
        assert_eq!(fs::read_to_string(index.join("manifest.json")).unwrap(), manifest("old"));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn without_an_exchange_a_crash_between_the_renames_loses_nothing() {
        let home = tempfile::tempdir().unwrap();
        let index = home.path().join("index");
        publish(&index, "old");
        let aside = home.path().join(".index.building-old");
        fs::rename(&index, &aside).unwrap();
        drop(StagedFolder::create(&index).unwrap());
        assert_eq!(fs::read_to_string(index.join("manifest.json")).unwrap(), manifest("old"));
        let staging = home.path().join("new");
        fs::create_dir(&staging).unwrap();
        fs::write(staging.join("manifest.json"), manifest("new")).unwrap();
        exchange_by_renames(&staging, &index, &aside).unwrap();
        assert_eq!(fs::read_to_string(index.join("manifest.json")).unwrap(), manifest("new"));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn two_builders_of_one_index_exclude_each_other() {
        let home = tempfile::tempdir().unwrap();
        let index = home.path().join("index");
        let first = StagedFolder::create(&index).unwrap();
        assert!(matches!(StagedFolder::create(&index), Err(Error::Busy { .. })));
        drop(first);
        StagedFolder::create(&index).unwrap();
    }

    #[test]
    fn a_file_among_those_of_an_index_keeps_it_from_being_replaced() {
        let home = tempfile::tempdir().unwrap();
        let index = home.path().join("index");
        publish(&index, "old");
        fs::write(index.join("hits.tsv"), "mine").unwrap();
        let error = StagedFolder::create(&index).unwrap_err();
        assert!(error.to_string().contains("hits.tsv"), "{error}");
        fs::write(index.join("manifest.json"), r#"{"name": "an extension"}"#).unwrap();
        assert!(StagedFolder::create(&index).is_err());
    }

    #[test]
    fn a_folder_that_is_no_index_is_never_replaced() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("thesis.txt"), "years of work").unwrap();
        let error = StagedFolder::create(home.path()).unwrap_err();
        assert!(error.to_string().contains("not a phenocopy index"), "{error}");
    }
}
