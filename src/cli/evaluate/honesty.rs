use clap::Args;
use phenocopy::evaluate::evaluate_honesty;
use phenocopy::report::honesty_tables;

use super::{EvaluationArguments, Question, TaskArguments};

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
        let Question { index, dataset, task, .. } = Question::read(&self.common, &self.task)?;
        let report = evaluate_honesty(&index, &dataset, &task)?;
        self.common.write(&index, &honesty_tables(&report))
    }
}
