use xxhash_rust::xxh3::Xxh3;

use crate::dataset::{Dataset, Split};
use crate::error::{Error, Result};
use crate::experiment::PerturbationType;
use crate::model::bag::EmbeddingBag;

/// What a run may see of a dataset.
#[derive(Debug, Clone)]
pub(super) struct TrainingData<'a> {
    pub(super) dataset: &'a Dataset,
    pub(super) bag: &'a EmbeddingBag,
    /// Never seen, not even for validation.
    pub(super) excluded: &'a Split,
    /// Seen only to validate.
    pub(super) held_out: Split,
}

/// Which of a profile's values are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Training,
    HeldOut,
}

impl TrainingData<'_> {
    /// Writes the values of one part of a profile into `row`, NaN for all others.
    pub(super) fn copy_part(&self, profile: usize, part: Part, row: &mut [f32]) {
        self.dataset.profiles.copy_row(profile, row);
        if *self.excluded == Split::None && self.held_out == Split::None {
            return if part == Part::HeldOut {
                row.fill(f32::NAN)
            };
        }
        for (readout, value) in row.iter_mut().enumerate().filter(|(_, value)| !value.is_nan()) {
            let is_held_out = self.held_out.holds_out(profile, readout);
            if is_held_out != (part == Part::HeldOut) || self.excluded.holds_out(profile, readout) {
                *value = f32::NAN;
            }
        }
    }

    /// Returns (perturbation, context) of a profile.
    pub(super) fn pair(&self, profile: usize) -> (u32, u32) {
        let keys = self.dataset.profiles.keys();
        keys.get(profile).map_or((0, 0), |key| (key.perturbation, key.context))
    }

    pub(super) fn is_knockout(&self, profile: usize) -> bool {
        let perturbation = self.dataset.perturbations.get(self.pair(profile).0 as usize);
        perturbation.is_some_and(|p| p.perturbation_type() == PerturbationType::CrisprKnockout)
    }
}

/// Refuses datasets that cannot be trained on or whose parts do not fit together.
pub(super) fn require_trainable(dataset: &Dataset) -> Result<()> {
    let what = || format!("dataset `{}`", dataset.name);
    let refuse = |problem: &str| {
        Err(Error::data(
            what(),
            problem,
            "check the recipe and what `phenocopy build` reports of its files",
        ))
    };
    if dataset.profiles.n_profiles() == 0 || dataset.profiles.n_observed() == 0 {
        return refuse("it has no measured values to train on");
    }
    if dataset.profiles.n_readouts() != dataset.readouts.len() {
        return refuse("its profiles and its readouts differ in number");
    }
    let (n_perturbations, n_contexts) = (dataset.perturbations.len(), dataset.contexts.len());
    let is_known = |p: u32, c: u32| (p as usize) < n_perturbations && (c as usize) < n_contexts;
    if dataset.profiles.keys().iter().any(|key| !is_known(key.perturbation, key.context)) {
        return refuse("a profile belongs to a perturbation or context that is not listed");
    }
    Ok(())
}

/// Returns a hash of all that training sees of a dataset: names, keys, values, exclusions.
pub(super) fn fingerprint(dataset: &Dataset, excluded: &Split) -> String {
    let mut hash = Xxh3::new();
    let mut add_names = |names: &mut dyn Iterator<Item = String>| {
        names.for_each(|name| hash.update(format!("{name}\n").as_bytes()));
        hash.update(b"\n");
    };
    add_names(&mut dataset.perturbations.iter().map(ToString::to_string));
    add_names(&mut dataset.contexts.iter().map(ToString::to_string));
    add_names(&mut dataset.readouts.iter().map(ToString::to_string));
    add_names(&mut std::iter::once(format!("{excluded:?}")));
    let mut row = vec![f32::NAN; dataset.profiles.n_readouts()];
    for (profile, key) in dataset.profiles.keys().iter().enumerate() {
        hash.update(&key.perturbation.to_le_bytes());
        hash.update(&key.context.to_le_bytes());
        dataset.profiles.copy_row(profile, &mut row);
        hash.update(bytemuck::cast_slice(&row));
    }
    format!("{:032x}", hash.digest128())
}
