use std::io::{self, Write};

use clap::Args;

use super::SourcesArgument;
use super::source::{Source, SourceFile, find};
use crate::cli::output::{OutputArguments, ReportFormat};

/// Which sources are shown, and how.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    phenocopy databases list\n  \
    phenocopy databases list lincs-2020\n  \
    phenocopy databases list --format tsv")]
pub(crate) struct ListArguments {
    /// Show this source only
    name: Option<String>,
    #[command(flatten)]
    sources: SourcesArgument,
    /// Form of the list [default: by the ending of -o, else table]
    #[arg(long, value_enum)]
    format: Option<ReportFormat>,
    #[command(flatten)]
    output: OutputArguments,
}

const COLUMNS: [&str; 11] = [
    "name", "version", "file", "url", "bytes", "sha256", "licence", "citation", "page", "recipes",
    "note",
];

impl ListArguments {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let format = self.output.form(self.format)?;
        let mut sources = self.sources.read()?;
        if let Some(name) = &self.name {
            sources = vec![find(&sources, name)?.clone()];
        }
        self.output.fill(|out| {
            match format {
                ReportFormat::Table => {
                    sources.iter().try_for_each(|source| write_block(out, source))?
                }
                ReportFormat::Tsv => write_tsv(out, &sources)?,
                ReportFormat::Json => writeln!(out, "{}", serde_json::to_string_pretty(&sources)?)?,
            }
            Ok(())
        })
    }
}

fn write_block(out: &mut dyn Write, source: &Source) -> io::Result<()> {
    writeln!(out, "{} ({}): {}", source.name, source.version, source.title)?;
    for SourceFile { path, url, bytes, sha256, members } in &source.files {
        let size = bytes.map_or("size unknown".to_owned(), megabytes);
        let digest = sha256.as_ref().map_or("unknown".to_owned(), |text| format!("{text:.16}…"));
        writeln!(out, "  {}: {size}, sha256 {digest}\n    {url}", path.display())?;
        if !members.is_empty() {
            writeln!(out, "    holds {}", members.join(", "))?;
        }
    }
    writeln!(out, "  licence: {}\n  cite: {}", source.licence, source.citation)?;
    writeln!(out, "  page: {}", source.page)?;
    if !source.recipes.is_empty() {
        writeln!(out, "  used by: {}", source.recipes.join(", "))?;
    }
    if !source.note.is_empty() {
        writeln!(out, "  note: {}", source.note)?;
    }
    writeln!(out)
}

/// Returns a size in words: `6.5 GB`.
pub(super) fn megabytes(bytes: u64) -> String {
    let bytes = bytes as f64;
    if bytes >= 1e9 { format!("{:.1} GB", bytes / 1e9) } else { format!("{:.1} MB", bytes / 1e6) }
}

fn write_tsv(out: &mut dyn Write, sources: &[Source]) -> io::Result<()> {
    writeln!(out, "{}", COLUMNS.join("\t"))?;
    let unknown = "unknown".to_owned();
    for source in sources {
        for file in &source.files {
            let cells = [
                &source.name,
                &source.version,
                &file.path.display().to_string(),
                &file.url,
                &file.bytes.map_or(unknown.clone(), |bytes| bytes.to_string()),
                file.sha256.as_ref().unwrap_or(&unknown),
                &source.licence,
                &source.citation,
                &source.page,
                &source.recipes.join("|"),
                &source.note,
            ];
            writeln!(out, "{}", cells.map(|cell| cell.replace(['\t', '\n'], " ")).join("\t"))?;
        }
    }
    Ok(())
}
