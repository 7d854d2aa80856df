use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use phenocopy::dataset::{Dataset, Recipe, Split, VectorFile};
use phenocopy::experiment::PerturbationType;
use phenocopy::index::{GivenVectors, Index, IndexBuilder, Manifest, ProfileUnits, StagedFolder};
use phenocopy::table::Pattern;
use phenocopy::{Error, Result};

use super::compile::{compile, read_dataset, summarise};
use super::interrupt::stop_flag;
use super::output::complain;

/// Vectors, what is known of their perturbations, and where the index goes.
#[derive(Debug, Args)]
#[command(
    after_help = "A table of vectors has a row for each perturbation, its name in the first column and numbers in the others. The rows\n\
    of `X.npy` are named by the first column of `X.ids.tsv`. A recipe does the same and more: replicates, normalisation,\n\
    annotation of any layout (data/README.md).\n\n\
    With `--add` they are profiles measured on the readouts of an index, in one of its contexts, or vectors of its own\n\
    space: the rows are folded in, nothing is trained, and each carries the statistics of a signature.\n\n\
    Examples:\n  \
    phenocopy index compound=painting.parquet crispr-knockout=painting-crispr.parquet -o my-index\n  \
    phenocopy index compound=embeddings.npy --annotations drugs.tsv -o my-index\n  \
    phenocopy index painting.toml --data ~/screens -o my-index\n  \
    phenocopy index compound=ours.csv --add index/cancer-viability --context GDSC2 --annotations ours.tsv -o larger"
)]
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
    /// Add the rows to this index, which may be the output: profiles at its readouts are folded in with its model frozen
    #[arg(long, value_name = "INDEX", conflicts_with = "as_they_are")]
    add: Option<PathBuf>,
    /// The context of the index that they were measured in [default: the context of the recipe, or the file's name]
    #[arg(long, value_name = "NAME", requires = "add")]
    context: Option<String>,
    /// The values are normalised already, as the profiles of the index are after its recipe's steps
    #[arg(long, requires = "add")]
    normalised: bool,
    /// Index folder to write; an index that is there is replaced in one step at the end
    #[arg(short, long, value_name = "INDEX")]
    output: PathBuf,
}

/// What to do after a stop.
const AFTER_STOP: &str = "run it again to build the index";

impl From<&IndexArguments> for GivenVectors {
    fn from(arguments: &IndexArguments) -> Self {
        if arguments.as_they_are { Self::AsTheyAre } else { Self::Centred }
    }
}

impl IndexArguments {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let started = Instant::now();
        let base = self.add.as_ref().map(Index::open).transpose()?;
        let (mut recipe, data) = self.recipe()?;
        if let Some(context) = &self.context {
            recipe.assays.iter_mut().for_each(|assay| assay.context = Pattern::fixed(context));
        }
        let staged = StagedFolder::create(&self.output)?;
        stop_flag();
        let dataset = read_dataset(&recipe, &data, &Split::None)?;
        complain(dataset.report.to_string().trim_end());
        let manifest = match &base {
            None => {
                let given = GivenVectors::from(&self);
                compile(&staged, IndexBuilder::from_vectors(&dataset, given)?, AFTER_STOP)?
            }
            Some(base) => self.extend(base, &dataset, &staged)?,
        };
        drop(staged);
        summarise(&manifest, &self.output, started, None)
    }

    /// Adds the rows to an index, and says what was left out.
    fn extend(&self, base: &Index, dataset: &Dataset, staged: &StagedFolder) -> Result<Manifest> {
        let values = if self.normalised { ProfileUnits::Normalised } else { ProfileUnits::Screen };
        let builder = IndexBuilder::extend(base, dataset, values)?;
        let manifest = compile(staged, builder, AFTER_STOP)?;
        let notices = manifest.additions.last().map_or(&[][..], |addition| &addition.notices);
        notices.iter().for_each(|notice| complain(notice));
        if manifest.is_rebuild_due() {
            let percent = 100 * manifest.n_added() / manifest.counts.rows();
            complain(&format!(
                "{percent} % of the rows were added, not trained on: the model and the statistics know nothing of them; a rebuild from all data is due"
            ));
        }
        Ok(manifest)
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
