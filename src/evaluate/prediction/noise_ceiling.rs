use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dataset::{Dataset, median};

use super::scores::Tally;

/// Fewest shared readouts for a perturbation to count.
const MIN_SHARED: u64 = 20;

/// How well one context's measurements agree with another's on the same perturbations.
///
/// Two noisy measurements of equal quality that correlate by `r` each correlate by `√r` with the
/// truth: a predictor's Pearson correlation with one of them cannot stay above `√r`, and copying the other gives `r`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoiseCeiling {
    /// The two contexts.
    pub contexts: (String, String),
    /// How many perturbations were measured in both, with at least 20 shared readouts.
    pub n_perturbations: usize,
    /// How many values they share.
    pub n_values: u64,
    /// Pearson correlation over all shared values.
    pub pearson: f64,
    /// Median over perturbations of the correlation over shared readouts.
    pub median_pearson: f64,
}

/// Compares every pair of contexts that share perturbations, in the dataset's order of contexts.
#[must_use]
pub fn noise_ceilings(dataset: &Dataset) -> Vec<NoiseCeiling> {
    let keys = dataset.profiles.keys();
    let mut of_perturbation: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (profile, key) in keys.iter().enumerate() {
        of_perturbation.entry(key.perturbation).or_default().push(profile);
    }
    let mut pairs: BTreeMap<(u32, u32), (Tally, Vec<f64>)> = BTreeMap::new();
    for profiles in of_perturbation.values() {
        for (at, &a) in profiles.iter().enumerate() {
            for &b in profiles.iter().skip(at + 1).filter(|&&b| keys[a].context != keys[b].context)
            {
                let (a, b) = if keys[a].context < keys[b].context { (a, b) } else { (b, a) };
                let pair = pairs.entry((keys[a].context, keys[b].context)).or_default();
                compare(&dataset.profiles.row(a), &dataset.profiles.row(b), pair);
            }
        }
    }
    let name = |context: u32| {
        dataset.contexts.get(context as usize).map(ToString::to_string).unwrap_or_default()
    };
    let measured = pairs.into_iter().filter(|(_, (_, each))| !each.is_empty());
    measured
        .map(|((a, b), (tally, each))| {
            let scores = tally.scores();
            NoiseCeiling {
                contexts: (name(a), name(b)),
                n_perturbations: each.len(),
                n_values: scores.n_values,
                pearson: scores.pearson,
                median_pearson: median(&each),
            }
        })
        .collect()
}

fn compare(a: &[f32], b: &[f32], (all, each): &mut (Tally, Vec<f64>)) {
    let shared = || a.iter().zip(b).filter(|(a, b)| !a.is_nan() && !b.is_nan());
    let mut own = Tally::default();
    shared().for_each(|(a, b)| own.add(*a, *b, true));
    if own.is_empty() || own.scores().n_values < MIN_SHARED || own.scores().pearson.is_nan() {
        return;
    }
    shared().for_each(|(a, b)| all.add(*a, *b, true));
    each.push(own.scores().pearson);
}
