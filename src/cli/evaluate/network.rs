use std::path::PathBuf;

use clap::Args;
#[cfg(feature = "train")]
use phenocopy::dataset::Split;
use phenocopy::dataset::{Dataset, DatasetOptions};
#[cfg(feature = "train")]
use phenocopy::evaluate::network::GenesOfOneAssay;
use phenocopy::evaluate::network::{AllPairs, profile_baselines};
use phenocopy::evaluate::retrieval::IndexSimilarities;
use phenocopy::evaluate::{Bootstrap, NetworkTask, evaluate_network};
use phenocopy::experiment::{PerturbationType, Side};
use phenocopy::index::Index;
use phenocopy::network::{NetworkSpace, Standard};
use phenocopy::report::{MetricTable, network_tables};
use phenocopy::table::read_gene_pairs;

use super::super::filter_arguments::perturbation_type;
use super::EvaluationArguments;
use super::arguments::warn_of_other_inputs;

/// Known pairs of genes, and which genes are joined.
#[derive(Debug, Args)]
#[command(
    after_help = "A table of pairs has the columns entity1 and entity2 (or gene1 and gene2, source and target).\n\n\
    Examples:\n  phenocopy evaluate network index/cancer-viability --data DIR \\\n    \
    --pairs reactome.txt.gz --pairs humap.txt.gz\n  \
    phenocopy evaluate network INDEX --data DIR --pairs reactome.txt.gz --only-in \"siRNA kinome\""
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
    /// Join the genes of this context, in a model that saw them in no other: trains anew
    #[cfg(feature = "train")]
    #[arg(long, value_name = "CONTEXT", conflicts_with = "panel")]
    only_in: Option<String>,
    /// Seeds of the ensemble that is trained anew [default: the index's]
    #[cfg(feature = "train")]
    #[arg(long, value_delimiter = ',', value_name = "SEEDS", requires = "only_in")]
    seeds: Vec<u64>,
}

/// Similarities of all pairs of the genes, by method.
type Methods = Vec<(String, AllPairs)>;

impl NetworkArguments {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let index = self.common.open()?;
        let recipe = EvaluationArguments::recipe(&index)?;
        let read = |path: &PathBuf| Ok((title(path), read_gene_pairs(path)?));
        let known = self.pairs.iter().map(read).collect::<phenocopy::Result<Vec<_>>>()?;
        let dataset =
            Dataset::from_recipe(&recipe, self.common.data(), &DatasetOptions::default())?;
        warn_of_other_inputs(&index, &dataset);
        #[cfg(feature = "train")]
        if let Some(context) = &self.only_in {
            let tables = self.of_one_assay(&index, &known, &dataset, context)?;
            return self.common.write(&index, &tables);
        }
        let tables =
            compare(&known, &dataset, self.panel, |panel| of_index(&index, &dataset, panel))?;
        self.common.write(&index, &tables)
    }

    /// Compares methods on genes that no other assay shows to the model.
    #[cfg(feature = "train")]
    fn of_one_assay(
        &self,
        index: &Index,
        known: &[KnownPairs],
        dataset: &Dataset,
        context: &str,
    ) -> anyhow::Result<Vec<MetricTable>> {
        let held_out = GenesOfOneAssay::new(dataset, context)?;
        let part = &held_out.dataset;
        let config = super::arguments::model_config(index)?;
        let seeds = if self.seeds.is_empty() { &index.manifest().seeds } else { &self.seeds };
        let what = format!("{} profiles of genes that `{context}` measured", held_out.n_profiles);
        let (ensemble, _) =
            super::anew::train_without(&what, (part, &Split::None), &config, seeds)?;
        let (_, embeddings) = super::anew::place(part, &ensemble)?;
        let mut tables = compare(known, part, held_out.genetic, |panel| {
            let vectors: Vec<&[f32]> =
                panel.iter().map(|row| embeddings.row(*row as usize)).collect();
            of_vectors(&vectors)
        })?;
        let note = format!(
            "{} genes of `{context}` are held out of all other assays ({} profiles)",
            held_out.n_held_out, held_out.n_profiles
        );
        tables.iter_mut().step_by(2).for_each(|table| table.notes.insert(0, note.clone()));
        Ok(tables)
    }
}

/// Pairs that are known, and what they are called.
type KnownPairs = (String, Vec<(String, String)>);

/// Compares the baselines of a dataset's profiles with further methods, on all known pairs.
fn compare(
    known: &[KnownPairs],
    dataset: &Dataset,
    genetic: PerturbationType,
    methods: impl FnOnce(&[u32]) -> anyhow::Result<Methods>,
) -> anyhow::Result<Vec<MetricTable>> {
    let task =
        |(name, pairs): &KnownPairs| NetworkTask::from_dataset(name, dataset, pairs, genetic);
    let tasks: Vec<NetworkTask> = known.iter().map(task).collect::<phenocopy::Result<_>>()?;
    // All are of one panel: its pairs are compared once.
    let panel = tasks.first().map_or(&[][..], NetworkTask::panel);
    let mut compared = profile_baselines(dataset, genetic, panel)?;
    compared.extend(methods(panel)?);
    let mut tables = Vec::new();
    for task in &tasks {
        let report = evaluate_network(task, &compared, &Bootstrap::default())?;
        tables.extend(network_tables(&report));
    }
    Ok(tables)
}

/// A file without its folder and endings.
pub(super) fn title(path: &std::path::Path) -> String {
    let name =
        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    name.split('.').next().unwrap_or_default().to_owned()
}

/// Compares the index's responses, and its vectors.
fn of_index(index: &Index, dataset: &Dataset, panel: &[u32]) -> anyhow::Result<Methods> {
    let mut methods = Vec::new();
    let vectors = |similarities: &IndexSimilarities<'_>| {
        let vectors = panel.iter().map(|row| Ok(similarities.vector(*row)?.to_vec()));
        vectors.collect::<phenocopy::Result<Vec<Vec<f32>>>>()
    };
    if let Some(responses) = IndexSimilarities::of_responses(index, dataset)? {
        let responses = vectors(&responses)?;
        let pairs = AllPairs::of_vectors(responses.len(), |at| &responses[at])?;
        methods.push(("responses".to_owned(), pairs));
    }
    let embeddings = vectors(&IndexSimilarities::new(index, dataset)?)?;
    let embeddings: Vec<&[f32]> = embeddings.iter().map(Vec::as_slice).collect();
    methods.extend(of_vectors(&embeddings)?);
    Ok(methods)
}

/// Compares vectors of genes as they are, whitened, and by what `network` ranks its edges by: the scores of the whitened
/// ones.
fn of_vectors(vectors: &[&[f32]]) -> anyhow::Result<Methods> {
    let dim = vectors.first().map_or(0, |vector| vector.len());
    let sides = vec![Side::Genetic; vectors.len()];
    let space = NetworkSpace::whitened(&vectors.concat(), dim, sides)?;
    let standard = Standard::new(&space);
    let score = |i: usize, j: usize| standard.score(&space, (i, j)) as f32;
    let n = vectors.len();
    Ok(vec![
        ("embeddings".to_owned(), AllPairs::of_vectors(n, |at| vectors[at])?),
        ("whitened-embeddings".to_owned(), AllPairs::of_vectors(n, |at| space.vector(at))?),
        ("phenocopy".to_owned(), AllPairs::new(n, score)?),
    ])
}
