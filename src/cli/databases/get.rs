use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use phenocopy::table::InputFile;
use phenocopy::{Error, Result};

use super::SourcesArgument;
use super::archive::unpack;
use super::download::{Downloader, Wanted};
use super::list::megabytes;
use super::part::PartFile;
use super::source::{Source, SourceFile, find_all};
use crate::cli::output::complain;
use crate::cli::progress::byte_bar;

/// Which source is fetched, and where to.
#[derive(Debug, Args)]
#[command(
    after_help = "Files go where recipes look for them below --data DIR. A download that was interrupted leaves FILE.part, and the same\n\
    command goes on from there. What is not the file that was known is put aside as FILE.bad. Digests are recorded in\n\
    SHA256SUMS (`sha256sum -c SHA256SUMS`).\n\n\
    Examples:\n  \
    phenocopy databases get hgnc -o ~/screens\n  \
    phenocopy databases get cancer-viability-public -o ~/screens   # all that a recipe needs\n  \
    phenocopy databases get lincs-2020 siginfo_beta.txt -o ~/screens"
)]
pub(crate) struct GetArguments {
    /// Name of a source, as `phenocopy databases list` shows it, or of a recipe in data/
    name: String,
    /// Only these of its files
    files: Vec<String>,
    /// Folder that recipes' paths start from
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    output: PathBuf,
    #[command(flatten)]
    sources: SourcesArgument,
    /// Give a connection up that is silent for so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// Give up after so many attempts that brought nothing
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    attempts: u32,
}

/// The file that digests are recorded in, in the form of `sha256sum`.
const DIGESTS: &str = "SHA256SUMS";

impl GetArguments {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let sources = self.sources.read()?;
        let wanted = find_all(&sources, &self.name)?;
        let files = chosen(&wanted, &self.files)?;
        wanted.iter().for_each(|source| tell_terms(source));
        let downloader = Downloader::new(Duration::from_secs(self.timeout), self.attempts);
        for file in files {
            let fetched = self.fetch(file, &downloader)?;
            for member in unpack(&self.output.join(&file.path), &file.members)? {
                complain(&format!("{}: unpacked", member.display()));
            }
            let (path, size) = (fetched.path.display(), megabytes(fetched.bytes));
            let known =
                if file.sha256.is_some() { "as known" } else { "nothing to compare it with" };
            writeln!(std::io::stdout(), "{path}: {size}, sha256 {} ({known})", fetched.sha256)?;
        }
        Ok(())
    }

    /// Fetches one file unless it is there; returns its digest.
    fn fetch(&self, file: &SourceFile, downloader: &Downloader) -> Result<InputFile> {
        let target = self.output.join(&file.path);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        if target.exists() {
            return self.present(file, &target);
        }
        let mut part = PartFile::open(&target, &file.url)?;
        // Another process may have finished it while this one waited.
        if target.exists() {
            part.discard()?;
            return self.present(file, &target);
        }
        if part.length() > 0 {
            complain(&format!(
                "{}: going on after {}",
                file.path.display(),
                megabytes(part.length())
            ));
        }
        let bar = byte_bar(&file.path.to_string_lossy(), file.bytes);
        let observe = |done: u64, total: Option<u64>| {
            if let Some(total) = total {
                bar.set_length(total);
            }
            bar.set_position(done);
        };
        let wanted =
            Wanted { url: &file.url, bytes: file.bytes, is_verified: file.sha256.is_some() };
        let fetched = downloader.fetch(wanted, &mut part, &observe);
        bar.finish_and_clear();
        if let Err(error) = fetched {
            // Of what never began nothing need be left.
            if part.length() == 0 {
                part.discard()?;
            }
            return Err(error);
        }
        let found = part.fingerprint()?;
        if let Some(problem) = difference(file, &found) {
            let bad = part.reject()?;
            return Err(Error::data(
                format!("download of `{}`", file.url),
                format!("{problem}; it is put aside as `{}`", bad.display()),
                "run it again; if it stays so, the publisher has changed the file",
            ));
        }
        part.finish()?;
        self.record(file, &found)?;
        Ok(InputFile { path: file.path.clone(), ..found })
    }

    /// Compares a file that is there with what is known of it.
    fn present(&self, file: &SourceFile, target: &Path) -> Result<InputFile> {
        let found = InputFile::fingerprint(&file.path, target)?;
        let recorded = self.recorded(file);
        let is_other = recorded.as_ref().is_some_and(|sha256| *sha256 != found.sha256);
        let changed = is_other.then(|| "it is not what was downloaded".to_owned());
        if let Some(problem) = difference(file, &found).or(changed) {
            let what = format!("file `{}`", target.display());
            return Err(Error::data(what, problem, "move it away to download it anew"));
        }
        complain(&format!("{}: already there", file.path.display()));
        if recorded.is_none() {
            self.record(file, &found)?;
        }
        Ok(found)
    }

    /// Returns the digest that an earlier download recorded.
    fn recorded(&self, file: &SourceFile) -> Option<String> {
        let text = fs::read_to_string(self.output.join(DIGESTS)).ok()?;
        let own = file.path.to_string_lossy();
        // Of several records the last counts.
        let mut records = text.lines().rev().filter_map(|line| line.split_once("  "));
        records.find(|(_, path)| *path == own).map(|(sha256, _)| sha256.to_owned())
    }

    fn record(&self, file: &SourceFile, found: &InputFile) -> Result<()> {
        let path = self.output.join(DIGESTS);
        let mut digests = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(&path)
            .map_err(Error::io("write", &path))?;
        // One write of one line: two processes do not mix theirs.
        let line = format!("{}  {}\n", found.sha256, file.path.display());
        digests.write_all(line.as_bytes()).map_err(Error::io("write", &path))
    }
}

/// Says on which terms a source's files may be used.
fn tell_terms(source: &Source) {
    complain(&format!("{}: {}", source.title, source.licence));
    complain(&format!("cite {}", source.citation));
    if !source.note.is_empty() {
        complain(&format!("note: {}", source.note));
    }
}

/// Returns the files of sources that were asked for by path or name; all if none was.
fn chosen<'a>(sources: &[&'a Source], names: &[String]) -> Result<Vec<&'a SourceFile>> {
    let all: Vec<&SourceFile> = sources.iter().flat_map(|source| &source.files).collect();
    if names.is_empty() {
        return Ok(all);
    }
    let is_named = |file: &SourceFile, name: &str| {
        file.path == Path::new(name) || file.path.file_name().is_some_and(|own| own == name)
    };
    let find = |name: &String| {
        all.iter().copied().find(|file| is_named(file, name)).ok_or_else(|| {
            let all: Vec<String> = all.iter().map(|file| file.path.display().to_string()).collect();
            let of: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
            let what = format!("database `{}`", of.join(", "));
            Error::data(
                what,
                format!("it has no file `{name}`"),
                format!("there are {}", all.join(", ")),
            )
        })
    };
    names.iter().map(find).collect()
}

/// Says how a file differs from what is known of it.
fn difference(file: &SourceFile, found: &InputFile) -> Option<String> {
    let InputFile { bytes, sha256, .. } = found;
    if let Some(known) = file.bytes.filter(|known| known != bytes) {
        return Some(format!("it has {bytes} bytes, not {known} as known"));
    }
    let known = file.sha256.as_ref().filter(|known| *known != sha256)?;
    Some(format!("its sha256 is {sha256}, not {known} as known"))
}
