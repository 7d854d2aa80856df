use std::ops::ControlFlow;

use anyhow::Context;
use phenocopy::dataset::{Assay, Dataset, Recipe, Split};
use phenocopy::embedding::{Embeddings, FoldIn, Placement, ResponsePredictor};
use phenocopy::experiment::Side;
use phenocopy::model::{Ensemble, EpochReport, LpmConfig, TrainingOptions, TrainingReport};
use phenocopy::table::lookup_key;
use phenocopy::{Error, Result};

use super::super::output::complain;

/// The recipe less the assay of a context of one side, and with it the other contexts that its samples give. `contexts` are
/// those of the index, `option` named this one.
pub(super) fn without_assay(
    recipe: &Recipe,
    contexts: &[String],
    (option, context): (&'static str, &str),
    side: Side,
) -> anyhow::Result<Recipe> {
    let is_of_side = |assay: &&Assay| assay.perturbation_type.side() == side;
    let kind = if side == Side::Chemical { "chemical" } else { "genetic" };
    let named = contexts.iter().find(|known| lookup_key(known) == lookup_key(context));
    let assay = named.and_then(|named| recipe.assay_of(named)).filter(is_of_side);
    let Some(assay) = assay else {
        let known = recipe.assays.iter().filter(is_of_side).map(|assay| assay.context.as_str());
        let expected = format!("a {kind} one of {}", known.collect::<Vec<_>>().join(", "));
        return Err(Error::parameter(option, expected, context).into());
    };
    let mut reduced = recipe.clone();
    reduced.assays.retain(|other| other.context != assay.context);
    let is_any_left = reduced.assays.iter().any(|assay| is_of_side(&assay));
    anyhow::ensure!(is_any_left, "no {kind} context is left; evaluate an index with several");
    Ok(reduced)
}

/// The position of a context in a dataset.
pub(super) fn position_of(dataset: &Dataset, context: &str) -> anyhow::Result<u32> {
    let wanted = lookup_key(context);
    let position = dataset.contexts.iter().position(|known| lookup_key(&known.0) == wanted);
    Ok(position.context("the data hold no profile of this context")? as u32)
}

/// Trains as a build does, on part of the data: says without what. Values that `split` holds out are not learnt from.
pub(super) fn train_without(
    what: &str,
    (dataset, split): (&Dataset, &Split),
    config: &LpmConfig,
    seeds: &[u64],
) -> Result<(Ensemble, TrainingReport)> {
    complain(&format!("training {} models without {what}", seeds.len()));
    let observer = |_: &EpochReport| ControlFlow::Continue(());
    let options =
        TrainingOptions { excluded: split, observer: &observer, ..TrainingOptions::default() };
    Ensemble::train(dataset, config, seeds, &options)
}

/// Places the perturbations of a dataset, as an index of the ensemble would.
pub(super) fn place(dataset: &Dataset, ensemble: &Ensemble) -> Result<(Placement, Embeddings)> {
    let members = ensemble.members().iter().map(FoldIn::of).collect::<Result<_>>()?;
    Placement::fit(dataset, members)
}

/// Returns what predicts the profile at a position from values that are not held out; a row that cannot be predicted is
/// left as it is.
pub(super) fn predictor<'a>(
    dataset: &'a Dataset,
    split: &Split,
    ensemble: &'a Ensemble,
) -> Result<impl Fn(usize, &mut [f32]) + 'a> {
    let predictor = ResponsePredictor::from_ensemble(dataset, split, ensemble)?;
    Ok(move |profile: usize, row: &mut [f32]| {
        let key = dataset.profiles.keys()[profile];
        let predicted = match &predictor {
            Some(predictor) => {
                predictor.predict(key.perturbation, key.context).map(|prediction| prediction.values)
            }
            None => ensemble.predict(&[key.perturbation], key.context),
        };
        if let Ok(predicted) = predicted {
            row.copy_from_slice(&predicted);
        }
    })
}
