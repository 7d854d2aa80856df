use std::path::PathBuf;

use clap::{Args, ValueEnum};
use phenocopy::evaluate::retrieval::{IndexSimilarities, Role};
use phenocopy::evaluate::{
    Bootstrap, Grouping, Half, QueryGroups, RetrievalEvaluation, RetrievalReport,
};
use phenocopy::report::{
    MetricTable, grouped_retrieval_tables, retrieval_difference_table, retrieval_plot,
    retrieval_table,
};

use super::super::output::OutputArguments;
use super::arguments::source_of;
use super::{EvaluationArguments, Question, TaskArguments};

/// Labels and panel of the retrieval protocol.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  phenocopy evaluate retrieval index/cancer-viability \\\n    \
    --labels ../shared/data/viability/labels.csv --data ../shared/data\n  \
    phenocopy evaluate retrieval index/cancer-viability --data ../shared/data \\\n    \
    --by assay,mechanism --plot retrieval.svg")]
pub(crate) struct RetrievalArguments {
    #[command(flatten)]
    common: EvaluationArguments,
    #[command(flatten)]
    task: TaskArguments,
    /// Which queries: all, or those with all targets in one half of the genes
    #[arg(long, value_enum, default_value_t = HalfArgument::All)]
    half: HalfArgument,
    /// Also report group by group: the assays the compound was measured in, its mechanisms, the halves of the genes
    #[arg(long, value_enum, value_delimiter = ',', value_name = "GROUPING")]
    by: Vec<GroupingArgument>,
    /// Draw rank curves and hit@k into an SVG file
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum HalfArgument {
    All,
    Even,
    Odd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum GroupingArgument {
    Assay,
    Mechanism,
    Half,
}

impl From<HalfArgument> for Half {
    fn from(argument: HalfArgument) -> Self {
        match argument {
            HalfArgument::All => Self::All,
            HalfArgument::Even => Self::Even,
            HalfArgument::Odd => Self::Odd,
        }
    }
}

impl From<GroupingArgument> for Grouping {
    fn from(argument: GroupingArgument) -> Self {
        match argument {
            GroupingArgument::Assay => Self::Assay,
            GroupingArgument::Mechanism => Self::Mechanism,
            GroupingArgument::Half => Self::Half,
        }
    }
}

impl RetrievalArguments {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let plot = OutputArguments { output: self.plot.clone() };
        plot.probe()?;
        let question = Question::read(&self.common, &self.task)?;
        let evaluation = compare(&question)?;
        let half = Half::from(self.half);
        let report = evaluation.report(half, &Bootstrap::default())?;
        let mut tables = vec![retrieval_table(&report), retrieval_difference_table(&report)];
        tables[0].notes.push(format!(
            "not counted: {} labelled compounds that the data do not hold, {} target genes outside the panel",
            question.task.unknown_compounds().len(),
            question.task.unknown_genes().len()
        ));
        tables.extend(self.grouped_tables(&question, &evaluation)?);
        if self.plot.is_some() {
            let picture = draw(&question, &evaluation, &report)?;
            plot.fill(|out| Ok(out.write_all(picture.as_bytes())?))?;
        }
        self.common.write(&question.index, &tables)
    }

    fn grouped_tables(
        &self,
        question: &Question,
        evaluation: &RetrievalEvaluation<'_>,
    ) -> anyhow::Result<Vec<MetricTable>> {
        let mut tables = Vec::new();
        for (at, by) in self.by.iter().enumerate() {
            // Asked twice is answered once.
            if self.by[..at].contains(by) {
                continue;
            }
            let (task, dataset) = (&question.task, &question.dataset);
            let groups = QueryGroups::new((*by).into(), task, dataset, self.half.into());
            let report = evaluation.report_groups(groups, &Bootstrap::default())?;
            tables.extend(grouped_retrieval_tables(&report));
        }
        Ok(tables)
    }
}

/// Ranks by every baseline and by the index.
fn compare(question: &Question) -> anyhow::Result<RetrievalEvaluation<'_>> {
    let Question { index, dataset, panel, task } = question;
    let mut evaluation = RetrievalEvaluation::new(task);
    evaluation.add_profile_baselines(dataset, *panel)?;
    // What the steps after training add, beside what they start from.
    #[cfg(feature = "train")]
    if let Some(trained) = IndexSimilarities::of_trained(index, dataset)? {
        evaluation.add("trained-embeddings", Role::Baseline, &trained)?;
    }
    if let Some(responses) = IndexSimilarities::of_responses(index, dataset)? {
        evaluation.add("responses", Role::Baseline, &responses)?;
    }
    let similarities = IndexSimilarities::new(index, dataset)?;
    evaluation.add("phenocopy", Role::Candidate, &similarities)?;
    Ok(evaluation)
}

fn draw(
    question: &Question,
    evaluation: &RetrievalEvaluation<'_>,
    report: &RetrievalReport,
) -> anyhow::Result<String> {
    let curves = evaluation.rank_curves(report.half, &Bootstrap::default())?;
    Ok(retrieval_plot(report, &curves, &source_of(&question.index)))
}
