use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use phenocopy::Error;

/// Where results are written.
#[derive(Debug, clap::Args)]
pub(crate) struct OutputArguments {
    /// Write to a file instead of the terminal (- is the terminal)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

impl OutputArguments {
    /// The file; none for stdout, which `-` means as well (`./-` is a file).
    pub(crate) fn file(&self) -> Option<&Path> {
        self.output.as_deref().filter(|path| *path != Path::new("-"))
    }

    /// Refuses to write over a file that is read.
    pub(crate) fn keep<'a>(
        &self,
        inputs: impl IntoIterator<Item = &'a PathBuf>,
    ) -> phenocopy::Result<()> {
        let Some(path) = self.file().filter(|path| path.is_file()) else { return Ok(()) };
        let mut inputs = inputs.into_iter();
        match inputs.find(|input| input.is_file() && resolve(input) == resolve(path)) {
            Some(input) => {
                let expected = "another file than one that is read";
                Err(Error::parameter("output", expected, input.display()))
            }
            None => Ok(()),
        }
    }

    /// Finds out whether the output can be written, before long work is done for it.
    pub(crate) fn probe(&self) -> phenocopy::Result<()> {
        let Some(path) = self.file() else { return Ok(()) };
        let path = resolve(path);
        if path.exists() && !path.is_file() {
            return Ok(());
        }
        Staged::beside(path).map(drop)
    }

    /// Refuses to write Parquet where a terminal would show it.
    pub(crate) fn refuse_terminal(&self) -> anyhow::Result<()> {
        if self.file().is_none() && io::stdout().is_terminal() {
            anyhow::bail!("a terminal cannot show Parquet: name a file with -o FILE, or pipe it");
        }
        Ok(())
    }

    /// Has `write` fill the output; a file is written beside its destination and renamed when complete.
    pub(crate) fn fill(
        &self,
        write: impl FnOnce(&mut (dyn Write + Send)) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let Some(path) = self.file() else {
            let mut out = BufWriter::new(io::stdout());
            let written = write(&mut out).and_then(|()| Ok(out.flush()?));
            return written.map_err(|error| name_output(error, Path::new("standard output")));
        };
        let path = &resolve(path);
        if path.exists() && !path.is_file() {
            return fill_special(path, write);
        }
        let staged = Staged::beside(path.clone())?;
        let mut out = staged.writer();
        write(&mut out).map_err(|error| name_output(error, path))?;
        out.flush().map_err(Error::io("write", path))?;
        drop(out);
        Ok(staged.persist()?)
    }
}

/// Has `write` fill three files that belong together, made of the name that the user gave; each is written beside its destination, and all are renamed when
/// they are complete. Only where the first is there, as an earlier run leaves it, are the others replaced: their names
/// are not those that the user gave.
pub(crate) fn fill_together(
    named: &Path,
    paths: &[PathBuf; 3],
    write: impl FnOnce([BufWriter<&File>; 3]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    require_file(named)?;
    let [first, second, third] = paths;
    if let Some(other) = [second, third].into_iter().find(|path| path.exists() && !first.exists()) {
        let received = format!("`{}`, which is there and may be yours", other.display());
        return Err(
            Error::parameter("-o", "a name beside which nothing is replaced", received).into()
        );
    }
    let staged = [Staged::of_file(first)?, Staged::of_file(second)?, Staged::of_file(third)?];
    write(staged.each_ref().map(Staged::writer)).map_err(|error| name_output(error, first))?;
    Ok(staged.into_iter().try_for_each(Staged::persist)?)
}

/// Has `write` fill a file by its path, as formats need that are not written front to back; it is written beside its
/// destination and renamed when complete.
pub(crate) fn fill_by_path(
    path: &Path,
    write: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let staged = Staged::of_file(path)?;
    write(staged.file.path()).map_err(|error| name_output(error, path))?;
    Ok(staged.persist()?)
}

/// Files beside those that they will replace; a signal runs no destructor that would remove them.
static STAGED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes what is written beside its destination, as the program is about to end.
pub(crate) fn discard_staged() {
    let staged = STAGED.lock().unwrap_or_else(PoisonError::into_inner);
    staged.iter().for_each(|path| drop(std::fs::remove_file(path)));
}

/// Keeps a file among those until it is in its place, or given up.
struct Listed(PathBuf);

impl Listed {
    fn new(path: &Path) -> Self {
        STAGED.lock().unwrap_or_else(PoisonError::into_inner).push(path.to_path_buf());
        Self(path.to_path_buf())
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        STAGED.lock().unwrap_or_else(PoisonError::into_inner).retain(|path| *path != self.0);
    }
}

/// A file beside the one that it will replace.
struct Staged {
    file: tempfile::NamedTempFile,
    destination: PathBuf,
    _listed: Listed,
}

impl Staged {
    fn beside(destination: PathBuf) -> phenocopy::Result<Self> {
        let file = stage(&destination)?;
        let listed = Listed::new(file.path());
        Ok(Self { file, destination, _listed: listed })
    }

    /// Refuses devices and pipes, in whose place no file can be put.
    fn of_file(path: &Path) -> phenocopy::Result<Self> {
        require_file(path)?;
        Self::beside(resolve(path))
    }

    fn writer(&self) -> BufWriter<&File> {
        BufWriter::new(self.file.as_file())
    }

    fn persist(self) -> phenocopy::Result<()> {
        let Self { file, destination, _listed } = self;
        file.persist(&destination).map(drop).map_err(|e| Error::io("write", destination)(e.error))
    }
}

/// Refuses what is there and no file: a folder, a device, a pipe.
fn require_file(path: &Path) -> phenocopy::Result<()> {
    if path.exists() && !path.is_file() {
        let received = format!("`{}`, which is none", path.display());
        return Err(Error::parameter("-o", "a file, as this form needs", received));
    }
    Ok(())
}

/// Follows links, so that the file they lead to is replaced and not the link.
fn resolve(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

/// A device or a pipe is written as it is; nothing may be put in its place.
fn fill_special(
    path: &Path,
    write: impl FnOnce(&mut (dyn Write + Send)) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let file = std::fs::OpenOptions::new().write(true).open(path);
    let mut out = BufWriter::new(file.map_err(Error::io("write", path))?);
    let written = write(&mut out).and_then(|()| Ok(out.flush()?));
    written.map_err(|error| name_output(error, path))
}

/// Says where the writing failed, where the system's error does not.
fn name_output(error: anyhow::Error, output: &Path) -> anyhow::Error {
    match error.downcast::<io::Error>() {
        Ok(source) => Error::io("write", output)(source).into(),
        Err(other) => other,
    }
}

/// Creates a file beside one that it will replace, with the permissions of that, or of any new file.
pub(crate) fn stage(path: &Path) -> phenocopy::Result<tempfile::NamedTempFile> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    // Asked here, as the temporary file's own error would not say it in the system's words.
    parent.map(std::fs::metadata).transpose().map_err(Error::io("write", path))?;
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Like the file that is replaced, else like any file a program creates, less what the umask takes away.
        let replaced = std::fs::metadata(path).map(|metadata| metadata.permissions());
        builder.permissions(replaced.unwrap_or(std::fs::Permissions::from_mode(0o666)));
    }
    builder.tempfile_in(parent.unwrap_or(Path::new("."))).map_err(Error::io("write", path))
}

/// Returns the terminal's width, 80 where the output is no terminal.
pub(crate) fn width() -> u16 {
    terminal_size::terminal_size_of(io::stdout()).map_or(80, |(width, _)| width.0)
}

/// Writes a line for the user's eyes to stderr.
pub(crate) fn complain(line: &str) {
    // Where stderr is full or closed, nobody can be told so.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Names that a message lists at most.
pub(crate) const MOST_LISTED: usize = 5;

/// The first of `n` unknown names, each with one that is spelt like it.
pub(crate) fn listed(unknown: &[(String, Option<String>)], n: usize) -> String {
    let names = unknown.iter().take(MOST_LISTED).map(|(name, close)| match close {
        Some(close) => format!("`{name}` (`{close}`?)"),
        None => format!("`{name}`"),
    });
    let names = names.collect::<Vec<String>>().join(", ");
    let more = n.saturating_sub(MOST_LISTED);
    if more > 0 { format!("{names} and {more} more") } else { names }
}

/// Returns whether someone watches stderr, so that progress is worth showing.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// The command as it was typed, for the record; bytes that are no text are replaced.
pub(crate) fn command_line() -> String {
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    words.collect::<Vec<String>>().join(" ")
}
