use std::collections::HashSet;

use clap::Args;
use phenocopy::dataset::{Dataset, DatasetOptions, Split};
use phenocopy::embedding::{ResponsePredictor, RowSet};
use phenocopy::evaluate::directed::{DirectedPrediction, JudgedEdge, ProfilesOf};
use phenocopy::evaluate::{Bootstrap, DirectedTask, evaluate_directed};
use phenocopy::experiment::Side;
use phenocopy::index::{Index, IndexBuilder};
use phenocopy::model::LpmConfig;
use phenocopy::network::directed::DirectedQuery;
use phenocopy::report::directed_tables;
use phenocopy::{Error, Result};

use super::super::compile::read_dataset;
use super::anew::{position_of, train_without, without_assay};
use super::arguments::model_config;
use super::{EvaluationArguments, warn_of_other_inputs};

/// Which assay is left out of training, and what predicts it.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    phenocopy evaluate directed l1000-index --data ../shared/data --hold-out 'U2OS ORF'")]
pub(crate) struct DirectedArguments {
    #[command(flatten)]
    common: EvaluationArguments,
    /// A genetic context of the index; others that the samples of its assay give are left out with it
    #[arg(long, value_name = "NAME")]
    hold_out: String,
    /// Seeds of the ensemble that predicts [default: the index's]
    #[arg(long, value_delimiter = ',', value_name = "SEEDS")]
    seeds: Vec<u64>,
}

impl DirectedArguments {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let index = self.common.open()?;
        let recipe = EvaluationArguments::recipe(&index)?;
        let data = self.common.data();
        let known = &index.manifest().counts.contexts;
        let reduced = without_assay(&recipe, known, ("hold-out", &self.hold_out), Side::Genetic)?;
        let dataset = Dataset::from_recipe(&recipe, data, &DatasetOptions::default())?;
        warn_of_other_inputs(&index, &dataset);
        let reduced = read_dataset(&reduced, data, &Split::None)?;
        let context = position_of(&dataset, &self.hold_out)?;
        let perturbed = known_genes(&reduced);
        let task = DirectedTask::from_dataset(&dataset, context, |gene| perturbed.contains(gene))?;
        let seeds = if self.seeds.is_empty() { &index.manifest().seeds } else { &self.seeds };
        let trained = Trained::new(&reduced, &model_config(&index)?, seeds)?;
        let (methods, edges) = trained.predict(&task)?;
        let report = evaluate_directed(&task, &methods, &edges, &Bootstrap::default())?;
        self.common.write(&index, &directed_tables(&report))
    }
}

/// The genes that are perturbed in a dataset, one at a time.
fn known_genes(dataset: &Dataset) -> HashSet<&str> {
    let genetic = dataset.perturbations.iter().filter(|p| p.side() == Side::Genetic);
    genetic.map(|perturbation| perturbation.agent()).collect()
}

/// What was trained without the assay, as an index and with the profiles at hand.
struct Trained<'a> {
    dataset: &'a Dataset,
    predictor: Option<ResponsePredictor>,
    index: Index,
    /// Keeps the index's folder until the end.
    _folder: tempfile::TempDir,
}

impl<'a> Trained<'a> {
    fn new(dataset: &'a Dataset, config: &LpmConfig, seeds: &[u64]) -> Result<Self> {
        let (ensemble, report) =
            train_without("the context", (dataset, &Split::None), config, seeds)?;
        let temporary = std::env::temp_dir();
        let folder = tempfile::tempdir().map_err(Error::io("create a folder in", &temporary))?;
        let path = folder.path().join("index");
        IndexBuilder::from_ensemble(dataset, &ensemble, &report)?.write(&path)?;
        Ok(Self {
            dataset,
            predictor: ResponsePredictor::from_ensemble(dataset, &Split::None, &ensemble)?,
            index: Index::open(&path)?,
            _folder: folder,
        })
    }

    /// Predicts a task by each method, the edges of the network last.
    fn predict(&self, task: &DirectedTask) -> Result<(Vec<DirectedPrediction>, Vec<JudgedEdge>)> {
        let profiles = ProfilesOf::new(task, self.dataset);
        let mut methods = vec![profiles.readout_mean(), profiles.measured(), profiles.centred()];
        if let Some(predictor) = &self.predictor {
            methods.push(profiles.predicted(predictor)?);
        }
        let rows = self.rows_of(task)?;
        let all = DirectedQuery { rows: Some(rows), max_q: 1.0, ..DirectedQuery::default() };
        let edges = JudgedEdge::of_network(task, &self.index.directed_network(&all)?);
        methods.push(DirectedPrediction::of_edges("phenocopy", task, &edges));
        Ok((methods, edges))
    }

    /// The rows of the index that perturb a task's genes.
    fn rows_of(&self, task: &DirectedTask) -> Result<RowSet> {
        let genes: HashSet<&str> = task.genes().iter().map(String::as_str).collect();
        let mut rows = RowSet::new(self.index.n_rows());
        for row in self.index.range(Side::Genetic) {
            let row = row as u32;
            if self.index.record(row)?.gene().is_some_and(|gene| genes.contains(gene)) {
                rows.insert(row);
            }
        }
        Ok(rows)
    }
}
