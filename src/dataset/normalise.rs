use serde::{Deserialize, Serialize};

use super::profiles::{ProfileKey, Profiles, StorageLimits};
use crate::error::{Error, Result};

/// A named function on the profiles of one assay; a recipe lists them in the order of application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NormalisationStep {
    /// Natural logarithm of each value.
    Log,
    /// Changes the sign of each value, for assays in which higher means more effect.
    Negate,
    /// Subtracts each profile's median.
    MedianCentre,
    /// Subtracts each profile's mean.
    MeanCentre,
    /// Subtracts each readout's mean over the assay's profiles.
    RemoveReadoutMean,
    /// Divides each profile by its standard deviation (n − 1).
    UnitSpread,
    /// Divides each profile by its root mean square: for sparse profiles, whose zero means something.
    UnitScale,
    /// Limits values to ±10.
    Clip,
}

impl NormalisationStep {
    /// Returns its name in recipes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Negate => "negate",
            Self::MedianCentre => "median-centre",
            Self::MeanCentre => "mean-centre",
            Self::RemoveReadoutMean => "remove-readout-mean",
            Self::UnitSpread => "unit-spread",
            Self::UnitScale => "unit-scale",
            Self::Clip => "clip",
        }
    }
}

/// Bound of [`NormalisationStep::Clip`]: ten spreads, far outside what any screen measures reliably.
const CLIP: f32 = 10.0;

/// The profiles of one assay on their way to the dataset.
///
/// # Shapes
/// `values` is `n_profiles × n_readouts`, NaN for missing.
pub(super) struct AssayMatrix {
    pub(super) n_readouts: usize,
    pub(super) values: Vec<f32>,
}

/// Normalised profiles and what they were divided by.
pub(super) struct Normalised {
    pub(super) matrix: AssayMatrix,
    /// Per profile: the spread before scaling, in the assay's units; 0 where it has none.
    pub(super) spread: Vec<f32>,
    /// The readouts' means that were subtracted, once per such step.
    pub(super) removed_means: Vec<f32>,
}

impl Normalised {
    /// Moves the values to where the limits want them; beside them, the spread and the removed means.
    pub(super) fn store(self, limits: StorageLimits) -> Result<(Profiles, Vec<f32>, Vec<f32>)> {
        let keys = 0..self.spread.len() as u32;
        let keys = keys.map(|perturbation| ProfileKey { perturbation, context: 0 }).collect();
        let n_readouts = self.matrix.n_readouts;
        let profiles = Profiles::collect(keys, n_readouts, limits, |profile, row| {
            let start = profile * n_readouts;
            if let Some(values) = self.matrix.values.get(start..start + n_readouts) {
                row.copy_from_slice(values);
            }
            Ok(())
        })?;
        Ok((profiles, self.spread, self.removed_means))
    }
}

impl AssayMatrix {
    pub(super) fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.n_readouts.max(1))
    }

    fn rows_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.values.chunks_exact_mut(self.n_readouts.max(1))
    }
}

/// Applies `steps` in order; constants come from entries for which `trains(profile, readout)`.
///
/// A profile with fewer than two training entries (held out as a whole) takes its centre and spread
/// from its own values: it has no other units.
pub(super) fn normalise(
    mut matrix: AssayMatrix,
    steps: &[NormalisationStep],
    what: &str,
    trains: impl Fn(usize, usize) -> bool,
) -> Result<Normalised> {
    let (mut spread, mut removed_means) = (None, Vec::new());
    for step in steps {
        match step {
            NormalisationStep::Log => logarithm(&mut matrix, what)?,
            NormalisationStep::Negate => {
                matrix.values.iter_mut().for_each(|value| *value = -*value)
            }
            NormalisationStep::MedianCentre => centre(&mut matrix, &trains, median),
            NormalisationStep::MeanCentre => centre(&mut matrix, &trains, mean),
            NormalisationStep::RemoveReadoutMean => {
                let means = readout_means(&matrix, &trains);
                subtract(&mut matrix, &means);
                removed_means.extend(means);
            }
            NormalisationStep::UnitSpread => {
                spread.get_or_insert(scale(&mut matrix, &trains, standard_deviation));
            }
            NormalisationStep::UnitScale => {
                spread.get_or_insert(scale(&mut matrix, &trains, root_mean_square));
            }
            NormalisationStep::Clip => {
                matrix.values.iter_mut().for_each(|value| *value = value.clamp(-CLIP, CLIP));
            }
        }
    }
    let spread = spread.unwrap_or_else(|| {
        let spread = |(profile, row)| {
            let size = standard_deviation(&training(row, profile, &trains));
            if has_size(size, row) { size as f32 } else { 0.0 }
        };
        matrix.rows().enumerate().map(spread).collect()
    });
    Ok(Normalised { matrix, spread, removed_means })
}

/// Normalises one profile by the steps of a context whose readouts' means are known.
///
/// # Shapes
/// `values`: one per readout, NaN for missing; `removed_means`: as many per
/// [`NormalisationStep::RemoveReadoutMean`] among the steps.
///
/// # Errors
/// When a value has no logarithm where the steps ask for one.
pub fn normalise_profile(
    values: Vec<f32>,
    steps: &[NormalisationStep],
    removed_means: &[f32],
) -> Result<Vec<f32>> {
    let n_readouts = values.len();
    let mut matrix = AssayMatrix { n_readouts, values };
    let mut means = removed_means.chunks_exact(n_readouts.max(1));
    for step in steps {
        if *step == NormalisationStep::RemoveReadoutMean {
            subtract(&mut matrix, means.next().unwrap_or_default());
        } else {
            matrix = normalise(matrix, &[*step], "signature", |_, _| true)?.matrix;
        }
    }
    Ok(matrix.values)
}

fn logarithm(matrix: &mut AssayMatrix, what: &str) -> Result<()> {
    if let Some(value) = matrix.values.iter().find(|value| **value <= 0.0) {
        let advice = "remove the step `log` from the recipe, or correct the values";
        return Err(Error::data(what, format!("has no logarithm of the value {value}"), advice));
    }
    matrix.values.iter_mut().for_each(|value| *value = value.ln());
    Ok(())
}

fn centre(
    matrix: &mut AssayMatrix,
    trains: &impl Fn(usize, usize) -> bool,
    centre_of: fn(&[f64]) -> f64,
) {
    for (profile, row) in matrix.rows_mut().enumerate() {
        let middle = centre_of(&training(row, profile, trains));
        row.iter_mut().for_each(|value| *value = (f64::from(*value) - middle) as f32);
    }
}

/// The mean of each readout's training values; 0 without any: knowing nothing moves nothing.
fn readout_means(matrix: &AssayMatrix, trains: &impl Fn(usize, usize) -> bool) -> Vec<f32> {
    let mut sums = vec![(0.0_f64, 0_usize); matrix.n_readouts];
    for (profile, row) in matrix.rows().enumerate() {
        for ((readout, value), (sum, count)) in row.iter().enumerate().zip(&mut sums) {
            if !value.is_nan() && trains(profile, readout) {
                *sum += f64::from(*value);
                *count += 1;
            }
        }
    }
    sums.iter().map(|(sum, count)| (sum / (*count).max(1) as f64) as f32).collect()
}

fn subtract(matrix: &mut AssayMatrix, means: &[f32]) {
    for row in matrix.rows_mut() {
        row.iter_mut().zip(means).for_each(|(value, mean)| *value -= mean);
    }
}

/// Divides each profile by its size and returns the sizes; a profile without size is left as it is.
fn scale(
    matrix: &mut AssayMatrix,
    trains: &impl Fn(usize, usize) -> bool,
    size_of: fn(&[f64]) -> f64,
) -> Vec<f32> {
    let mut sizes = Vec::with_capacity(matrix.values.len() / matrix.n_readouts.max(1));
    for (profile, row) in matrix.rows_mut().enumerate() {
        let mut size = size_of(&training(row, profile, trains));
        if !has_size(size, row) {
            size = size_of(&measured(row));
        }
        let is_sized = has_size(size, row);
        sizes.push(if is_sized { size as f32 } else { 0.0 });
        if is_sized {
            row.iter_mut().for_each(|value| *value = (f64::from(*value) / size) as f32);
        }
    }
    sizes
}

/// Returns whether a spread is more than the rounding error of the row's values.
fn has_size(size: f64, row: &[f32]) -> bool {
    let largest = row.iter().filter(|value| !value.is_nan()).fold(0.0, |m: f32, v| m.max(v.abs()));
    size.is_finite() && size > f64::from(largest) * f64::from(f32::EPSILON)
}

/// Returns a row's training values; all its values if fewer than two of them train.
fn training(row: &[f32], profile: usize, trains: &impl Fn(usize, usize) -> bool) -> Vec<f64> {
    let entries = row.iter().enumerate().filter(|(_, value)| !value.is_nan());
    let kept = entries.filter(|(readout, _)| trains(profile, *readout));
    let kept: Vec<f64> = kept.map(|(_, value)| f64::from(*value)).collect();
    if kept.len() < 2 { measured(row) } else { kept }
}

fn measured(row: &[f32]) -> Vec<f64> {
    row.iter().filter(|value| !value.is_nan()).map(|value| f64::from(*value)).collect()
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Returns the median, of an even number the mean of both middle ones; NaN of nothing. Cost `O(n)`.
pub(crate) fn median(values: &[f64]) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    let mut values = values.to_vec();
    let is_even = values.len().is_multiple_of(2);
    let middle = values.len() / 2;
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if !is_even {
        return *upper;
    }
    let lower = below.iter().copied().max_by(f64::total_cmp);
    (*upper + lower.unwrap_or(*upper)) / 2.0
}

fn standard_deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() as f64 - 1.0)).sqrt()
}

fn root_mean_square(values: &[f64]) -> f64 {
    (values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_number_of_values_has_the_mean_of_both_middle_ones_as_median() {
        assert!((median(&[4.0, 1.0, 3.0, 2.0]) - 2.5).abs() < 1e-12);
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-12);
        assert!(median(&[]).is_nan());
    }

    const NAN: f32 = f32::NAN;

    fn run(values: &[f32], n_readouts: usize, steps: &[NormalisationStep]) -> Normalised {
        let matrix = AssayMatrix { n_readouts, values: values.to_vec() };
        normalise(matrix, steps, "assay", |_, _| true).unwrap()
    }

    fn assert_close(received: &[f32], expected: &[f32]) {
        for (a, b) in received.iter().zip(expected) {
            assert!((a - b).abs() < 1e-6 || (a.is_nan() && b.is_nan()), "{received:?}");
        }
    }

    #[test]
    fn the_reference_steps_give_the_values_worked_out_by_hand() {
        use NormalisationStep::{MedianCentre, RemoveReadoutMean, UnitSpread};
        // medians 2 and 5; centred (-1 0 4), (-3 3 NaN); readout means -2, 1.5, 4;
        // removed (1 -1.5 0), (-1 1.5 NaN); standard deviations sqrt(19/12) and sqrt(3.125).
        let values = [1.0, 2.0, 6.0, 2.0, 8.0, NAN];
        let done = run(&values, 3, &[MedianCentre, RemoveReadoutMean, UnitSpread]);
        let (a, b) = ((19.0_f32 / 12.0).sqrt(), 3.125_f32.sqrt());
        assert_close(&done.spread, &[a, b]);
        assert_close(&done.matrix.values, &[1.0 / a, -1.5 / a, 0.0, -1.0 / b, 1.5 / b, NAN]);
    }

    #[test]
    fn small_units_are_no_lack_of_size() {
        let done = run(&[5.1e-8, 3.9e-8, 6.2e-8], 3, &[NormalisationStep::UnitSpread]);
        assert!(done.spread[0] > 0.0, "{:?}", done.spread);
        assert!(done.matrix.values.iter().all(|value| *value > 1.0), "{:?}", done.matrix.values);
    }

    #[test]
    fn a_constant_profile_has_no_size() {
        let done = run(&[3.1, 3.1, 3.1], 3, &[NormalisationStep::UnitSpread]);
        assert_close(&done.spread, &[0.0]);
        assert_close(&done.matrix.values, &[3.1, 3.1, 3.1]);
    }

    #[test]
    fn held_out_values_do_not_move_the_constants() {
        let constants = |held: f32| {
            let matrix = AssayMatrix { n_readouts: 4, values: vec![1.0, 2.0, 3.0, held] };
            let steps = [NormalisationStep::MedianCentre, NormalisationStep::UnitSpread];
            normalise(matrix, &steps, "assay", |_, readout| readout < 3).unwrap().matrix.values
        };
        assert_close(&constants(50.0)[..3], &constants(-7.0)[..3]);
        assert_close(&constants(4.0), &[-1.0, 0.0, 1.0, 2.0]);
    }

    #[test]
    fn logarithms_of_what_is_not_positive_are_refused() {
        let matrix = AssayMatrix { n_readouts: 2, values: vec![1.0, 0.0] };
        let error = normalise(matrix, &[NormalisationStep::Log], "assay `A`", |_, _| true).err();
        assert!(error.unwrap().to_string().contains("remove the step `log`"));
    }
}
