use std::path::PathBuf;

use clap::Args;
use phenocopy::dataset::{Dataset, DatasetOptions};
use phenocopy::evaluate::network::{AllPairs, profile_baselines};
use phenocopy::evaluate::retrieval::IndexSimilarities;
use phenocopy::evaluate::{Bootstrap, NetworkTask, evaluate_network};
use phenocopy::experiment::PerturbationType;
use phenocopy::index::Index;
use phenocopy::network::{Compared, Standard};
use phenocopy::report::network_tables;
use phenocopy::table::read_gene_pairs;

use super::super::filter_arguments::perturbation_type;
use super::EvaluationArguments;
use super::arguments::warn_of_other_inputs;

/// Known pairs of genes, and which genes are joined.
#[derive(Debug, Args)]
#[command(
    after_help = "A table of pairs has the columns entity1 and entity2 (or gene1 and gene2, source and target).\n\n\
    Examples:\n  phenocopy evaluate network index/cancer-viability --data DIR \\\n    \
    --pairs reactome.txt.gz --pairs humap.txt.gz"
)]
pub(crate) struct NetworkArguments {
    #[command(flatten)]
    common: EvaluationArguments,
    /// Pairs of genes that are known to work together, a table; repeatable
    #[arg(long, value_name = "FILE", required = true)]
    pairs: Vec<PathBuf>,
    /// Genes of this type are joined
    #[arg(long, value_name = "TYPE", default_value = "trt_xpr", value_parser = perturbation_type)]
    panel: PerturbationType,
}

impl NetworkArguments {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let index = self.common.open()?;
        let recipe = EvaluationArguments::recipe(&index)?;
        let read = |path: &PathBuf| Ok((title(path), read_gene_pairs(path)?));
        let known = self.pairs.iter().map(read).collect::<phenocopy::Result<Vec<_>>>()?;
        let dataset =
            Dataset::from_recipe(&recipe, self.common.data(), &DatasetOptions::default())?;
        warn_of_other_inputs(&index, &dataset);
        let task = |(name, pairs): &(String, Vec<_>)| {
            NetworkTask::from_dataset(name, &dataset, pairs, self.panel)
        };
        let tasks: Vec<NetworkTask> = known.iter().map(task).collect::<phenocopy::Result<_>>()?;
        // All are of one panel: its pairs are compared once.
        let panel = tasks.first().map_or(&[][..], NetworkTask::panel);
        let mut methods = profile_baselines(&dataset, self.panel, panel)?;
        methods.extend(of_index(&index, (&dataset, panel))?);
        let mut tables = Vec::new();
        for task in &tasks {
            tables.extend(network_tables(&evaluate_network(
                task,
                &methods,
                &Bootstrap::default(),
            )?));
        }
        self.common.write(&index, &tables)
    }
}

/// A file without its folder and endings.
pub(super) fn title(path: &std::path::Path) -> String {
    let name =
        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    name.split('.').next().unwrap_or_default().to_owned()
}

/// Compares the index's responses and vectors as they are, whitened, and by what `network` ranks its edges by: the scores
/// of the whitened ones.
fn of_index(
    index: &Index,
    (dataset, panel): (&Dataset, &[u32]),
) -> anyhow::Result<Vec<(String, AllPairs)>> {
    let mut methods = Vec::new();
    let mut add = |name: &str, pairs: AllPairs| methods.push((name.to_owned(), pairs));
    if let Some(responses) = IndexSimilarities::of_responses(index, dataset)? {
        add("responses", pairs_of(&responses, panel)?);
    }
    let embeddings = IndexSimilarities::new(index, dataset)?;
    add("embeddings", pairs_of(&embeddings, panel)?);
    let rows: Vec<u32> =
        panel.iter().map(|row| embeddings.row(*row)).collect::<phenocopy::Result<_>>()?;
    let space = index.network_space(&rows, &Compared::Embeddings)?;
    add("whitened-embeddings", AllPairs::of_vectors(space.len(), |at| space.vector(at))?);
    let standard = Standard::new(&space);
    let score = |i: usize, j: usize| standard.score(&space, (i, j)) as f32;
    add("phenocopy", AllPairs::new(space.len(), score)?);
    Ok(methods)
}

fn pairs_of(similarities: &IndexSimilarities<'_>, panel: &[u32]) -> anyhow::Result<AllPairs> {
    let vectors = panel.iter().map(|row| similarities.vector(*row));
    let vectors: Vec<&[f32]> = vectors.collect::<phenocopy::Result<_>>()?;
    Ok(AllPairs::of_vectors(vectors.len(), |at| vectors[at])?)
}
