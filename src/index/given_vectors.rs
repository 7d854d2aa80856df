use super::builder::IndexBuilder;
use super::calibration::{MeasuredActivity, PlacedProfiles};
use super::describe::describe;
use super::provenance::Provenance;
use super::vector_space::VectorSpace;
use crate::dataset::{Dataset, ProfileKey};
use crate::embedding::Centring;
use crate::error::{Error, Result};
use crate::experiment::{Perturbation, Side};

/// How given vectors are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GivenVectors {
    /// As deviations from the mean of their context, averaged over contexts, then from the mean of their side: what is
    /// common to all compounds, to all genes or to a batch says nothing of mechanism.
    #[default]
    Centred,
    /// As they are, averaged over contexts: where another program centred them already.
    AsTheyAre,
}

impl GivenVectors {
    /// A vector less the means of its context, or as it is, with the mean where a number is missing.
    pub(super) fn deviation(self, values: &[f32], means: &[f32]) -> Vec<f32> {
        let of_value = |(value, mean): (&f32, &f32)| match (self, value.is_nan()) {
            (Self::Centred, true) => 0.0,
            (Self::Centred, false) => value - mean,
            (Self::AsTheyAre, true) => *mean,
            (Self::AsTheyAre, false) => *value,
        };
        values.iter().zip(means).map(of_value).collect()
    }
}

impl IndexBuilder<'_> {
    /// Takes the profiles of a dataset for vectors: embeddings that another model trained, or features that were
    /// measured, such as Cell Painting. Readouts are their dimensions; a missing value counts as the mean of its
    /// context.
    ///
    /// The index has no model: it predicts no responses and places no signatures. Hits carry statistics; the support of
    /// a hit is known for perturbations that have several profiles.
    ///
    /// # Errors
    /// When a vector is zero once centred; its row is named.
    pub fn from_vectors(dataset: &Dataset, given: GivenVectors) -> Result<Self> {
        let sides: Vec<Side> = dataset.perturbations.iter().map(|p| p.side()).collect();
        let dim = dataset.readouts.len();
        let means = context_means(dataset);
        let profiles = deviations(dataset, given, &means);
        let averaged = average(dataset, &profiles);
        let centring = match given {
            GivenVectors::Centred => Centring::fit(std::slice::from_ref(&averaged), dim, &sides)?,
            GivenVectors::AsTheyAre => Centring::from_means(dim, vec![0.0; dim], vec![0.0; dim])?,
        };
        let named = |error: Error| zero_vector(dataset, &averaged, &centring).unwrap_or(error);
        let embeddings = centring.join(std::slice::from_ref(&averaged), &sides).map_err(named)?;
        let measured = MeasuredActivity {
            profiles: place(dataset, &profiles, &centring),
            ..MeasuredActivity::default()
        };
        let space = VectorSpace::new(dataset, given, means, centring);
        Ok(Self::new(dataset.name.clone(), embeddings, describe(dataset))?
            .space(Some(space))
            .activity(measured)
            .provenance(provenance(dataset, given)))
    }
}

/// The profiles, row-major, missing values replaced: less the mean of their context, or as they are.
fn deviations(dataset: &Dataset, given: GivenVectors, means: &[f32]) -> Vec<f32> {
    let dim = dataset.readouts.len();
    let mut all = Vec::with_capacity(dataset.profiles.n_profiles() * dim);
    for (profile, key) in dataset.profiles.keys().iter().enumerate() {
        let means = &means[key.context as usize * dim..(key.context as usize + 1) * dim];
        all.extend(given.deviation(&dataset.profiles.row(profile), means));
    }
    all
}

/// The mean of each dimension over the profiles of each context, row-major; of one profile 0, as it has no deviation.
fn context_means(dataset: &Dataset) -> Vec<f32> {
    let dim = dataset.readouts.len();
    let mut sums = vec![(0.0_f64, 0_u32); dataset.contexts.len() * dim];
    let mut n_profiles = vec![0_u32; dataset.contexts.len()];
    for (profile, key) in dataset.profiles.keys().iter().enumerate() {
        n_profiles[key.context as usize] += 1;
        let sums = &mut sums[key.context as usize * dim..][..dim];
        for (sum, value) in sums.iter_mut().zip(dataset.profiles.row(profile)) {
            if !value.is_nan() {
                *sum = (sum.0 + f64::from(value), sum.1 + 1);
            }
        }
    }
    let mean = |(at, (sum, n)): (usize, (f64, u32))| match n_profiles[at / dim] > 1 && n > 0 {
        true => (sum / f64::from(n)) as f32,
        false => 0.0,
    };
    sums.into_iter().enumerate().map(mean).collect()
}

/// The mean of each perturbation's profiles, row-major.
fn average(dataset: &Dataset, profiles: &[f32]) -> Vec<f32> {
    let dim = dataset.readouts.len();
    let mut sums = vec![0.0_f64; dataset.perturbations.len() * dim];
    let mut counts = vec![0_u32; dataset.perturbations.len()];
    for (key, profile) in dataset.profiles.keys().iter().zip(profiles.chunks_exact(dim)) {
        let owner = key.perturbation as usize;
        counts[owner] += 1;
        let sums = sums[owner * dim..].iter_mut();
        sums.zip(profile).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    let mean = |(at, sum): (usize, f64)| (sum / f64::from(counts[at / dim].max(1))) as f32;
    sums.into_iter().enumerate().map(mean).collect()
}

/// Each profile by itself; those that are zero once centred are left out.
fn place(dataset: &Dataset, profiles: &[f32], centring: &Centring) -> PlacedProfiles {
    let dim = dataset.readouts.len();
    let mut placed = PlacedProfiles::default();
    for (key, profile) in dataset.profiles.keys().iter().zip(profiles.chunks_exact(dim)) {
        let ProfileKey { perturbation, .. } = *key;
        let side = dataset.perturbations[perturbation as usize].side();
        if let Ok(vector) = centring.apply(side, &[profile], perturbation as usize) {
            placed.owners.push(perturbation);
            placed.vectors.extend(vector);
        }
    }
    placed
}

/// Names the first perturbation whose vector says nothing.
fn zero_vector(dataset: &Dataset, averaged: &[f32], centring: &Centring) -> Option<Error> {
    let rows = dataset.perturbations.iter().zip(averaged.chunks_exact(dataset.readouts.len()));
    let is_zero = |p: &Perturbation, v: &[f32]| centring.apply(p.side(), &[v], 0).is_err();
    let (perturbation, _) = rows.into_iter().find(|(p, v)| is_zero(p, v))?;
    let problem = "its vector is that of the mean of its side, or zero: it has no direction";
    let advice = "remove it, or say that the vectors are compared as they are";
    Some(Error::data(format!("`{}`", perturbation.symbol()), problem, advice))
}

fn provenance(dataset: &Dataset, given: GivenVectors) -> Provenance {
    let how = match given {
        GivenVectors::Centred => "centred per context and side",
        GivenVectors::AsTheyAre => "as they are",
    };
    let mut notes = dataset.report.sentences();
    notes.push(format!("vectors were given, not trained here, and are compared {how}"));
    Provenance {
        recipe: Some(dataset.recipe.clone()),
        inputs: dataset.inputs.clone(),
        notes,
        contexts: dataset.contexts.iter().map(|context| context.0.clone()).collect(),
        readouts: dataset.readouts.len(),
        profiles: dataset.profiles.n_profiles(),
        observations: dataset.profiles.n_observed(),
        ..Provenance::default()
    }
}
