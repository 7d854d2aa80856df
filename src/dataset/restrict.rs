use super::assemble::Dataset;
use super::profiles::{ProfileKey, Profiles, StorageLimits};
use super::split::Split;
use crate::error::{Error, Result};

impl Dataset {
    /// Returns the part of the dataset made of some profiles: what a smaller collection of screens
    /// would hold. Perturbations that are left without a profile are left out; contexts and readouts stay.
    ///
    /// Values that `hidden` holds out (positions are those of this dataset) are missing in the part.
    /// Values keep the normalisation of the whole.
    ///
    /// # Errors
    /// When no profile is left or the part cannot be stored.
    pub fn restrict(&self, keep: impl Fn(ProfileKey) -> bool, hidden: &Split) -> Result<Self> {
        let keys = self.profiles.keys().iter().copied().enumerate();
        let kept: Vec<(usize, ProfileKey)> = keys.filter(|(_, key)| keep(*key)).collect();
        if kept.is_empty() {
            let what = format!("dataset `{}`", self.name);
            return Err(Error::data(what, "no profile is left of it", "keep a larger part"));
        }
        let mut new_positions = vec![None; self.perturbations.len()];
        let mut rows = Vec::new();
        for (_, key) in &kept {
            let position = &mut new_positions[key.perturbation as usize];
            if position.is_none() {
                *position = Some(rows.len() as u32);
                rows.push(key.perturbation as usize);
            }
        }
        let moved = |key: ProfileKey| ProfileKey {
            perturbation: new_positions[key.perturbation as usize].unwrap_or_default(),
            ..key
        };
        let keys = kept.iter().map(|(_, key)| moved(*key)).collect();
        let n_readouts = self.readouts.len();
        let profiles = Profiles::collect(keys, n_readouts, StorageLimits::default(), |at, row| {
            if let Some((profile, _)) = kept.get(at) {
                self.profiles.copy_row(*profile, row);
                for (readout, value) in row.iter_mut().enumerate() {
                    if hidden.holds_out(*profile, readout) {
                        *value = f32::NAN;
                    }
                }
            }
            Ok(())
        })?;
        let spread = kept.iter().map(|(profile, _)| self.spread.get(*profile).copied());
        Ok(Self {
            name: self.name.clone(),
            perturbations: rows.iter().map(|row| self.perturbations[*row].clone()).collect(),
            annotations: rows.iter().map(|row| self.annotations[*row].clone()).collect(),
            contexts: self.contexts.clone(),
            readouts: self.readouts.clone(),
            readout_annotations: self.readout_annotations.clone(),
            spread: spread.map(Option::unwrap_or_default).collect(),
            removed_means: self.removed_means.clone(),
            recipe: self.recipe.clone(),
            inputs: self.inputs.clone(),
            report: self.report.clone(),
            profiles,
        })
    }
}
