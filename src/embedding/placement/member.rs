use super::profiles::{MeasuredAlike, OfSide, centre_contexts};
use super::{ContextProfile, mean};
use crate::dataset::Dataset;
use crate::embedding::{FoldIn, Reliability};
use crate::error::{Error, Result};
use crate::experiment::Side;

/// One trained model's way from profiles to the vector of a perturbation.
///
/// Each profile is folded in and centred within its context, a perturbation's profiles are
/// averaged, and what does not reproduce between contexts is taken out ([`Reliability`], learnt apart for
/// compounds and for genes, as they were measured by other means). What training learns for a
/// perturbation is one compromise between its contexts; profiles folded in one by one can be compared.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberPlacement {
    fold_in: FoldIn,
    /// Mean of the folded-in profiles of each context, `n_contexts × dim`; zero for a context with
    /// one profile, which has no deviation from its mean.
    context_means: Vec<f32>,
    chemical: Reliability,
    genetic: Reliability,
}

impl MemberPlacement {
    /// Learns the contexts' means and the maps from all profiles of a dataset; returns the vectors
    /// of its perturbations, too.
    ///
    /// # Shapes
    /// Vectors: n perturbations × dim, zero for a perturbation without profiles.
    ///
    /// # Errors
    /// When the weights do not belong to the dataset.
    pub fn fit(dataset: &Dataset, fold_in: FoldIn) -> Result<(Self, Vec<f32>)> {
        let dim = fold_in.dim();
        let groups = MeasuredAlike::of(dataset);
        let all: Vec<usize> = (0..dataset.readouts.len()).collect();
        let mut profiles = groups.fold_in(dataset, &fold_in, &all)?;
        let context_means = centre_contexts(dataset, &mut profiles, dim);
        let sides = [Side::Chemical, Side::Genetic].map(|side| OfSide::of(dataset, side));
        let halves = groups.split_halves(dataset, &fold_in, &sides)?;
        let mut embeddings = vec![0.0_f32; dataset.perturbations.len() * dim];
        let mut place_side = |side: &OfSide, halves| {
            let reliability = side.learn(&profiles, halves, dim)?;
            side.place(&profiles, &reliability, dim, &mut embeddings);
            Ok::<_, Error>(reliability)
        };
        let chemical = place_side(&sides[0], &halves[0])?;
        let genetic = place_side(&sides[1], &halves[1])?;
        Ok((Self { fold_in, context_means, chemical, genetic }, embeddings))
    }

    /// Restores a placement from its parts.
    ///
    /// # Errors
    /// When they do not fit each other.
    pub fn from_parts(
        fold_in: FoldIn,
        context_means: Vec<f32>,
        chemical: Reliability,
        genetic: Reliability,
    ) -> Result<Self> {
        let fits = context_means.len() == fold_in.n_contexts() * fold_in.dim();
        if !fits || context_means.iter().any(|value| !value.is_finite()) {
            return Err(Error::data(
                "means of the contexts",
                format!("{} numbers of dim {}", context_means.len(), fold_in.dim()),
                "rebuild the index with `phenocopy build`",
            ));
        }
        Ok(Self { fold_in, context_means, chemical, genetic })
    }

    /// Returns the frozen weights.
    #[must_use]
    pub fn fold_in(&self) -> &FoldIn {
        &self.fold_in
    }

    /// Returns the mean folded-in profile of each context, `n_contexts × dim`.
    #[must_use]
    pub fn context_means(&self) -> &[f32] {
        &self.context_means
    }

    /// Returns the map of a side.
    #[must_use]
    pub fn reliability(&self, side: Side) -> &Reliability {
        match side {
            Side::Chemical => &self.chemical,
            Side::Genetic => &self.genetic,
        }
    }

    /// Returns what the model predicts for all readouts of a profile, from those that are given.
    ///
    /// # Errors
    /// When the values do not fit the model.
    pub fn complete(&self, context: u32, values: &[f32]) -> Result<Vec<f32>> {
        Ok(self.fold_in.predict(context, &self.fold_in.embed(context, values)?))
    }

    /// Returns what the model predicts for all readouts of a perturbation on average over all contexts, from its
    /// profiles in one or more of them, each completed in its own.
    ///
    /// # Errors
    /// When there is no profile, or one does not fit the model.
    pub fn respond(&self, profiles: &[ContextProfile<'_>]) -> Result<Vec<f32>> {
        let embeddings =
            profiles.iter().map(|(context, values)| self.fold_in.embed(*context, values));
        let embeddings: Vec<Vec<f32>> = embeddings.collect::<Result<_>>()?;
        let rows: Vec<&[f32]> = embeddings.iter().map(Vec::as_slice).collect();
        require_any(&rows)?;
        Ok(self.fold_in.predict_average(&mean(&rows, self.fold_in.dim())))
    }

    /// Returns the vector of a perturbation of a side, from its profiles in one or more contexts.
    ///
    /// # Errors
    /// When there is no profile, or one does not fit the model.
    pub fn place(&self, side: Side, profiles: &[ContextProfile<'_>]) -> Result<Vec<f32>> {
        let deviations = profiles.iter().map(|(context, values)| {
            Ok(self.deviation(*context, &self.fold_in.embed(*context, values)?))
        });
        let deviations: Vec<Vec<f32>> = deviations.collect::<Result<_>>()?;
        let rows: Vec<&[f32]> = deviations.iter().map(Vec::as_slice).collect();
        require_any(&rows)?;
        Ok(self.reliability(side).apply(&mean(&rows, self.fold_in.dim())))
    }

    /// The vector of a perturbation with one profile, which has been folded in.
    pub(super) fn place_embedding(&self, side: Side, context: u32, embedding: &[f32]) -> Vec<f32> {
        self.reliability(side).apply(&self.deviation(context, embedding))
    }

    /// What a folded-in profile differs by from the mean of its context.
    fn deviation(&self, context: u32, embedding: &[f32]) -> Vec<f32> {
        let means = self.context_means.get(context as usize * self.fold_in.dim()..);
        let means = means.unwrap_or_default().iter();
        embedding.iter().zip(means).map(|(value, mean)| value - mean).collect()
    }
}

fn require_any(profiles: &[&[f32]]) -> Result<()> {
    if profiles.is_empty() {
        return Err(Error::data("perturbation", "it has no profile", "give at least one"));
    }
    Ok(())
}
