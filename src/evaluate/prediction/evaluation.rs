use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::dataset::{Dataset, Split};
use crate::error::{Error, Result};
use crate::experiment::PerturbationType;

use super::baselines::PredictionBaselines;
use super::noise_ceiling::{NoiseCeiling, noise_ceilings};
use super::scores::{PredictionScores, Tally};
use super::soft_impute::SoftImputeConfig;

/// Anything that predicts a profile: it is given the profile's position and a row of `n_readouts`
/// values to fill, NaN where it has no answer.
pub type Predictor<'a> = dyn Fn(usize, &mut [f32]) + 'a;

/// How the prediction protocol is run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PredictionConfig {
    /// Settings of the low-rank baseline.
    pub soft_impute: SoftImputeConfig,
}

/// Held-out errors of every method on every scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictionReport {
    /// One row per scope and method, scopes in order, baselines first.
    pub rows: Vec<PredictionRow>,
    /// Agreement between contexts.
    pub noise_ceilings: Vec<NoiseCeiling>,
}

/// One method's errors on one scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictionRow {
    /// `all`, `without CRISPR knock-outs`, or a context's name.
    pub scope: String,
    /// The method.
    pub method: String,
    /// Its errors.
    pub scores: PredictionScores,
}

/// Scores predictors and all baselines on the measured values that `split` holds out.
///
/// All methods are scored on the same values; where one has no answer (NaN) the readout's training
/// mean stands in, and its coverage says for how many values it did not. Scopes are all contexts together, the
/// same without CRISPR knock-outs (public releases of those are often low-rank reconstructions, which any
/// low-rank model fits almost exactly), and each context.
///
/// # Errors
/// When `split` holds out no measured value, or the low-rank baseline fails.
pub fn evaluate_prediction(
    dataset: &Dataset,
    split: &Split,
    predictors: &[(&str, &Predictor<'_>)],
    config: &PredictionConfig,
) -> Result<PredictionReport> {
    let scopes = Scopes::of(dataset);
    let baselines = PredictionBaselines::fit(dataset, split, &config.soft_impute)?;
    let stand_in = baselines.readout_means();
    let owned = baselines.predictors();
    let simple = owned.iter().map(|(name, predictor)| (*name, predictor.as_ref()));
    let methods: Vec<(&str, &Predictor<'_>)> = simple.chain(predictors.iter().copied()).collect();
    let tallies: Vec<Vec<Tally>> = methods
        .iter()
        .map(|(_, predictor)| tally(dataset, split, *predictor, stand_in, &scopes))
        .collect();
    let mut rows = Vec::new();
    for (scope, name) in scopes.names.iter().enumerate() {
        for ((method, _), tallies) in methods.iter().zip(&tallies) {
            if !tallies[scope].is_empty() {
                let scores = tallies[scope].scores();
                rows.push(PredictionRow {
                    scope: name.clone(),
                    method: (*method).to_owned(),
                    scores,
                });
            }
        }
    }
    if rows.is_empty() {
        return Err(Error::data(
            format!("dataset `{}`", dataset.name),
            "the split holds out no measured value",
            "hold out a larger share",
        ));
    }
    Ok(PredictionReport { rows, noise_ceilings: noise_ceilings(dataset) })
}

/// Which tallies each profile counts in.
struct Scopes {
    names: Vec<String>,
    of_profile: Vec<Vec<usize>>,
}

impl Scopes {
    fn of(dataset: &Dataset) -> Self {
        let keys = dataset.profiles.keys();
        let types: Vec<PerturbationType> = keys
            .iter()
            .map(|key| dataset.perturbations[key.perturbation as usize].perturbation_type())
            .collect();
        let is_mixed = types.contains(&PerturbationType::CrisprKnockout)
            && types.iter().any(|kind| *kind != PerturbationType::CrisprKnockout);
        let mut names = vec!["all".to_owned()];
        if is_mixed {
            names.push("without CRISPR knock-outs".to_owned());
        }
        let measured: BTreeSet<u32> = keys.iter().map(|key| key.context).collect();
        let first = names.len();
        let position = |context: u32| first + measured.range(..context).count();
        let of_profile = keys.iter().zip(&types).map(|(key, kind)| {
            let mut scopes = vec![0, position(key.context)];
            if is_mixed && *kind != PerturbationType::CrisprKnockout {
                scopes.push(1);
            }
            scopes
        });
        let of_profile = of_profile.collect();
        names
            .extend(measured.iter().map(|context| dataset.contexts[*context as usize].to_string()));
        Self { names, of_profile }
    }
}

fn tally(
    dataset: &Dataset,
    split: &Split,
    predictor: &Predictor<'_>,
    stand_in: &[f32],
    scopes: &Scopes,
) -> Vec<Tally> {
    let mut tallies = vec![Tally::default(); scopes.names.len()];
    let mut truth = vec![f32::NAN; dataset.readouts.len()];
    let mut predicted = truth.clone();
    for (profile, own) in scopes.of_profile.iter().enumerate() {
        dataset.profiles.copy_row(profile, &mut truth);
        let held: Vec<usize> = (0..truth.len())
            .filter(|readout| !truth[*readout].is_nan() && split.holds_out(profile, *readout))
            .collect();
        if held.is_empty() {
            continue;
        }
        predicted.fill(f32::NAN);
        predictor(profile, &mut predicted);
        for readout in held {
            let answered = predicted[readout].is_finite();
            let value = if answered { predicted[readout] } else { stand_in[readout] };
            own.iter().for_each(|scope| tallies[*scope].add(truth[readout], value, answered));
        }
    }
    tallies
}
