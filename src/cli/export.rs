use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use phenocopy::Error;
use phenocopy::index::Index;
use phenocopy::report::Source;
use phenocopy::report::export::{
    EntryH5ad, EntryNpy, EntryParquet, EntryProjector, EntryWriter, Export, ExportedNumbers,
};
use phenocopy::search::{Entries, Entry, PredictedResponses};

use super::IndexArgument;
use super::filter_arguments::FilterArguments;
use super::output::{Form, OutputArguments, command_line, complain, fill_by_path, fill_together};

pub(super) const EXAMPLE: &str = "Examples:\n  phenocopy export embeddings -o embeddings.parquet\n  \
    phenocopy export embeddings --type trt_cp -o compounds.npy\n  \
    phenocopy export responses --context GDSC2 --picklist mine.grp -o responses.h5ad";

/// What is written.
#[derive(Debug, Subcommand)]
pub(crate) enum ExportCommand {
    /// Write the unit vectors of perturbations, with what is known of each
    #[command(after_help = EXAMPLE)]
    Embeddings(ExportArguments),
    /// Write the predicted responses of perturbations to each readout, with what is known of each
    #[command(after_help = EXAMPLE)]
    Responses(ResponseArguments),
}

/// Which perturbations, in which form.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    #[command(flatten)]
    index: IndexArgument,
    #[command(flatten)]
    filter: FilterArguments,
    /// Form of the output; without it what the extension of -o says, else parquet
    #[arg(long, value_enum)]
    format: Option<ExportFormat>,
    #[command(flatten)]
    output: OutputArguments,
}

/// The same, and where responses are predicted.
#[derive(Debug, Args)]
pub(crate) struct ResponseArguments {
    /// Responses predicted in this context, measured there or not; without it their averages over all
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    #[command(flatten)]
    export: ExportArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// A Parquet file: a row for each perturbation, its numbers as a list of fixed size
    Parquet,
    /// A NumPy matrix X.npy; X.ids.tsv says what its rows are, X.json where it comes from
    Npy,
    /// X.vectors.tsv and X.metadata.tsv for TensorBoard's projector; X.json says where they come from
    Projector,
    /// AnnData: numbers in X, vectors in obsm["X_phenocopy"]
    H5ad,
}

impl Form for ExportFormat {
    const ENDINGS: &'static [(&'static str, Self)] =
        &[("parquet", Self::Parquet), ("npy", Self::Npy), ("h5ad", Self::H5ad)];
    const WITHOUT: Self = Self::Parquet;
}

impl ExportCommand {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Embeddings(arguments) => arguments.run(|index| {
                let of_entry = |entry: &Entry<'_>| Ok(entry.embedding.to_vec());
                Ok((ExportedNumbers::Embeddings(index.dim()), Box::new(of_entry)))
            }),
            Self::Responses(ResponseArguments { context, export }) => export.run(|index| {
                let responses = open_responses(index, context.as_deref())?;
                let context = responses.context().map(str::to_owned);
                let numbers =
                    ExportedNumbers::Responses { context, readouts: responses.readouts() };
                Ok((numbers, Box::new(move |entry| responses.of(entry))))
            }),
        }
    }
}

#[cfg(feature = "train")]
fn open_responses<'a>(
    index: &'a Index,
    context: Option<&str>,
) -> phenocopy::Result<PredictedResponses<'a>> {
    match context {
        Some(context) => PredictedResponses::in_context(index, context),
        None => PredictedResponses::averaged(index),
    }
}

#[cfg(not(feature = "train"))]
fn open_responses<'a>(
    index: &'a Index,
    context: Option<&str>,
) -> phenocopy::Result<PredictedResponses<'a>> {
    match context {
        Some(_) => Err(super::failure::without_model("--context")),
        None => PredictedResponses::averaged(index),
    }
}

/// Returns the numbers of a perturbation.
type NumbersOf<'a> = Box<dyn Fn(&Entry<'_>) -> phenocopy::Result<Vec<f32>> + 'a>;

/// What is exported of an index, as it is written.
struct Exporting<'a> {
    entries: Entries<'a>,
    export: Export,
    numbers_of: NumbersOf<'a>,
}

impl ExportArguments {
    fn run(
        self,
        numbers: impl FnOnce(&Index) -> phenocopy::Result<(ExportedNumbers, NumbersOf<'_>)>,
    ) -> anyhow::Result<()> {
        let format = self.format()?;
        let index = self.index.open()?;
        let filter = self.filter.filter(&index)?;
        let (numbers, numbers_of) = numbers(&index)?;
        let entries = with_numbers(index.entries(&filter)?, &numbers)?;
        let n_rows = entries.len();
        let export = Export { source: Source::of(&index, command_line()), numbers, n_rows };
        let exporting = Exporting { entries, export, numbers_of };
        let output = self.output.file();
        match (format, output) {
            (ExportFormat::Parquet, _) => self
                .output
                .fill(|out| exporting.write(&mut EntryParquet::new(out, &exporting.export)?)),
            (ExportFormat::Npy, Some(path)) => fill_together(path, &npy_files(path), |outs| {
                exporting.write(&mut EntryNpy::new(outs, &exporting.export)?)
            }),
            (ExportFormat::Projector, Some(path)) => {
                fill_together(path, &projector_files(path), |outs| {
                    exporting.write(&mut EntryProjector::new(outs, &exporting.export)?)
                })
            }
            (ExportFormat::H5ad, Some(path)) => fill_by_path(path, |path| {
                exporting.write(&mut EntryH5ad::create(path, &exporting.export, index.dim())?)
            }),
            (_, None) => anyhow::bail!("this form is no stream: name a file with -o FILE"),
        }
    }

    fn format(&self) -> anyhow::Result<ExportFormat> {
        let format = self.output.form(self.format)?;
        if format == ExportFormat::Parquet {
            self.output.refuse_terminal()?;
        }
        Ok(format)
    }
}

/// Leaves out what has no numbers, and says how many: rows that were added have no response in a single context.
fn with_numbers<'a>(
    entries: Entries<'a>,
    numbers: &ExportedNumbers,
) -> phenocopy::Result<Entries<'a>> {
    if !matches!(numbers, ExportedNumbers::Responses { context: Some(_), .. }) {
        return Ok(entries);
    }
    let n_all = entries.len();
    let trained = entries.trained();
    let problem = "they were added after training, and have no response in a single context";
    match n_all - trained.len() {
        0 => {}
        n if n == n_all => {
            let what = format!("all {n_all} perturbations asked for");
            return Err(Error::data(what, problem, "leave out `--context`"));
        }
        n => complain(&format!("{n} of {n_all} perturbations left out: {problem}")),
    }
    Ok(trained)
}

impl Exporting<'_> {
    fn write(&self, out: &mut dyn EntryWriter) -> anyhow::Result<()> {
        for entry in self.entries.clone() {
            let entry = entry?;
            out.entry(&entry, &(self.numbers_of)(&entry)?)?;
        }
        Ok(out.finish()?)
    }
}

/// Files that belong together: the name of -o less the endings of its own, and each of `ends`.
fn together(path: &Path, own: &[&str], ends: [&str; 3]) -> [PathBuf; 3] {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = own.iter().fold(&*name, |stem, end| stem.strip_suffix(end).unwrap_or(stem));
    ends.map(|end| path.with_file_name(format!("{stem}.{end}")))
}

/// The matrix, its table and its document: `X.npy`, `X.ids.tsv` and `X.json` of `X` or `X.npy`.
fn npy_files(path: &Path) -> [PathBuf; 3] {
    together(path, &[".npy", ".NPY"], ["npy", "ids.tsv", "json"])
}

/// `X.vectors.tsv`, `X.metadata.tsv` and `X.json` of `X`, `X.tsv` or `X.vectors.tsv`.
fn projector_files(path: &Path) -> [PathBuf; 3] {
    together(path, &[".tsv", ".vectors"], ["vectors.tsv", "metadata.tsv", "json"])
}
