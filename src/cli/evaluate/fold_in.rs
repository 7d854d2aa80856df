use clap::Args;
use phenocopy::dataset::{Dataset, DatasetOptions, Recipe, Split};
use phenocopy::evaluate::retrieval::{
    FoldedSimilarities, IndexSimilarities, RetrievalReport, Role, TrainedWithout, profiles_in,
};
use phenocopy::evaluate::{Bootstrap, Half, RetrievalEvaluation, RetrievalTask};
use phenocopy::experiment::Side;
use phenocopy::report::{MetricTable, retrieval_difference_table, retrieval_table};

use super::super::compile::read_dataset;
use super::anew::{place, position_of, train_without, without_assay};
use super::arguments::model_config;
use super::{EvaluationArguments, TaskArguments, warn_of_other_inputs};

/// Which context is left out of training and folded in afterwards.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    phenocopy evaluate fold-in index/cancer-viability --data ../shared/data --context CTRPv2")]
pub(crate) struct FoldInArguments {
    #[command(flatten)]
    common: EvaluationArguments,
    /// A chemical context of the index; others that the samples of its assay give are left out with it
    #[arg(long, value_name = "NAME")]
    context: String,
    #[command(flatten)]
    task: TaskArguments,
}

impl FoldInArguments {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let index = self.common.open()?;
        let recipe = EvaluationArguments::recipe(&index)?;
        let data = self.common.data();
        let known = &index.manifest().counts.contexts;
        let reduced = without_assay(&recipe, known, ("context", &self.context), Side::Chemical)?;
        let (labels, panel) = self.task.read(&recipe, data)?;
        let dataset = Dataset::from_recipe(&recipe, data, &DatasetOptions::default())?;
        warn_of_other_inputs(&index, &dataset);
        let reduced = read_dataset(&reduced, data, &Split::None)?;
        let context = position_of(&dataset, &self.context)?;
        let (config, seeds) = (model_config(&index)?, &index.manifest().seeds);
        let (ensemble, _) = train_without("the context", (&reduced, &Split::None), &config, seeds)?;
        let (placement, embeddings) = place(&reduced, &ensemble)?;
        let model =
            TrainedWithout { dataset: &reduced, embeddings: &embeddings, placement: &placement };
        let all = RetrievalTask::from_dataset(&dataset, &labels, panel)?;
        let measured = profiles_in(&dataset, context);
        let here = |row: u32| measured.contains_key(&row);
        let n_contexts =
            |row: u32| dataset.profiles.keys().iter().filter(|key| key.perturbation == row).count();
        let groups: [(&str, &dyn Fn(u32) -> bool); 2] = [
            ("measured in", &here),
            ("measured only in", &|row| here(row) && n_contexts(row) == 1),
        ];
        let mut tables = Vec::new();
        for (name, is_asked) in groups {
            let queries = all.queries().iter().filter(|query| is_asked(query.row)).cloned();
            let queries: Vec<_> = queries.collect();
            if queries.is_empty() {
                continue;
            }
            let task = RetrievalTask::new(all.panel().to_vec(), all.genes().to_vec(), queries)?;
            let mut evaluation = RetrievalEvaluation::new(&task);
            let trained = IndexSimilarities::new(&index, &dataset)?;
            evaluation.add("trained", Role::Baseline, &trained)?;
            for (at, other) in (0_u32..).zip(&reduced.contexts) {
                if side_of(&reduced.recipe, &other.0) == Side::Chemical {
                    let folded = FoldedSimilarities::new(&task, &dataset, context, &model, at)?;
                    evaluation.add(&format!("as {other}"), Role::Candidate, &folded)?;
                }
            }
            let report = evaluation.report(Half::All, &Bootstrap::default())?;
            tables.extend(titled(&report, &dataset.contexts[context as usize].0, name));
        }
        self.common.write(&index, &tables)
    }
}

/// The report of a group of compounds, which its tables' titles name.
fn titled(report: &RetrievalReport, context: &str, group: &str) -> [MetricTable; 2] {
    let mut tables = [retrieval_table(report), retrieval_difference_table(report)];
    for table in &mut tables {
        table.title = format!("{}, compounds {group} {context}", table.title);
    }
    let how = format!(
        "the model never saw {context}: profiles there are folded in as those of another context"
    );
    tables[0].notes.insert(0, how);
    tables
}

fn side_of(recipe: &Recipe, context: &str) -> Side {
    recipe.assay_of(context).map_or(Side::Chemical, |assay| assay.perturbation_type.side())
}
