use std::collections::HashMap;

use super::data::{Part, TrainingData};
use super::report::Validation;
use crate::error::Result;
use crate::model::device::engine;
use crate::model::fit::{Fit, FitSums};
use crate::model::network::Network;

/// Profiles whose held-out entries are predicted together.
const PROFILES_PER_CHUNK: usize = 256;

/// The fits of the two baselines: on all held-out entries, and on those without knock-outs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Baselines {
    pub(super) readout_mean: Validation,
    pub(super) perturbation_mean: Validation,
}

/// Sums for the two slices of a [`Validation`].
#[derive(Debug, Default)]
struct SliceSums {
    overall: FitSums,
    without_knockouts: FitSums,
}

impl SliceSums {
    fn add(&mut self, is_knockout: bool, measured: f32, predicted: f32) {
        self.overall.add(measured, predicted);
        if !is_knockout {
            self.without_knockouts.add(measured, predicted);
        }
    }

    fn validation(&self) -> Validation {
        let fit = |sums: &FitSums| -> Fit { sums.fit() };
        Validation { overall: fit(&self.overall), without_knockouts: fit(&self.without_knockouts) }
    }
}

/// Compares predictions with the held-out entries of all profiles.
pub(super) fn validate(data: &TrainingData<'_>, network: &Network) -> Result<Validation> {
    let profiles = &data.dataset.profiles;
    let all: Vec<u32> = (0..profiles.n_readouts() as u32).collect();
    let readouts = network.project_readouts(&all).map_err(engine("validate"))?;
    let mut row = vec![f32::NAN; profiles.n_readouts()];
    let mut sums = SliceSums::default();
    for start in (0..profiles.n_profiles()).step_by(PROFILES_PER_CHUNK) {
        let chunk = start..(start + PROFILES_PER_CHUNK).min(profiles.n_profiles());
        let (mut entries, mut measured) = (Vec::new(), Vec::new());
        for (position, profile) in (0_u32..).zip(chunk.clone()) {
            data.copy_part(profile, Part::HeldOut, &mut row);
            for (readout, value) in (0_u32..).zip(&row).filter(|(_, value)| !value.is_nan()) {
                entries.push((position, readout));
                measured.push((data.is_knockout(profile), *value));
            }
        }
        if entries.is_empty() {
            continue;
        }
        let pairs: Vec<(u32, u32)> = chunk.map(|profile| data.pair(profile)).collect();
        let predicted = network
            .project(data.bag, &pairs, None)
            .and_then(|pairs| network.predict_entries(&pairs, &readouts, &entries))
            .map_err(engine("validate"))?;
        for ((is_knockout, measured), predicted) in measured.into_iter().zip(predicted) {
            sums.add(is_knockout, measured, predicted);
        }
    }
    Ok(sums.validation())
}

/// Compares the baselines' predictions with the held-out entries of all profiles.
pub(super) fn validate_baselines(data: &TrainingData<'_>) -> Baselines {
    let n_readouts = data.dataset.profiles.n_readouts();
    let means = ReadoutMeans::of(data);
    let mut siblings: HashMap<u32, Vec<usize>> = HashMap::new();
    for profile in 0..data.dataset.profiles.n_profiles() {
        siblings.entry(data.pair(profile).0).or_default().push(profile);
    }
    let mut row = vec![f32::NAN; n_readouts];
    let (mut by_readout, mut by_perturbation) = (SliceSums::default(), SliceSums::default());
    for profile in 0..data.dataset.profiles.n_profiles() {
        let (perturbation, context) = data.pair(profile);
        let elsewhere = siblings.get(&perturbation).map_or(&[][..], Vec::as_slice);
        let elsewhere = mean_elsewhere(data, profile, elsewhere);
        data.copy_part(profile, Part::HeldOut, &mut row);
        for (readout, value) in row.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
            let is_knockout = data.is_knockout(profile);
            let readout_mean = means.at(context, readout);
            by_readout.add(is_knockout, *value, readout_mean);
            let mean = elsewhere.get(readout).copied().filter(|mean| !mean.is_nan());
            by_perturbation.add(is_knockout, *value, mean.unwrap_or(readout_mean));
        }
    }
    Baselines {
        readout_mean: by_readout.validation(),
        perturbation_mean: by_perturbation.validation(),
    }
}

/// Mean of the training values of each readout in each context, 0 where there are none.
struct ReadoutMeans {
    n_readouts: usize,
    means: Vec<f32>,
}

impl ReadoutMeans {
    fn of(data: &TrainingData<'_>) -> Self {
        let n_readouts = data.dataset.profiles.n_readouts();
        let mut sums = vec![(0.0_f64, 0_u32); data.dataset.contexts.len() * n_readouts];
        let mut row = vec![f32::NAN; n_readouts];
        for profile in 0..data.dataset.profiles.n_profiles() {
            data.copy_part(profile, Part::Training, &mut row);
            let start = data.pair(profile).1 as usize * n_readouts;
            add_measured(sums.get_mut(start..start + n_readouts).unwrap_or_default(), &row);
        }
        let mean = |&(sum, n): &(f64, u32)| if n == 0 { 0.0 } else { (sum / f64::from(n)) as f32 };
        Self { n_readouts, means: sums.iter().map(mean).collect() }
    }

    fn at(&self, context: u32, readout: usize) -> f32 {
        self.means.get(context as usize * self.n_readouts + readout).copied().unwrap_or(0.0)
    }
}

/// Returns the means over the perturbation's profiles in other contexts, NaN where there are none.
fn mean_elsewhere(data: &TrainingData<'_>, profile: usize, siblings: &[usize]) -> Vec<f32> {
    let (n_readouts, context) = (data.dataset.profiles.n_readouts(), data.pair(profile).1);
    let mut sums = vec![(0.0_f64, 0_u32); n_readouts];
    let mut row = vec![f32::NAN; n_readouts];
    for sibling in siblings.iter().filter(|sibling| data.pair(**sibling).1 != context) {
        data.copy_part(*sibling, Part::Training, &mut row);
        add_measured(&mut sums, &row);
    }
    let mean = |(sum, n): (f64, u32)| if n == 0 { f32::NAN } else { (sum / f64::from(n)) as f32 };
    sums.into_iter().map(mean).collect()
}

fn add_measured(sums: &mut [(f64, u32)], row: &[f32]) {
    for ((sum, n), value) in sums.iter_mut().zip(row).filter(|(_, value)| !value.is_nan()) {
        *sum += f64::from(*value);
        *n += 1;
    }
}
