use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::Args;
use phenocopy::Result;
use phenocopy::dataset::{Dataset, DatasetOptions};
use phenocopy::embedding::FoldIn;
use phenocopy::evaluate::RetrievalTask;
use phenocopy::evaluate::prediction::entry_split;
use phenocopy::evaluate::scaling::{ScalingPoint, scale_contexts, scale_perturbations};
use phenocopy::model::{Ensemble, EpochReport, LpmConfig, TrainingOptions};
use phenocopy::report::{scaling_plot, scaling_table};

use super::super::interrupt::stop_flag;
use super::super::output::{OutputArguments, complain};
use super::arguments::{model_config, source_of};
use super::{EvaluationArguments, TaskArguments, warn_of_other_inputs};

/// How much data is learnt from, and where the picture goes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  phenocopy evaluate scaling index/cancer-viability \\\n    \
    --data ../shared/data --plot scaling.svg")]
pub(crate) struct ScalingArguments {
    #[command(flatten)]
    common: EvaluationArguments,
    /// Shares of the perturbations to learn from
    #[arg(long, value_delimiter = ',', value_name = "SHARES", default_values_t = [0.1, 0.25, 0.5, 0.75, 1.0])]
    shares: Vec<f64>,
    #[command(flatten)]
    task: TaskArguments,
    /// Seeds of the ensembles [default: the index's]
    #[arg(long, value_delimiter = ',', value_name = "SEEDS")]
    seeds: Vec<u64>,
    /// Draw the curves into an SVG file
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

impl ScalingArguments {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let index = self.common.open()?;
        let plot = OutputArguments { output: self.plot.clone() };
        plot.probe()?;
        let recipe = EvaluationArguments::recipe(&index)?;
        let data = self.common.data();
        let (labels, panel) = self.task.read(&recipe, data)?;
        let options = DatasetOptions { split: entry_split(), ..DatasetOptions::default() };
        let dataset = Dataset::from_recipe(&recipe, data, &options)?;
        warn_of_other_inputs(&index, &dataset);
        let task = RetrievalTask::from_dataset(&dataset, &labels, panel)?;
        let config = model_config(&index)?;
        let seeds = if self.seeds.is_empty() { &index.manifest().seeds } else { &self.seeds };
        let stop = stop_flag();
        let train = |part: &Dataset| {
            complain(&format!(
                "training {} models on {} profiles",
                seeds.len(),
                part.profiles.n_profiles()
            ));
            let observer = |_: &EpochReport| match stop.load(Ordering::Relaxed) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            };
            train(
                part,
                &config,
                seeds,
                &TrainingOptions { observer: &observer, ..TrainingOptions::default() },
            )
        };
        let shares = scale_perturbations(&dataset, &task, &self.shares, &train)?;
        let contexts = scale_contexts(&dataset, &task, &train)?;
        let rows: [(&str, &[ScalingPoint]); 2] = [
            ("share of the perturbations learnt from", &shares),
            ("chemical contexts learnt from", &contexts),
        ];
        if self.plot.is_some() {
            let picture = scaling_plot(&rows, &source_of(&index));
            plot.fill(|out| Ok(out.write_all(picture.as_bytes())?))?;
        }
        self.common.write(&index, &rows.map(|(title, points)| scaling_table(title, points)))
    }
}

/// Trains and returns the members' frozen weights.
fn train(
    dataset: &Dataset,
    config: &LpmConfig,
    seeds: &[u64],
    options: &TrainingOptions<'_>,
) -> Result<Vec<FoldIn>> {
    let (ensemble, _) = Ensemble::train(dataset, config, seeds, options)?;
    ensemble.members().iter().map(FoldIn::of).collect()
}
