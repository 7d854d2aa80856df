use clap::{Args, ValueEnum};
use phenocopy::dataset::{Dataset, DatasetOptions, Split};
use phenocopy::evaluate::prediction::{
    PredictionConfig, entry_split, evaluate_prediction, profile_split,
};
use phenocopy::model::LpmConfig;
use phenocopy::report::{MetricTable, noise_ceiling_table, prediction_table};

use super::super::compile::read_dataset;
use super::anew::{predictor, train_without};
use super::arguments::model_config;
use super::{EvaluationArguments, warn_of_other_inputs};

/// Which values are held out, and how many models predict them.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    phenocopy evaluate prediction index/cancer-viability --data ../shared/data")]
pub(crate) struct PredictionArguments {
    #[command(flatten)]
    common: EvaluationArguments,
    /// What is held out: a tenth of all entries, or a tenth of the profiles seen in another context
    #[arg(long, value_enum, default_value_t = SplitArgument::Entries)]
    split: SplitArgument,
    /// Seeds of the ensemble that predicts [default: the index's]
    #[arg(long, value_delimiter = ',', value_name = "SEEDS")]
    seeds: Vec<u64>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SplitArgument {
    Entries,
    Profiles,
}

impl PredictionArguments {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let index = self.common.open()?;
        let recipe = EvaluationArguments::recipe(&index)?;
        let data = self.common.data();
        let split = match self.split {
            SplitArgument::Entries => entry_split(),
            SplitArgument::Profiles => {
                profile_split(&Dataset::from_recipe(&recipe, data, &DatasetOptions::default())?)?
            }
        };
        let dataset = read_dataset(&recipe, data, &split)?;
        warn_of_other_inputs(&index, &dataset);
        let config = model_config(&index)?;
        let seeds = if self.seeds.is_empty() { &index.manifest().seeds } else { &self.seeds };
        let tables = predict_and_compare(&dataset, &split, &config, seeds)?;
        self.common.write(&index, &tables)
    }
}

fn predict_and_compare(
    dataset: &Dataset,
    split: &Split,
    config: &LpmConfig,
    seeds: &[u64],
) -> anyhow::Result<Vec<MetricTable>> {
    let (ensemble, _) = train_without("the held-out values", (dataset, split), config, seeds)?;
    // A row left untouched stays NaN and counts as no answer.
    let predict = predictor(dataset, split, &ensemble)?;
    // What `phenocopy predict` tells from an index, which holds no profiles to learn from.
    let alone = |profile: usize, row: &mut [f32]| {
        let key = dataset.profiles.keys()[profile];
        if let Ok(predicted) = ensemble.predict(&[key.perturbation], key.context) {
            row.copy_from_slice(&predicted);
        }
    };
    let report = evaluate_prediction(
        dataset,
        split,
        &[("phenocopy", &predict), ("trained model", &alone)],
        &PredictionConfig::default(),
    )?;
    let mut tables = prediction_table(&report);
    tables.push(noise_ceiling_table(&report.noise_ceilings));
    Ok(tables)
}
