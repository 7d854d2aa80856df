use anyhow::Context;
use clap::Args;
use phenocopy::Error;
use phenocopy::dataset::{Dataset, DatasetOptions, Recipe, Split};
use phenocopy::evaluate::retrieval::{
    FoldedSimilarities, IndexSimilarities, RetrievalReport, Role, TrainedWithout, profiles_in,
};
use phenocopy::evaluate::{Bootstrap, Half, RetrievalEvaluation, RetrievalTask};
use phenocopy::experiment::Side;
use phenocopy::report::{MetricTable, retrieval_difference_table, retrieval_table};
use phenocopy::table::lookup_key;

use super::super::compile::read_dataset;
use super::anew::train_without;
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
        let named = known.iter().find(|known| lookup_key(known) == lookup_key(&self.context));
        let reduced = without(&recipe, named.unwrap_or(&self.context))?;
        let (labels, panel) = self.task.read(&recipe, data)?;
        let dataset = Dataset::from_recipe(&recipe, data, &DatasetOptions::default())?;
        warn_of_other_inputs(&index, &dataset);
        let reduced = read_dataset(&reduced, data, &Split::None)?;
        let context = dataset
            .contexts
            .iter()
            .position(|context| lookup_key(&context.0) == lookup_key(&self.context))
            .context("the data hold no profile of this context")? as u32;
        let (config, seeds) = (model_config(&index)?, &index.manifest().seeds);
        let (placement, embeddings) = train_without("the context", &reduced, &config, seeds)?;
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

/// The recipe less the assay of a context, and with it the other contexts that its samples give.
fn without(recipe: &Recipe, context: &str) -> anyhow::Result<Recipe> {
    let mut reduced = recipe.clone();
    let assay = recipe.assay_of(context).map(|assay| &assay.context);
    reduced.assays.retain(|other| Some(&other.context) != assay);
    let left: Vec<&str> = recipe.assays.iter().map(|assay| assay.context.as_str()).collect();
    let chemical = |recipe: &Recipe| {
        recipe.assays.iter().filter(|a| a.perturbation_type.side() == Side::Chemical).count()
    };
    if chemical(&reduced) + 1 != chemical(recipe) {
        let expected = format!("a chemical one of {}", left.join(", "));
        return Err(Error::parameter("context", expected, context).into());
    }
    anyhow::ensure!(
        chemical(&reduced) > 0,
        "no chemical context is left to fold in as; evaluate an index with several"
    );
    Ok(reduced)
}

fn side_of(recipe: &Recipe, context: &str) -> Side {
    recipe.assay_of(context).map_or(Side::Chemical, |assay| assay.perturbation_type.side())
}
