use std::borrow::Cow;

use super::summary::AddedBy;
use crate::dataset::{Dataset, NormalisationStep, Recipe};
use crate::embedding::Placed;
use crate::error::{Error, Result};
use crate::experiment::{PerturbationType, Side};
use crate::index::{
    FEWEST_READOUTS, Index, KnownScreen, ProfileUnits, ReadoutNames, StoredPlacement, VectorSpace,
};
use crate::table::lookup_key;

/// How profiles become vectors of an index.
pub(super) enum Way<'a> {
    /// By the frozen weights of its model.
    FoldIn { index: &'a Index, stored: &'a StoredPlacement, screens: Vec<KnownScreen<'a>> },
    /// They are vectors of its space, but for their centres.
    Given { index: &'a Index, space: VectorSpace },
}

impl<'a> Way<'a> {
    pub(super) fn of(index: &'a Index, units: ProfileUnits) -> Result<Self> {
        if let Some(stored) = index.placement()? {
            let screens = KnownScreen::all(index, stored, units);
            return Ok(Self::FoldIn { index, stored, screens });
        }
        let what = format!("index `{}`", index.manifest().name);
        match index.vector_space()? {
            Some(_) if units == ProfileUnits::Normalised => {
                let problem = "it is of given vectors, which are not normalised here";
                Err(Error::data(what, problem, "leave `--normalised` out"))
            }
            Some(space) => Ok(Self::Given { index, space }),
            None => Err(Error::data(
                what,
                "it cannot place new rows: it holds no weights of a product head, nor how given vectors were centred",
                "build it with `phenocopy build` and the default head, or `phenocopy index` its vectors again, and add to that",
            )),
        }
    }

    pub(super) fn by(&self) -> AddedBy {
        match self {
            Self::FoldIn { .. } => AddedBy::FoldIn,
            Self::Given { .. } => AddedBy::Given,
        }
    }

    /// What the readouts, or dimensions, are called.
    pub(super) fn readout_names(&self) -> Cow<'_, ReadoutNames> {
        match self {
            Self::FoldIn { index, stored, .. } => ReadoutNames::of_model(index, &stored.readouts),
            Self::Given { space, .. } => {
                Cow::Owned(ReadoutNames::new(space.dimensions.clone(), Vec::new()))
            }
        }
    }

    /// Readouts that a profile must have.
    pub(super) fn fewest(&self) -> usize {
        match self {
            Self::FoldIn { .. } => FEWEST_READOUTS,
            // A missing number counts as the mean of its context; of a vector most must be there.
            Self::Given { space, .. } => FEWEST_READOUTS.min(space.dimensions.len().div_ceil(2)),
        }
    }

    fn contexts(&self) -> &[String] {
        match self {
            Self::FoldIn { stored, .. } => &stored.contexts,
            Self::Given { space, .. } => &space.contexts,
        }
    }

    /// The position and the name of a context of the index.
    pub(super) fn context(&self, wanted: &str) -> Result<(u32, String)> {
        let mut all = (0..).zip(self.contexts());
        let found = all.find(|(_, name)| lookup_key(name) == lookup_key(wanted));
        found.map(|(at, name)| (at, name.clone())).ok_or_else(|| {
            let problem = "it is no context of the index";
            let all = self.contexts().join(", ");
            let advice = format!("say in which one of {all} it was measured, with `--context`");
            Error::data(format!("context `{wanted}`"), problem, advice)
        })
    }

    /// What was measured in a context, where that is known.
    pub(super) fn measured_in(&self, context: u32) -> Option<PerturbationType> {
        match self {
            Self::FoldIn { screens, .. } => {
                screens.get(context as usize).map(|screen| screen.perturbation_type)
            }
            Self::Given { .. } => None,
        }
    }

    /// Refuses profiles that would be normalised twice, or by other steps than the index's.
    pub(super) fn check_steps(&self, dataset: &Dataset, units: ProfileUnits) -> Result<()> {
        let own = |recipe: &'_ Recipe, context: &str| -> Vec<NormalisationStep> {
            let assay = recipe.assay_of(context);
            assay.map_or_else(Vec::new, |assay| recipe.steps(assay).to_vec())
        };
        for context in &dataset.contexts {
            let steps = own(&dataset.recipe, &context.0);
            let (is_wrong, problem, advice) = match self {
                Self::FoldIn { .. } => (
                    units == ProfileUnits::Screen && !steps.is_empty(),
                    "its recipe normalises it by itself, and the index would do so again",
                    "leave `normalisation` out of the recipe: it is done as in the index; or say `--normalised`",
                ),
                Self::Given { index, .. } => {
                    let (_, name) = self.context(&context.0)?;
                    let recipe = index.manifest().recipe.as_ref();
                    let theirs = recipe.map_or_else(Vec::new, |recipe| own(recipe, &name));
                    let problem =
                        "its values were not normalised by the steps of the index's recipe";
                    (steps != theirs, problem, "add them by a recipe with the same `normalisation`")
                }
            };
            if is_wrong {
                return Err(Error::data(format!("context `{}`", context.0), problem, advice));
            }
        }
        Ok(())
    }

    /// The values of a profile as the model knows them.
    pub(super) fn normalise(&self, context: u32, raw: Vec<f32>) -> Result<Vec<f32>> {
        match self {
            Self::FoldIn { screens, .. } => match screens.get(context as usize) {
                Some(screen) => screen.normalise(&raw),
                None => {
                    let problem = "no screen of the index is measured in it";
                    let advice = "name one of the index's contexts";
                    Err(Error::data(format!("context {context}"), problem, advice))
                }
            },
            Self::Given { .. } => Ok(raw),
        }
    }

    /// The unit vector of a perturbation; its length is not known of given vectors.
    pub(super) fn place(&self, side: Side, profiles: &[(u32, &[f32])]) -> Result<Placed> {
        match self {
            Self::FoldIn { stored, .. } => stored.placement.place_measured(side, profiles),
            Self::Given { space, .. } => {
                Ok(Placed { vector: space.place(side, profiles)?, length: f32::NAN })
            }
        }
    }

    /// The unit coefficients of the response predicted from a perturbation's profiles; none where the index holds no
    /// responses to compare it with.
    pub(super) fn respond(
        &self,
        side: Side,
        profiles: &[(u32, &[f32])],
    ) -> Result<Option<Vec<f32>>> {
        let Self::FoldIn { index, stored, .. } = self else { return Ok(None) };
        if index.readout_names().symbols() != stored.readouts {
            return Ok(None);
        }
        Ok(index.project_response(&stored.placement.respond(profiles)?, side))
    }
}
