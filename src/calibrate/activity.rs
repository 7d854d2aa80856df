use std::collections::HashMap;

use rayon::prelude::*;

use crate::dataset::{Dataset, ProfileKey, shuffle_profile};
use crate::embedding::{Placed, Placement};
use crate::error::Result;
use crate::experiment::Side;

/// Shuffled profiles per context that show how long the vector of a profile without effect is; of many contexts fewer.
const CONTROLS: std::ops::RangeInclusive<usize> = 20..=100;
/// Shuffled profiles in all, if that leaves enough for each context.
const ALL_CONTROLS: usize = 1_000;
/// The share of controls below the threshold.
const CONTROLS_BELOW: f64 = 0.95;
/// Readouts of two profiles without which their correlation means little.
const FEWEST_SHARED: usize = 10;
/// Controls whose vectors are kept.
const MOST_KEPT: usize = 200;
/// Seed of the shuffles.
const SEED: u64 = 17;

/// What each perturbation does at all: how far from the centre the model places its profiles, against profiles whose
/// values were shuffled over their readouts.
///
/// The model finds little to explain in a shuffled profile, so its vector is short before it is made unit; that of a
/// perturbation without effect is as short, and points anywhere.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Activity {
    /// Per perturbation: length of its profiles' vectors over the threshold of their context, averaged over
    /// contexts; 1 is as strong as the strongest twentieth of controls. NaN where nothing was measured.
    pub strength: Vec<f32>,
    /// Per perturbation: correlation between its profiles in two contexts, over the readouts that both have, averaged
    /// over pairs of contexts; NaN with one context.
    pub agreement: Vec<f32>,
    /// Per context: the length below which 95 of 100 controls lie; NaN for one without profiles.
    pub thresholds: Vec<f32>,
    /// Controls made of compounds' profiles, at most 200: the position of each one's context, and its values.
    /// Nulls are checked by them.
    pub controls: Vec<(u32, Vec<f32>)>,
    /// Other controls of the same profiles, as many: a null that the first deceive learns from them.
    pub without_effect: Vec<(u32, Vec<f32>)>,
}

impl Activity {
    /// Measures the perturbations of a dataset; `placed` are its profiles, each placed by itself.
    ///
    /// # Errors
    /// When the placement does not belong to the dataset.
    pub fn measure(
        dataset: &Dataset,
        placement: &Placement,
        placed: &[Option<Placed>],
    ) -> Result<Self> {
        let (thresholds, [controls, without_effect]) = shuffled(dataset, placement)?;
        let mut strength = vec![(0.0_f64, 0_u32); dataset.perturbations.len()];
        for (key, placed) in dataset.profiles.keys().iter().zip(placed) {
            let length = placed.as_ref().map_or(0.0, |placed| placed.length);
            let sum = &mut strength[key.perturbation as usize];
            *sum = (sum.0 + f64::from(length / thresholds[key.context as usize]), sum.1 + 1);
        }
        Ok(Self {
            strength: strength.into_iter().map(|(sum, n)| (sum / f64::from(n)) as f32).collect(),
            agreement: agreement(dataset),
            thresholds,
            controls,
            without_effect,
        })
    }
}

/// A profile of a context.
type Control = (u32, Vec<f32>);

/// The length of vectors that 95 of 100 shuffled profiles of each context do not reach, and some that were compounds',
/// twice.
fn shuffled(dataset: &Dataset, placement: &Placement) -> Result<(Vec<f32>, [Vec<Control>; 2])> {
    let n_contexts = dataset.contexts.len();
    let n_controls = (ALL_CONTROLS / n_contexts.max(1)).clamp(*CONTROLS.start(), *CONTROLS.end());
    let mut of_context = vec![Vec::new(); n_contexts];
    for (profile, key) in dataset.profiles.keys().iter().enumerate() {
        of_context[key.context as usize].push((profile, *key));
    }
    let (mut thresholds, mut chemical) = (Vec::with_capacity(n_contexts), [Vec::new(), Vec::new()]);
    for profiles in of_context {
        let draws = (0..2 * n_controls).into_par_iter().filter_map(|draw| {
            let profile = profiles.get(draw % n_controls * profiles.len() / n_controls)?;
            Some(place_shuffled(dataset, placement, *profile, draw as u64))
        });
        let mut controls: Vec<(Side, f32, Control)> = draws.collect::<Result<_>>()?;
        let others = controls.split_off(controls.len() / 2);
        let mut lengths: Vec<f32> = controls.iter().map(|(_, length, _)| *length).collect();
        lengths.sort_by(f32::total_cmp);
        let at = (lengths.len() as f64 * CONTROLS_BELOW) as usize;
        thresholds.push(lengths.get(at).copied().unwrap_or(f32::NAN));
        for (kept, controls) in chemical.iter_mut().zip([controls, others]) {
            let of_compounds = controls.into_iter().filter(|(side, _, _)| *side == Side::Chemical);
            kept.extend(of_compounds.map(|(_, _, control)| control));
        }
    }
    Ok((thresholds, chemical.map(|controls| some_of(&controls))))
}

/// At most [`MOST_KEPT`] controls, at equal distances.
fn some_of(controls: &[Control]) -> Vec<Control> {
    let n_kept = controls.len().min(MOST_KEPT);
    (0..n_kept).map(|i| controls[i * controls.len() / n_kept].clone()).collect()
}

/// Places a profile whose values are shuffled over the readouts that it has; returns its side and length.
fn place_shuffled(
    dataset: &Dataset,
    placement: &Placement,
    (profile, key): (usize, ProfileKey),
    control: u64,
) -> Result<(Side, f32, Control)> {
    let side = dataset.perturbations[key.perturbation as usize].side();
    let values = shuffle_profile(&dataset.profiles.row(profile), SEED ^ (control << 32));
    let placed = placement.place_measured(side, &[(key.context, &values)])?;
    Ok((side, placed.length, (key.context, values)))
}

/// The mean correlation between the profiles of each perturbation.
fn agreement(dataset: &Dataset) -> Vec<f32> {
    let mut own: HashMap<u32, Vec<usize>> = HashMap::new();
    for (profile, key) in dataset.profiles.keys().iter().enumerate() {
        own.entry(key.perturbation).or_default().push(profile);
    }
    let of_perturbation = |perturbation: u32| {
        let profiles = own.get(&perturbation).map_or(&[][..], Vec::as_slice);
        let rows: Vec<Vec<f32>> = profiles.iter().map(|p| dataset.profiles.row(*p)).collect();
        agreement_of(&rows)
    };
    (0..dataset.perturbations.len() as u32).into_par_iter().map(of_perturbation).collect()
}

/// Returns the correlation between profiles of one perturbation, averaged over pairs; NaN where none can be compared.
pub(crate) fn agreement_of<P: AsRef<[f32]>>(rows: &[P]) -> f32 {
    let pairs = rows.iter().enumerate().flat_map(|(i, a)| rows[..i].iter().map(move |b| (a, b)));
    let both = pairs.filter_map(|(a, b)| correlation_of_shared(a.as_ref(), b.as_ref()));
    let all: Vec<f64> = both.collect();
    (all.iter().sum::<f64>() / all.len() as f64) as f32
}

/// The correlation over the readouts that both profiles have; none of fewer than [`FEWEST_SHARED`].
fn correlation_of_shared(a: &[f32], b: &[f32]) -> Option<f64> {
    let both = a.iter().zip(b).filter(|(a, b)| !a.is_nan() && !b.is_nan());
    let both: Vec<(f64, f64)> = both.map(|(a, b)| (f64::from(*a), f64::from(*b))).collect();
    (both.len() >= FEWEST_SHARED).then(|| correlation(&both))
}

/// Returns Pearson's correlation of pairs; 0 where one side is constant or there are none.
pub(crate) fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len() as f64;
    let (mean_x, mean_y) =
        (pairs.iter().map(|p| p.0).sum::<f64>() / n, pairs.iter().map(|p| p.1).sum::<f64>() / n);
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        xx += (x - mean_x).powi(2);
        yy += (y - mean_y).powi(2);
        xy += (x - mean_x) * (y - mean_y);
    }
    let size = (xx * yy).sqrt();
    if size > 0.0 { xy / size } else { 0.0 }
}
