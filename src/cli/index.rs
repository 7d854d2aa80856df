use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use phenocopy::dataset::{Recipe, Split, VectorFile};
use phenocopy::experiment::PerturbationType;
use phenocopy::index::{GivenVectors, IndexBuilder, StagedFolder};
use phenocopy::{Error, Result};

use super::compile::{compile, read_dataset, stop_flag, summarise};
use super::output::complain;

/// Vectors, what is known of their perturbations, and where the index goes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    phenocopy index compound=painting.parquet crispr-knockout=painting-crispr.parquet -o my-index\n  \
    phenocopy index compound=embeddings.npy --annotations drugs.tsv -o my-index\n  \
    phenocopy index painting.toml --data ~/screens -o my-index\n\n\
    A table of vectors has a row for each perturbation, its name in the first column and numbers in the others. The rows\n\
    of `X.npy` are named by the first column of `X.ids.tsv`. A recipe does the same and more: replicates, normalisation,\n\
    annotation of any layout (data/README.md).")]
pub(crate) struct IndexArguments {
    /// A recipe (TOML), or tables of vectors, each with the type of its perturbations: compound, crispr-knockout, shrna,
    /// sirna, overexpression
    #[arg(required = true, value_name = "RECIPE|TYPE=FILE")]
    sources: Vec<String>,
    /// Tables with names, mechanisms and targets of compounds, or names of genes; columns are found by their names
    #[arg(long, value_name = "FILE")]
    annotations: Vec<PathBuf>,
    /// Folder that a recipe's paths start from [default: the recipe's folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Compare the vectors as they are, not as deviations from the means of their context and side
    #[arg(long)]
    as_they_are: bool,
    /// Index folder to write; an index that is there is replaced in one step at the end
    #[arg(short, long, value_name = "INDEX")]
    output: PathBuf,
}

impl IndexArguments {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let started = Instant::now();
        let (recipe, data) = self.recipe()?;
        let staged = StagedFolder::create(&self.output)?;
        stop_flag()?;
        let dataset = read_dataset(&recipe, &data, &Split::None)?;
        complain(dataset.report.to_string().trim_end());
        let given = if self.as_they_are { GivenVectors::AsTheyAre } else { GivenVectors::Centred };
        let builder = IndexBuilder::from_vectors(&dataset, given)?;
        let manifest = compile(&staged, builder, "run it again to build the index")?;
        drop(staged);
        summarise(&manifest, &self.output, started, None)
    }

    /// The recipe that is named, or one made of the tables that are, and where its paths start.
    fn recipe(&self) -> Result<(Recipe, PathBuf)> {
        if let [source] = self.sources.as_slice()
            && !source.contains('=')
        {
            if !self.annotations.is_empty() {
                let received = "given beside a recipe";
                return Err(Error::parameter("--annotations", "named in the recipe", received));
            }
            let recipe = Recipe::read(source)?;
            let data = self.data.clone().unwrap_or_else(|| recipe.folder().to_path_buf());
            return Ok((recipe, data));
        }
        let files: Vec<VectorFile> =
            self.sources.iter().map(|source| vector_file(source)).collect::<Result<_>>()?;
        let data = self.data.clone().unwrap_or_default();
        let name = self.output.file_name().unwrap_or_default().to_string_lossy();
        Ok((Recipe::of_vectors(&name, files, &self.annotations, &data)?, data))
    }
}

fn vector_file(source: &str) -> Result<VectorFile> {
    let wrong = || {
        let expected = "a recipe, or `TYPE=FILE` with compound, crispr-knockout, shrna, sirna or overexpression";
        Error::parameter("RECIPE|TYPE=FILE", expected, source)
    };
    let (kind, file) = source.split_once('=').ok_or_else(wrong)?;
    let perturbation_type = PerturbationType::parse(kind).ok_or_else(wrong)?;
    Ok(VectorFile { perturbation_type, file: Path::new(file).to_path_buf() })
}
