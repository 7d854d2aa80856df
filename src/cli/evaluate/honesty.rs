use clap::Args;
use phenocopy::dataset::{Dataset, DatasetOptions};
use phenocopy::evaluate::{RetrievalTask, evaluate_honesty};
use phenocopy::report::honesty_tables;

use super::{EvaluationArguments, TaskArguments, warn_of_other_inputs};

/// Labels and panel, as for the retrieval.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    phenocopy evaluate honesty index/cancer-viability --data ../shared/data")]
pub(crate) struct HonestyArguments {
    #[command(flatten)]
    common: EvaluationArguments,
    #[command(flatten)]
    task: TaskArguments,
}

impl HonestyArguments {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let index = self.common.open()?;
        let recipe = EvaluationArguments::recipe(&index)?;
        let data = self.common.data();
        let (labels, panel) = self.task.read(&recipe, data)?;
        let dataset = Dataset::from_recipe(&recipe, data, &DatasetOptions::default())?;
        warn_of_other_inputs(&index, &dataset);
        let task = RetrievalTask::from_dataset(&dataset, &labels, panel)?;
        let report = evaluate_honesty(&index, &dataset, &task)?;
        self.common.write(&index, &honesty_tables(&report))
    }
}
