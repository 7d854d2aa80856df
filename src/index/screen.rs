use super::open::Index;
use super::placement::StoredPlacement;
use crate::dataset::{NormalisationStep, normalise_profile};
use crate::error::Result;
use crate::experiment::PerturbationType;

/// In which units the values of a profile come that was not trained on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProfileUnits {
    /// Those of their screen: they are normalised like the profiles that the index was trained on.
    #[default]
    Screen,
    /// They say already how each readout differs from what it usually shows, as sets of readouts do: of the screen's steps
    /// those are left out that take logarithms or subtract what readouts show on average.
    Relative,
    /// Those of the model: normalised already.
    Normalised,
}

impl ProfileUnits {
    /// Returns which of a screen's steps remain to be taken.
    fn steps(self, of_screen: &[NormalisationStep]) -> Vec<NormalisationStep> {
        let is_left = |step: &NormalisationStep| match self {
            Self::Screen => true,
            Self::Relative => {
                !matches!(step, NormalisationStep::Log | NormalisationStep::RemoveReadoutMean)
            }
            Self::Normalised => false,
        };
        of_screen.iter().copied().filter(is_left).collect()
    }
}

/// A context of an index as a profile meets it that was not trained on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KnownScreen<'a> {
    /// Its place among the contexts of the model.
    pub(crate) position: u32,
    /// The context.
    pub(crate) name: &'a str,
    /// What was measured in it; compounds where no recipe tells.
    pub(crate) perturbation_type: PerturbationType,
    steps: Vec<NormalisationStep>,
    removed_means: &'a [f32],
}

impl<'a> KnownScreen<'a> {
    /// Returns the contexts that a placement knows, in its order, for profiles in these units.
    #[must_use]
    pub(crate) fn all(
        index: &'a Index,
        stored: &'a StoredPlacement,
        units: ProfileUnits,
    ) -> Vec<Self> {
        let recipe = index.manifest().recipe.as_ref();
        let all = stored.contexts.iter().zip(&stored.removed_means).zip(0..);
        let screen = |((name, removed_means), position): ((&'a String, &'a Vec<f32>), u32)| {
            let assay = recipe.and_then(|recipe| recipe.assay_of(name));
            let perturbation_type =
                assay.map_or(PerturbationType::Compound, |assay| assay.perturbation_type);
            let steps = match recipe.zip(assay) {
                Some((recipe, assay)) => units.steps(recipe.steps(assay)),
                None => Vec::new(),
            };
            Self { position, name, perturbation_type, steps, removed_means }
        };
        all.map(screen).collect()
    }

    /// Returns whether profiles are normalised here.
    #[must_use]
    pub(crate) fn normalises(&self) -> bool {
        !self.steps.is_empty()
    }

    /// Returns the values of a profile, NaN for missing, as the model knows them.
    ///
    /// # Errors
    /// When a value cannot be normalised.
    pub(crate) fn normalise(&self, raw: &[f32]) -> Result<Vec<f32>> {
        normalise_profile(raw.to_vec(), &self.steps, self.removed_means)
    }
}
