use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use phenocopy::Error;
use phenocopy::dataset::{Dataset, DatasetOptions, Recipe};
use phenocopy::evaluate::RetrievalTask;
use phenocopy::experiment::PerturbationType;
use phenocopy::index::Index;
use phenocopy::report::{MetricFormat, MetricTable, Source, metrics_json};
use phenocopy::table::{Label, read_labels};

use super::super::IndexArgument;
use super::super::output::{Form, OutputArguments, command_line, complain};

/// An index, the data it was made from, and the form of the report.
#[derive(Debug, Args)]
pub(crate) struct EvaluationArguments {
    /// Index folder [default: as for search]
    #[arg(value_name = "INDEX")]
    path: Option<PathBuf>,
    #[command(flatten)]
    index: IndexArgument,
    /// Folder of the data the index was made from
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    report: ReportArguments,
}

/// The form of a report, and where it goes.
#[derive(Debug, Args)]
pub(super) struct ReportArguments {
    /// Form of the report [default: by the ending of -o, else table]
    #[arg(long, value_enum)]
    format: Option<ReportFormat>,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ReportFormat {
    Table,
    Tsv,
    Ndjson,
    Json,
    Markdown,
}

impl Form for ReportFormat {
    const ENDINGS: &'static [(&'static str, Self)] = &[
        ("txt", Self::Table),
        ("tsv", Self::Tsv),
        ("ndjson", Self::Ndjson),
        ("jsonl", Self::Ndjson),
        ("json", Self::Json),
        ("md", Self::Markdown),
    ];
    const WITHOUT: Self = Self::Table;
}

impl EvaluationArguments {
    pub(super) fn open(&self) -> phenocopy::Result<Index> {
        self.report.probe()?;
        let path = self.path.clone().or_else(|| self.index.index.clone());
        IndexArgument { index: path }.open()
    }

    /// Returns the recipe in the index's manifest.
    pub(super) fn recipe(index: &Index) -> anyhow::Result<Recipe> {
        let recipe = index.manifest().recipe.clone();
        recipe.context("this index was not made from a recipe; evaluate one that was")
    }

    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    pub(super) fn write(&self, index: &Index, tables: &[MetricTable]) -> anyhow::Result<()> {
        self.report.write(&source_of(index), tables)
    }
}

impl ReportArguments {
    /// Finds out whether the report can be written, before there is one.
    pub(super) fn probe(&self) -> phenocopy::Result<()> {
        self.output.form(self.format)?;
        self.output.probe()
    }

    /// Refuses to write over what is read.
    #[cfg(feature = "train")]
    pub(super) fn keep<'a>(
        &self,
        inputs: impl IntoIterator<Item = &'a PathBuf>,
    ) -> phenocopy::Result<()> {
        self.output.keep(inputs)
    }

    /// Writes tables that name where their figures are from, if that is an index.
    pub(super) fn write(&self, source: &Source, tables: &[MetricTable]) -> anyhow::Result<()> {
        let chosen = self.output.form(self.format)?;
        let format = match chosen {
            ReportFormat::Table => MetricFormat::Table,
            ReportFormat::Tsv => MetricFormat::Tsv,
            ReportFormat::Ndjson => MetricFormat::Ndjson,
            ReportFormat::Markdown => MetricFormat::Markdown,
            ReportFormat::Json => {
                let document = metrics_json(tables, source);
                return self.output.fill(|out| Ok(out.write_all(document.as_bytes())?));
            }
        };
        let line = match source.index.as_str() {
            "" => String::new(),
            name => format!("index {name} {}", source.fingerprint),
        };
        let mut tables = tables.to_vec();
        let is_for_reading = matches!(chosen, ReportFormat::Table | ReportFormat::Markdown);
        // A reader needs it once, at the end; a program in every row.
        let n_without = if is_for_reading { tables.len().saturating_sub(1) } else { 0 };
        tables.iter_mut().skip(n_without).for_each(|table| table.source.clone_from(&line));
        let texts: Vec<String> = tables.iter().map(|table| table.render(format)).collect();
        self.output.fill(|out| {
            for text in &texts {
                writeln!(out, "{}", text.trim_end())?;
                if is_for_reading {
                    writeln!(out)?;
                }
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// Returns the index and the command, as pictures and JSON name them.
pub(super) fn source_of(index: &Index) -> Source {
    Source::of(index, command_line())
}

/// What is asked of a retrieval: known pairs, and which genes are ranked.
#[derive(Debug, Args)]
pub(super) struct TaskArguments {
    /// Known pairs: a table with the columns compound_key (or compound) and gene [default: the recipe's]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Genes of this type are ranked
    #[arg(long, value_name = "TYPE", default_value = "trt_xpr")]
    panel: String,
}

impl TaskArguments {
    /// Returns the known pairs and the type of the genes; the recipe's paths start from `data`.
    pub(super) fn read(
        &self,
        recipe: &Recipe,
        data: &Path,
    ) -> anyhow::Result<(Vec<Label>, PerturbationType)> {
        let from_recipe = recipe.labels.as_ref().map(|labels| data.join(labels));
        let labels = self.labels.clone().or(from_recipe);
        let labels = labels.context("the recipe names no labels; give a table with --labels")?;
        let panel = PerturbationType::parse(&self.panel).ok_or_else(|| {
            Error::parameter("panel", "a genetic type such as trt_xpr", &self.panel)
        })?;
        Ok((read_labels(&labels)?, panel))
    }
}

/// Who asks which index for what, and the data it was made from.
pub(super) struct Question {
    pub(super) index: Index,
    pub(super) dataset: Dataset,
    pub(super) panel: PerturbationType,
    pub(super) task: RetrievalTask,
}

impl Question {
    /// Opens the index, reads its data again, and finds the known pairs in them.
    pub(super) fn read(common: &EvaluationArguments, task: &TaskArguments) -> anyhow::Result<Self> {
        let index = common.open()?;
        let recipe = EvaluationArguments::recipe(&index)?;
        let (labels, panel) = task.read(&recipe, common.data())?;
        let dataset = Dataset::from_recipe(&recipe, common.data(), &DatasetOptions::default())?;
        warn_of_other_inputs(&index, &dataset);
        let task = RetrievalTask::from_dataset(&dataset, &labels, panel)?;
        Ok(Self { index, dataset, panel, task })
    }
}

/// Returns the configuration that an index was trained with.
#[cfg(feature = "train")]
pub(super) fn model_config(index: &Index) -> anyhow::Result<phenocopy::model::LpmConfig> {
    match &index.manifest().model {
        Some(config) => Ok(serde_json::from_value(config.clone())?),
        None => Ok(phenocopy::model::LpmConfig::default()),
    }
}

/// The baselines come from the data given: say so if those are not what the index was made from.
pub(super) fn warn_of_other_inputs(index: &Index, dataset: &Dataset) {
    let made_from = &index.manifest().inputs;
    for known in made_from {
        if !dataset.inputs.iter().any(|input| input.path == known.path) {
            complain(&format!(
                "warning: the index was made from `{}`, too, which was not read",
                known.path.display()
            ));
        }
    }
    for input in &dataset.inputs {
        if !made_from.iter().any(|known| known.sha256 == input.sha256) {
            complain(&format!(
                "warning: `{}` is not the file the index was made from; it is used all the same",
                input.path.display()
            ));
        }
    }
}
