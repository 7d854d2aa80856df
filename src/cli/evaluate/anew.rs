use std::ops::ControlFlow;

use phenocopy::Result;
use phenocopy::dataset::Dataset;
use phenocopy::embedding::{Embeddings, FoldIn, Placement};
use phenocopy::model::{Ensemble, EpochReport, LpmConfig, TrainingOptions};

use super::super::output::complain;

/// Trains as a build does, on part of the data: says without what.
pub(super) fn train_without(
    what: &str,
    dataset: &Dataset,
    config: &LpmConfig,
    seeds: &[u64],
) -> Result<(Placement, Embeddings)> {
    complain(&format!("training {} models without {what}", seeds.len()));
    let observer = |_: &EpochReport| ControlFlow::Continue(());
    let options = TrainingOptions { observer: &observer, ..TrainingOptions::default() };
    let (ensemble, _) = Ensemble::train(dataset, config, seeds, &options)?;
    let members = ensemble.members().iter().map(FoldIn::of).collect::<Result<_>>()?;
    Placement::fit(dataset, members)
}
