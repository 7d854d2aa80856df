use std::ffi::OsStr;
use std::fs::{File, metadata};
use std::io::{BufReader, copy};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use phenocopy::{Error, Result};
use zip::ZipArchive;

use crate::cli::output::stage;

/// Puts files of a ZIP archive beside it, whichever of its folders holds them; returns those that were not there, or older
/// than the archive.
///
/// # Errors
/// When the archive is damaged or lacks one of them.
pub(super) fn unpack(archive: &Path, names: &[String]) -> Result<Vec<PathBuf>> {
    let folder = archive.parent().unwrap_or(Path::new("."));
    let written = modified(archive);
    let is_old = |member: SystemTime| written.is_some_and(|written| member < written);
    let wanted = names.iter().filter(|name| modified(&folder.join(name)).is_none_or(is_old));
    let wanted: Vec<&String> = wanted.collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let file = File::open(archive).map_err(Error::io("read", archive))?;
    let mut opened =
        ZipArchive::new(BufReader::new(file)).map_err(|error| damaged(archive, &error))?;
    wanted.into_iter().map(|name| unpack_one(&mut opened, archive, name)).collect()
}

/// Returns when a file was written last; none if there is no such file.
fn modified(path: &Path) -> Option<SystemTime> {
    metadata(path).and_then(|metadata| metadata.modified()).ok()
}

fn unpack_one(
    opened: &mut ZipArchive<BufReader<File>>,
    archive: &Path,
    name: &str,
) -> Result<PathBuf> {
    let is_wanted = |path: &str| Path::new(path).file_name() == Some(OsStr::new(name));
    let Some(at) = opened.file_names().position(|path| path.is_ok_and(|path| is_wanted(&path)))
    else {
        return Err(damaged(archive, &format!("it holds no `{name}`")));
    };
    let mut member = opened.by_index(at).map_err(|error| damaged(archive, &error))?;
    let target = archive.with_file_name(name);
    let mut new = stage(&target)?;
    copy(&mut member, &mut new).map_err(Error::io("unpack", &target))?;
    new.persist(&target).map_err(|failure| Error::io("write", &target)(failure.error))?;
    Ok(target)
}

fn damaged(archive: &Path, problem: &impl ToString) -> Error {
    let what = format!("archive `{}`", archive.display());
    let advice = "move it away to download it anew; if it stays so, the publisher has changed it";
    Error::data(what, problem.to_string(), advice)
}
