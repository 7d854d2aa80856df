use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use phenocopy::Error;
use phenocopy::dataset::{Dataset, DatasetOptions, Recipe, Split};
use phenocopy::embedding::{FoldIn, Placement};
use phenocopy::evaluate::retrieval::{
    FoldedSimilarities, IndexSimilarities, Role, TrainedWithout, profiles_in,
};
use phenocopy::evaluate::{Bootstrap, Half, RetrievalEvaluation, RetrievalTask};
use phenocopy::experiment::{PerturbationType, Side};
use phenocopy::model::{Ensemble, EpochReport, LpmConfig, TrainingOptions};
use phenocopy::report::{MetricTable, retrieval_difference_table, retrieval_table};
use phenocopy::table::{lookup_key, read_labels};

use super::build::read_dataset;
use super::evaluate::{EvaluationArguments, warn_of_other_inputs};
use super::output::complain;

/// Which context is left out of training and folded in afterwards.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    phenocopy evaluate fold-in index/cancer-viability --data ../shared/data --context CTRPv2")]
pub(crate) struct FoldInArguments {
    #[command(flatten)]
    common: EvaluationArguments,
    /// A chemical context of the index
    #[arg(long, value_name = "NAME")]
    context: String,
    /// Known pairs: a table with the columns compound_key (or compound) and gene [default: the recipe's]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Genes of this type are ranked
    #[arg(long, value_name = "TYPE", default_value = "trt_xpr")]
    panel: String,
}

impl FoldInArguments {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let index = self.common.open()?;
        let recipe = EvaluationArguments::recipe(&index)?;
        let data = self.common.data();
        let reduced = without(&recipe, &self.context)?;
        let from_recipe = recipe.labels.as_ref().map(|labels| data.join(labels));
        let labels = self.labels.clone().or(from_recipe);
        let labels = labels.context("the recipe names no labels; give a table with --labels")?;
        let labels = read_labels(&labels)?;
        let panel = PerturbationType::parse(&self.panel).ok_or_else(|| {
            Error::parameter("panel", "a genetic type such as trt_xpr", &self.panel)
        })?;
        let dataset = Dataset::from_recipe(&recipe, data, &DatasetOptions::default())?;
        warn_of_other_inputs(&index, &dataset);
        let reduced = read_dataset(&reduced, data, &Split::None)?;
        let config: LpmConfig = match &index.manifest().model {
            Some(config) => serde_json::from_value(config.clone())?,
            None => LpmConfig::default(),
        };
        let context = dataset
            .contexts
            .iter()
            .position(|context| lookup_key(&context.0) == lookup_key(&self.context))
            .context("the data hold no profile of this context")? as u32;
        let (placement, embeddings) = train(&reduced, &config, &index.manifest().seeds)?;
        let model =
            TrainedWithout { dataset: &reduced, embeddings: &embeddings, placement: &placement };
        let all = RetrievalTask::from_dataset(&dataset, &labels, panel)?;
        let measured = profiles_in(&dataset, context);
        let here = |row: u32| measured.contains_key(&row);
        let n_contexts =
            |row: u32| dataset.profiles.keys().iter().filter(|key| key.perturbation == row).count();
        let groups: [(&str, &dyn Fn(u32) -> bool); 2] = [
            ("measured in it", &here),
            ("measured in it only", &|row| here(row) && n_contexts(row) == 1),
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
            let caption = format!(
                "compounds {name}: the model never saw {}, their profiles there are folded in as those of another context",
                self.context
            );
            tables.extend(captioned(&report, caption));
        }
        self.common.write(&index, &tables)
    }
}

fn captioned(
    report: &phenocopy::evaluate::retrieval::RetrievalReport,
    caption: String,
) -> [MetricTable; 2] {
    let mut tables = [retrieval_table(report), retrieval_difference_table(report)];
    tables[0].notes.insert(0, caption);
    tables
}

/// The recipe less the assay of a context.
fn without(recipe: &Recipe, context: &str) -> anyhow::Result<Recipe> {
    let mut reduced = recipe.clone();
    reduced.assays.retain(|assay| lookup_key(&assay.context) != lookup_key(context));
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
    let assay = recipe.assays.iter().find(|assay| assay.context == context);
    assay.map_or(Side::Chemical, |assay| assay.perturbation_type.side())
}

fn train(
    dataset: &Dataset,
    config: &LpmConfig,
    seeds: &[u64],
) -> anyhow::Result<(Placement, phenocopy::embedding::Embeddings)> {
    complain(&format!("training {} models without the context", seeds.len()));
    let observer = |_: &EpochReport| ControlFlow::Continue(());
    let options = TrainingOptions { observer: &observer, ..TrainingOptions::default() };
    let (ensemble, _) = Ensemble::train(dataset, config, seeds, &options)?;
    let members = ensemble.members().iter().map(|member| {
        let offsets = member.context_offsets()?;
        let offsets =
            offsets.context("a concat head cannot fold in; build with the product head")?;
        let (readouts, contexts) = (member.readout_embeddings()?, member.context_embeddings()?);
        Ok(FoldIn::new(readouts, contexts, offsets, member.config().embedding_dim)?)
    });
    let members = members.collect::<anyhow::Result<Vec<FoldIn>>>()?;
    Ok(Placement::fit(dataset, members)?)
}
