//! What more data buys: retrieval and prediction by the share of perturbations and by the number of
//! chemical contexts that a model learns from (the scaling question of Miladinovic et al. 2025).

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::bootstrap::{Bootstrap, Estimate};
use super::prediction::{Tally, entry_split};
use super::retrieval::{Half, RetrievalEvaluation, RetrievalTask, Role, SimilaritySource};
use crate::dataset::{Dataset, ProfileKey, Split};
use crate::embedding::{FoldIn, Placement, ReadoutWeights, ResponsePredictor, similarity};
use crate::error::{Error, Result};
use crate::experiment::{PerturbationType, Side};

/// Draws the nested samples.
const SEED: u64 = 17;

/// Trains an ensemble on a dataset and returns its members' frozen weights.
pub type Trainer<'a> = dyn Fn(&Dataset) -> Result<Vec<FoldIn>> + 'a;

/// One amount of data, and what a model makes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ScalingPoint {
    /// What is learnt from.
    pub name: String,
    /// Profiles learnt from.
    pub n_profiles: usize,
    /// Values learnt from.
    pub n_values: usize,
    /// Queries of the retrieval.
    pub n_queries: usize,
    /// hit@10, 0 to 1.
    pub hit_at_10: Estimate,
    /// Mean reciprocal rank, 0 to 1.
    pub mrr: Estimate,
    /// On held-out values that are no knock-outs', in normalised units.
    pub rmse: f64,
    /// Correlation there.
    pub pearson: f64,
}

/// Returns whether a perturbation is in the sample of a share; a larger share holds every smaller one.
#[must_use]
pub fn is_sampled(symbol: &str, share: f64) -> bool {
    let number = xxh3_64_with_seed(symbol.as_bytes(), SEED) >> 11;
    number as f64 / ((1_u64 << 53) as f64) < share
}

/// Learns from a growing share of all perturbations, and measures each time on the same queries, genes
/// and held-out values: those not learnt from are folded in with frozen weights.
///
/// # Errors
/// When a share is outside 0 to 1, a sample lacks a side, or a training fails.
pub fn scale_perturbations(
    dataset: &Dataset,
    task: &RetrievalTask,
    shares: &[f64],
    train: &Trainer<'_>,
) -> Result<Vec<ScalingPoint>> {
    let measured = |share: &f64| {
        if !(*share > 0.0 && *share <= 1.0) {
            return Err(Error::parameter("shares", "above 0 and at most 1", share));
        }
        let symbols: Vec<String> = dataset.perturbations.iter().map(|p| p.symbol()).collect();
        let keep = |key: ProfileKey| is_sampled(&symbols[key.perturbation as usize], *share);
        let name = format!("{:.0} %", share * 100.0);
        measure(&name, dataset, task, &keep, &|_| true, train)
    };
    shares.iter().map(measured).collect()
}

/// Learns from all genes and the first one, two, … chemical contexts; queries are the compounds of the
/// first, which are placed by their profiles in the contexts learnt from. Values are held out in the first.
///
/// # Errors
/// When there is no chemical context with a query, or a training fails.
pub fn scale_contexts(
    dataset: &Dataset,
    task: &RetrievalTask,
    train: &Trainer<'_>,
) -> Result<Vec<ScalingPoint>> {
    let is_chemical = |key: &&ProfileKey| {
        dataset.perturbations[key.perturbation as usize].side() == Side::Chemical
    };
    let keys = || dataset.profiles.keys().iter();
    let mut contexts: Vec<u32> = keys().filter(is_chemical).map(|key| key.context).collect();
    contexts.sort_unstable();
    contexts.dedup();
    let Some(first) = contexts.first().copied() else {
        let what = format!("dataset `{}`", dataset.name);
        return Err(Error::data(what, "it has no chemical context", "evaluate one that has"));
    };
    let in_first = super::retrieval::profiles_in(dataset, first);
    let queries = task.queries().iter().filter(|query| in_first.contains_key(&query.row));
    let queries = queries.cloned().collect();
    let task = RetrievalTask::new(task.panel().to_vec(), task.genes().to_vec(), queries)?;
    let measured = |n: usize| {
        let used = &contexts[..n];
        let keep =
            |key: ProfileKey| !contexts.contains(&key.context) || used.contains(&key.context);
        let names: Vec<&str> =
            used.iter().map(|context| dataset.contexts[*context as usize].0.as_str()).collect();
        measure(&names.join(" + "), dataset, &task, &keep, &|context| context == first, train)
    };
    (1..=contexts.len()).map(measured).collect()
}

/// Trains on a part and measures it.
fn measure(
    name: &str,
    dataset: &Dataset,
    task: &RetrievalTask,
    keep: &dyn Fn(ProfileKey) -> bool,
    is_scored: &dyn Fn(u32) -> bool,
    train: &Trainer<'_>,
) -> Result<ScalingPoint> {
    let test = entry_split();
    let part = dataset.restrict(keep, &test)?;
    let members = train(&part)?;
    let learnt = learnt_contexts(dataset, keep);
    let visible = dataset.restrict(|key| learnt[key.context as usize], &test)?;
    let (rmse, pearson) = predict(dataset, &visible, &test, &members, is_scored)?;
    let (placement, _) = Placement::fit(&part, members)?;
    // The genes and queries that the part lacks are placed by their profiles, all by one rule.
    let vectors = place(dataset, task, &placement, &learnt)?;
    let source = |query: u32, panel: &[u32], out: &mut [f64]| {
        let vector = |row: u32| vectors.get(&row).map(Vec::as_slice).unwrap_or_default();
        for (row, out) in panel.iter().zip(out) {
            *out = f64::from(similarity(vector(query), vector(*row)));
        }
        Ok(())
    };
    let source: &dyn SimilaritySource = &source;
    let mut evaluation = RetrievalEvaluation::new(task);
    evaluation.add(name, Role::Candidate, source)?;
    let report = evaluation.report(Half::All, &Bootstrap::default())?;
    let lost = || Error::data("retrieval", "it has no figures", "report this as a defect");
    let [_, hit_at_10, _, _, mrr, _] = report.methods.last().ok_or_else(lost)?.metrics;
    Ok(ScalingPoint {
        name: name.to_owned(),
        n_profiles: part.profiles.n_profiles(),
        n_values: part.profiles.n_observed(),
        n_queries: task.queries().len(),
        hit_at_10,
        mrr,
        rmse,
        pearson,
    })
}

/// Which contexts have a profile that is learnt from.
fn learnt_contexts(dataset: &Dataset, keep: &dyn Fn(ProfileKey) -> bool) -> Vec<bool> {
    let mut learnt = vec![false; dataset.contexts.len()];
    for key in dataset.profiles.keys().iter().filter(|key| keep(**key)) {
        learnt[key.context as usize] = true;
    }
    learnt
}

/// The unit vectors of a task's genes and queries, from their profiles: of the contexts learnt from or, for
/// perturbations not learnt from, of all in which the part has others of their side.
fn place(
    dataset: &Dataset,
    task: &RetrievalTask,
    placement: &Placement,
    learnt: &[bool],
) -> Result<HashMap<u32, Vec<f32>>> {
    let keys = dataset.profiles.keys();
    let mut profiles: HashMap<u32, Vec<(u32, Vec<f32>)>> = HashMap::new();
    let wanted: std::collections::HashSet<u32> =
        task.panel().iter().copied().chain(task.queries().iter().map(|query| query.row)).collect();
    for (profile, key) in keys.iter().enumerate() {
        if learnt[key.context as usize] && wanted.contains(&key.perturbation) {
            let row = dataset.profiles.row(profile);
            profiles.entry(key.perturbation).or_default().push((key.context, row));
        }
    }
    let placed = profiles.into_iter().map(|(row, profiles)| {
        let side = dataset.perturbations[row as usize].side();
        let profiles: Vec<(u32, &[f32])> =
            profiles.iter().map(|(context, values)| (*context, values.as_slice())).collect();
        Ok((row, placement.place(side, &profiles)?))
    });
    placed.collect()
}

/// RMSE and correlation on held-out values of the scored contexts, knock-outs apart, from what is
/// visible of all perturbations.
fn predict(
    dataset: &Dataset,
    visible: &Dataset,
    test: &Split,
    members: &[FoldIn],
    is_scored: &dyn Fn(u32) -> bool,
) -> Result<(f64, f64)> {
    let weights = members.iter().map(|member| {
        let [readouts, _, offsets] = member.weights();
        ReadoutWeights::new(readouts, offsets, member.dim())
    });
    let predictor =
        ResponsePredictor::fit(visible, &Split::None, &weights.collect::<Result<Vec<_>>>()?)?;
    let row_of: HashMap<String, u32> =
        visible.perturbations.iter().map(|p| p.symbol()).zip(0..).collect();
    let keys = dataset.profiles.keys();
    let is_knockout = |key: &ProfileKey| {
        let perturbation = &dataset.perturbations[key.perturbation as usize];
        perturbation.perturbation_type() == PerturbationType::CrisprKnockout
    };
    let scored: Vec<bool> =
        keys.iter().map(|key| is_scored(key.context) && !is_knockout(key)).collect();
    let mut tally = Tally::default();
    let mut row = vec![f32::NAN; dataset.readouts.len()];
    for (profile, key) in keys.iter().enumerate().filter(|(profile, _)| scored[*profile]) {
        dataset.profiles.copy_row(profile, &mut row);
        let symbol = dataset.perturbations[key.perturbation as usize].symbol();
        let Some(perturbation) = row_of.get(&symbol) else { continue };
        let predicted = predictor.predict(*perturbation, key.context)?.values;
        for (readout, (value, predicted)) in row.iter().zip(predicted).enumerate() {
            if !value.is_nan() && test.holds_out(profile, readout) {
                tally.add(*value, predicted, true);
            }
        }
    }
    let scores = tally.scores();
    Ok((scores.rmse, scores.pearson))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_samples_hold_the_smaller_ones() {
        let names: Vec<String> = (0..2_000).map(|i| format!("compound {i}")).collect();
        let sample = |share| names.iter().filter(move |name| is_sampled(name, share));
        let (small, large) = (sample(0.1).count(), sample(0.5).count());
        assert!((160..240).contains(&small) && (920..1_080).contains(&large), "{small} {large}");
        assert!(sample(0.1).all(|name| is_sampled(name, 0.5)));
        assert_eq!(sample(1.0).count(), names.len());
    }
}
