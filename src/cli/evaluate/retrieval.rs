use clap::{Args, ValueEnum};
use phenocopy::evaluate::retrieval::{IndexSimilarities, Role};
use phenocopy::evaluate::{Bootstrap, Half, RetrievalEvaluation};
use phenocopy::report::{retrieval_difference_table, retrieval_table};

use super::{EvaluationArguments, Question, TaskArguments};

/// Labels and panel of the retrieval protocol.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  phenocopy evaluate retrieval index/cancer-viability \\\n    \
    --labels ../shared/data/viability/labels.csv --data ../shared/data")]
pub(crate) struct RetrievalArguments {
    #[command(flatten)]
    common: EvaluationArguments,
    #[command(flatten)]
    task: TaskArguments,
    /// Which queries: all, or those with all targets in one half of the genes
    #[arg(long, value_enum, default_value_t = HalfArgument::All)]
    half: HalfArgument,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum HalfArgument {
    All,
    Even,
    Odd,
}

impl RetrievalArguments {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let Question { index, dataset, panel, task } = Question::read(&self.common, &self.task)?;
        let mut evaluation = RetrievalEvaluation::new(&task);
        evaluation.add_profile_baselines(&dataset, panel)?;
        // What the steps after training add, beside what they start from.
        #[cfg(feature = "train")]
        if let Some(trained) = IndexSimilarities::of_trained(&index, &dataset)? {
            evaluation.add("trained-embeddings", Role::Baseline, &trained)?;
        }
        if let Some(responses) = IndexSimilarities::of_responses(&index, &dataset)? {
            evaluation.add("responses", Role::Baseline, &responses)?;
        }
        let similarities = IndexSimilarities::new(&index, &dataset)?;
        evaluation.add("phenocopy", Role::Candidate, &similarities)?;
        let half = match self.half {
            HalfArgument::All => Half::All,
            HalfArgument::Even => Half::Even,
            HalfArgument::Odd => Half::Odd,
        };
        let report = evaluation.report(half, &Bootstrap::default())?;
        let mut tables = [retrieval_table(&report), retrieval_difference_table(&report)];
        tables[0].notes.push(format!(
            "not counted: {} labelled compounds that the data do not hold, {} target genes outside the panel",
            task.n_unknown_compounds(),
            task.n_unknown_genes()
        ));
        self.common.write(&index, &tables)
    }
}
