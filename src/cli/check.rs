use std::path::{Path, PathBuf};

use clap::Args;
use phenocopy::dataset::{Dataset, Place, Recipe, Reject, Split};
use phenocopy::evaluate::RetrievalTask;
use phenocopy::experiment::{PerturbationType, Side};
use phenocopy::index::Index;
use phenocopy::report::{KnownAxes, LabelSummary, Reading, write_file_form, writing_text};
use phenocopy::table::{
    FileForm, Shards, TableForm, TextFormat, file_form, known_format, read_labels, table_writing,
};
use phenocopy::{Error, Result};

use super::compile::read_dataset;
use super::output::{OutputArguments, ReportFormat, width};

/// A recipe or one file, and how closely to tell.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    phenocopy check data/demo/recipe.toml\n  \
    phenocopy check data/cancer-viability.toml --data ~/screens --rejects rejects.tsv\n  \
    phenocopy check screen.csv --index index/cancer-viability")]
pub(crate) struct CheckArguments {
    /// Recipe (TOML), or a file that should become part of one
    #[arg(value_name = "RECIPE|FILE")]
    input: PathBuf,
    /// Folder that the recipe's paths start from [default: the recipe's folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// List there what was not taken as it stands in the files (TSV)
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Index whose names tell which way a matrix lies
    #[arg(long, value_name = "DIR")]
    index: Option<PathBuf>,
    /// Form of the answer [default: by the ending of -o, else table]
    #[arg(long, value_enum)]
    format: Option<ReportFormat>,
    #[command(flatten)]
    output: OutputArguments,
}

impl CheckArguments {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let is_recipe = self.input.extension().is_some_and(|extension| extension == "toml");
        if is_recipe { self.check_recipe() } else { self.check_file() }
    }

    fn check_recipe(&self) -> anyhow::Result<()> {
        if self.index.is_some() {
            let expected = "left out: a recipe says itself which way its matrices lie";
            return Err(Error::parameter("index", expected, "given").into());
        }
        let format = self.output.form(self.format)?;
        let rejects = OutputArguments { output: self.rejects.clone() };
        self.output.keep([&self.input])?;
        rejects.keep([&self.input])?;
        if self.output.file().is_some() && self.output.file() == rejects.file() {
            let expected = "another file for each of -o and --rejects";
            return Err(Error::parameter("output", expected, "the same").into());
        }
        self.output.probe()?;
        rejects.probe()?;
        let recipe = Recipe::read(&self.input)?;
        let data = self.data.clone().unwrap_or_else(|| recipe.folder().to_path_buf());
        let dataset = read_dataset(&recipe, &data, &Split::None)?;
        let mut reading = Reading {
            files: describe_files(&recipe, &data)?,
            rejects: dataset.report.rejects(),
            report: &dataset.report,
            recipe: &recipe,
            labels: None,
        };
        let (labels, unmatched) = match_labels(&recipe, &dataset, &data);
        reading.labels = labels;
        reading.rejects.extend(unmatched);
        if rejects.output.is_some() {
            rejects.fill(|out| Ok(reading.write_rejects(out)?))?;
        }
        self.output.fill(|out| {
            match format {
                ReportFormat::Table => reading.write_table(out, width())?,
                ReportFormat::Tsv => reading.write_tsv(out)?,
                ReportFormat::Json => out.write_all(reading.json().as_bytes())?,
            }
            Ok(())
        })
    }

    fn check_file(&self) -> anyhow::Result<()> {
        if self.data.is_some() || self.rejects.is_some() {
            let name = if self.data.is_some() { "data" } else { "rejects" };
            return Err(Error::parameter(name, "left out: it is for recipes", "given").into());
        }
        let format = self.output.form(self.format)?;
        if format == ReportFormat::Tsv {
            return Err(Error::parameter("format", "table or json for a file", "tsv").into());
        }
        let form = file_form(&self.input)?;
        let known = match (&form, &self.index) {
            (FileForm::Table(table), Some(index)) => Some(known_axes(table, &Index::open(index)?)?),
            _ => None,
        };
        self.output.fill(|out| {
            match format {
                ReportFormat::Json => writeln!(out, "{}", serde_json::to_string_pretty(&form)?)?,
                ReportFormat::Table | ReportFormat::Tsv => {
                    write_file_form(out, &self.input, &form, known)?;
                }
            }
            Ok(())
        })
    }
}

fn known_axes(table: &TableForm, index: &Index) -> Result<KnownAxes> {
    let names = |names: &'_ [String]| index.recognise(names.iter().map(String::as_str));
    let columns = table.header.get(1..).unwrap_or_default();
    Ok(KnownAxes { rows: names(&table.row_names)?, columns: names(columns)? })
}

/// Returns how each of a recipe's files is written.
fn describe_files(recipe: &Recipe, data: &Path) -> Result<Vec<(String, String)>> {
    let describe = |(file, format): (&Path, TextFormat)| {
        let files = Shards::find(&data.join(file))?.files;
        let path = files.first().map_or(file, PathBuf::as_path);
        let mut text = match known_format(path)? {
            Some(format) => format.to_owned(),
            None => writing_text(table_writing(path, format)?),
        };
        if files.len() > 1 {
            text = format!("{text}, {} files", files.len());
        }
        Ok((file.display().to_string(), text))
    };
    recipe.files().map(describe).collect()
}

/// Returns what of the recipe's labels the data hold, and what they lack. Labels take no part in a build, so
/// whatever is wrong with them is only worth a warning.
fn match_labels(
    recipe: &Recipe,
    dataset: &Dataset,
    data: &Path,
) -> (Option<LabelSummary>, Vec<Reject>) {
    let Some(file) = &recipe.labels else { return (None, Vec::new()) };
    let mut types = recipe.assays.iter().map(|assay| assay.perturbation_type);
    let genetic = types.find(|of| of.side() == Side::Genetic);
    let genetic = genetic.unwrap_or(PerturbationType::CrisprKnockout);
    let matched = read_labels(data.join(file)).and_then(|labels| {
        Ok((labels.len(), RetrievalTask::from_dataset(dataset, &labels, genetic)?))
    });
    let (n_pairs, task) = match matched {
        Ok(matched) => matched,
        Err(problem) => return (None, vec![Reject::notice(&format!("labels: {problem}"))]),
    };
    let summary = LabelSummary {
        n_pairs,
        n_compounds: task.queries().len(),
        n_unknown_compounds: task.unknown_compounds().len(),
        n_unknown_genes: task.unknown_genes().len(),
    };
    let reject = |name: &String| {
        let place = Place { name: name.clone(), assays: Vec::new() };
        let reject = Reject::warning("label", &place, "not in the data".to_owned(), "");
        // Labels are collected for more than one panel.
        Reject { is_warning: false, ..reject }
    };
    let unknown = task.unknown_compounds().iter().chain(task.unknown_genes());
    (Some(summary), unknown.map(reject).collect())
}
