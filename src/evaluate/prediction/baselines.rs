use std::collections::BTreeMap;

use crate::dataset::{Dataset, Entries, Split};
use crate::error::Result;

use super::evaluation::Predictor;
use super::soft_impute::{SoftImpute, SoftImputeConfig};

/// Sweeps of the additive fit: it converges geometrically, and stops earlier when nothing moves.
const MAX_SWEEPS: usize = 200;

/// The simple predictors every model is compared with, fitted on training entries only.
///
/// A method leaves NaN where it has no answer; the evaluation then puts the readout's mean.
#[derive(Debug)]
pub struct PredictionBaselines<'a> {
    dataset: &'a Dataset,
    values: Entries,
    global_mean: f32,
    readout_means: Vec<f32>,
    additive: Additive,
    soft_impute: SoftImpute,
    /// Profiles of each perturbation, by position in the vocabulary.
    profiles_of: BTreeMap<u32, Vec<usize>>,
}

/// `ŷ = p_P + r_R`, least squares over training entries.
#[derive(Debug)]
struct Additive {
    perturbation: Vec<f64>,
    readout: Vec<f64>,
}

impl<'a> PredictionBaselines<'a> {
    /// Fits all baselines on what `split` does not hold out.
    ///
    /// # Errors
    /// When the low-rank fit fails.
    pub fn fit(dataset: &'a Dataset, split: &Split, config: &SoftImputeConfig) -> Result<Self> {
        let mut profiles_of: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (profile, key) in dataset.profiles.keys().iter().enumerate() {
            profiles_of.entry(key.perturbation).or_default().push(profile);
        }
        let values = Entries::of(dataset, split);
        let (readout_means, global_mean) = values.readout_means(dataset.readouts.len());
        Ok(Self {
            dataset,
            global_mean,
            readout_means,
            additive: Additive::fit(dataset, &values),
            soft_impute: SoftImpute::fit_values(dataset, &values, config)?,
            profiles_of,
            values,
        })
    }

    /// Returns each readout's mean over training entries; the overall mean where it has none.
    #[must_use]
    pub fn readout_means(&self) -> &[f32] {
        &self.readout_means
    }

    /// Returns what the low-rank fit chose.
    #[must_use]
    pub fn soft_impute(&self) -> &SoftImpute {
        &self.soft_impute
    }

    /// Returns name and predictor of each baseline, simplest first.
    #[must_use]
    pub fn predictors(&self) -> Vec<(&'static str, Box<Predictor<'_>>)> {
        vec![
            ("global mean", Box::new(|_, out: &mut [f32]| out.fill(self.global_mean))),
            ("readout mean", Box::new(|_, out| out.copy_from_slice(&self.readout_means))),
            ("perturbation mean", Box::new(|profile, out| self.predict_perturbation(profile, out))),
            ("additive", Box::new(|profile, out| self.predict_additive(profile, out))),
            ("soft-impute", Box::new(|profile, out| self.predict_low_rank(profile, out))),
            ("other context", Box::new(|profile, out| self.predict_other(profile, out))),
        ]
    }

    /// Returns the profiles of the same perturbation in other contexts.
    fn others(&self, profile: usize) -> impl Iterator<Item = usize> + '_ {
        let keys = self.dataset.profiles.keys();
        let own = keys[profile];
        let all = self.profiles_of.get(&own.perturbation).into_iter().flatten().copied();
        all.filter(move |other| keys[*other].context != own.context)
    }

    fn predict_perturbation(&self, profile: usize, out: &mut [f32]) {
        let values = || self.others(profile).flat_map(|other| self.values.row(other));
        let (sum, count) =
            (values().map(|(_, value)| f64::from(*value)).sum::<f64>(), values().count());
        out.fill(if count > 0 { (sum / count as f64) as f32 } else { f32::NAN });
    }

    fn predict_additive(&self, profile: usize, out: &mut [f32]) {
        let perturbation = self.dataset.profiles.keys()[profile].perturbation as usize;
        let own = self.additive.perturbation[perturbation];
        for (value, readout) in out.iter_mut().zip(&self.additive.readout) {
            *value = (own + readout) as f32;
        }
    }

    /// A profile without any training entry gets the mean of its perturbation's fitted rows elsewhere.
    fn predict_low_rank(&self, profile: usize, out: &mut [f32]) {
        if !self.values.row(profile).is_empty() {
            return self.soft_impute.predict(profile, out);
        }
        let mut row = vec![0.0; out.len()];
        self.average(profile, out, |other| {
            self.soft_impute.predict(other, &mut row);
            (0..).zip(row.iter().copied()).collect()
        });
    }

    /// The measured training values of the same perturbation, averaged over its other contexts.
    fn predict_other(&self, profile: usize, out: &mut [f32]) {
        self.average(profile, out, |other| self.values.row(other).to_vec());
    }

    /// Averages rows of readouts and values over the other contexts that have training values.
    fn average(
        &self,
        profile: usize,
        out: &mut [f32],
        mut row: impl FnMut(usize) -> Vec<(u32, f32)>,
    ) {
        let mut counts = vec![0_u16; out.len()];
        out.fill(0.0);
        for other in self.others(profile).filter(|other| !self.values.row(*other).is_empty()) {
            for (readout, value) in row(other) {
                out[readout as usize] += value;
                counts[readout as usize] += 1;
            }
        }
        for (sum, count) in out.iter_mut().zip(counts) {
            *sum = if count > 0 { *sum / f32::from(count) } else { f32::NAN };
        }
    }
}

impl Additive {
    /// Alternates exact least squares of both effects until neither moves by more than 1e-7.
    fn fit(dataset: &Dataset, values: &Entries) -> Self {
        let mut fit = Self {
            perturbation: vec![0.0; dataset.perturbations.len()],
            readout: vec![0.0; dataset.readouts.len()],
        };
        for _ in 0..MAX_SWEEPS {
            if fit.sweep(dataset, values) < 1e-7 {
                break;
            }
        }
        fit
    }

    /// Returns the largest change.
    fn sweep(&mut self, dataset: &Dataset, values: &Entries) -> f64 {
        let keys = dataset.profiles.keys();
        let left_by_readouts = values.with_keys(keys).map(|(key, readout, value)| {
            (key.perturbation as usize, f64::from(value) - self.readout[readout])
        });
        let means = means_of(left_by_readouts, self.perturbation.len());
        let moved = replace(&mut self.perturbation, means);
        let left_by_perturbations = values.with_keys(keys).map(|(key, readout, value)| {
            (readout, f64::from(value) - self.perturbation[key.perturbation as usize])
        });
        let means = means_of(left_by_perturbations, self.readout.len());
        moved.max(replace(&mut self.readout, means))
    }
}

fn means_of(values: impl Iterator<Item = (usize, f64)>, n_slots: usize) -> Vec<f64> {
    let mut sums = vec![(0.0, 0_u32); n_slots];
    for (slot, value) in values {
        sums[slot].0 += value;
        sums[slot].1 += 1;
    }
    sums.into_iter().map(|(sum, count)| sum / f64::from(count.max(1))).collect()
}

fn replace(old: &mut Vec<f64>, new: Vec<f64>) -> f64 {
    let moved = old.iter().zip(&new).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    *old = new;
    moved
}
