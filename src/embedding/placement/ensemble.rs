use rayon::prelude::*;

use super::profiles::FoldedProfiles;
use super::{ContextProfile, MemberPlacement, mean};
use crate::dataset::{Dataset, ProfileKey};
use crate::embedding::{Centring, Embeddings, FoldIn, Placed};
use crate::error::{Error, Result};
use crate::experiment::Side;

/// An ensemble's way from profiles to unit vectors: how a perturbation that was not trained on, or an
/// own signature, is placed among those that were, all weights frozen.
///
/// ```
/// use phenocopy::embedding::{Centring, FoldIn, MemberPlacement, Placement, Reliability};
/// use phenocopy::experiment::Side;
///
/// let fold_in = FoldIn::new(vec![10.0, 0.0, 0.0, 10.0], vec![1.0, 1.0], vec![0.0], 2)?;
/// let map = Reliability::from_rows(&[1.0, 0.0, 0.0, 1.0], 2, 0)?;
/// let member = MemberPlacement::from_parts(fold_in, vec![0.0; 2], map.clone(), map)?;
/// let centring = Centring::from_means(2, vec![0.0; 2], vec![0.0; 2])?;
/// let placement = Placement::new(vec![member], centring)?;
/// let vector = placement.place(Side::Chemical, &[(0, &[30.0, 40.0])])?;
/// assert!((vector[0] - 0.6).abs() < 1e-6 && (vector[1] - 0.8).abs() < 1e-6);
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Placement {
    members: Vec<MemberPlacement>,
    centring: Centring,
}

impl Placement {
    /// Joins the members of an ensemble.
    ///
    /// # Errors
    /// When their number or dimension is not that of the centring, or their shapes differ.
    pub fn new(members: Vec<MemberPlacement>, centring: Centring) -> Result<Self> {
        let shape = |member: &MemberPlacement| {
            let fold_in = member.fold_in();
            (fold_in.dim(), fold_in.n_readouts(), fold_in.n_contexts())
        };
        let fits = members.len() == centring.n_members()
            && members.iter().all(|member| member.fold_in().dim() == centring.member_dim())
            && members.windows(2).all(|pair| shape(&pair[0]) == shape(&pair[1]));
        if !fits {
            return Err(Error::data(
                "ensemble",
                format!("{} members do not fit {}", members.len(), centring.n_members()),
                "rebuild the index with `phenocopy build`",
            ));
        }
        Ok(Self { members, centring })
    }

    /// Learns the placement of an ensemble from the dataset it was trained on, and places all of its
    /// perturbations.
    ///
    /// # Errors
    /// When the weights do not belong to the dataset, or a vector is not finite.
    pub fn fit(dataset: &Dataset, members: Vec<FoldIn>) -> Result<(Self, Embeddings)> {
        let sides: Vec<Side> = dataset.perturbations.iter().map(|p| p.side()).collect();
        let dim = members.first().map_or(0, FoldIn::dim);
        let placed = members.into_iter().map(|fold_in| MemberPlacement::fit(dataset, fold_in));
        let placed: Vec<(MemberPlacement, Vec<f32>)> = placed.collect::<Result<_>>()?;
        let (members, vectors): (Vec<MemberPlacement>, Vec<Vec<f32>>) = placed.into_iter().unzip();
        let centring = Centring::fit(&vectors, dim, &sides)?;
        let embeddings = centring.join(&vectors, &sides)?;
        Ok((Self::new(members, centring)?, embeddings))
    }

    /// Returns the length of a placed vector.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.members.len() * self.centring.member_dim()
    }

    /// Returns the members, in the order of the ensemble.
    #[must_use]
    pub fn members(&self) -> &[MemberPlacement] {
        &self.members
    }

    /// Returns the means of both sides.
    #[must_use]
    pub fn centring(&self) -> &Centring {
        &self.centring
    }

    /// Returns the unit vector of a perturbation of a side, from its profiles: for those trained on, the
    /// row of the index.
    ///
    /// # Errors
    /// When there is no profile, one does not fit the model, or it says nothing (its vector is zero).
    pub fn place(&self, side: Side, profiles: &[ContextProfile<'_>]) -> Result<Vec<f32>> {
        Ok(self.place_measured(side, profiles)?.vector)
    }

    /// Does what [`place`](Self::place) does and tells how long the vector was before it was made unit.
    ///
    /// # Errors
    /// As [`place`](Self::place).
    pub fn place_measured(&self, side: Side, profiles: &[ContextProfile<'_>]) -> Result<Placed> {
        let vectors = self.members.iter().map(|member| member.place(side, profiles));
        let vectors: Vec<Vec<f32>> = vectors.collect::<Result<_>>()?;
        let vectors: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
        self.centring.apply_measured(side, &vectors, 0)
    }

    /// Folds in each profile of a dataset by itself, as if its perturbation had no other.
    ///
    /// # Errors
    /// When the weights do not belong to the dataset.
    pub fn fold_in_profiles(&self, dataset: &Dataset) -> Result<FoldedProfiles> {
        let members = self.members.iter().map(MemberPlacement::fold_in);
        FoldedProfiles::fold_in(dataset, members, self.centring.member_dim())
    }

    /// Places each of a dataset's folded profiles; none for a profile that says nothing. What
    /// [`place_measured`](Self::place_measured) gives one by one, at a fraction of the cost.
    #[must_use]
    pub fn place_profiles(
        &self,
        dataset: &Dataset,
        folded: &FoldedProfiles,
    ) -> Vec<Option<Placed>> {
        let place = |(profile, key): (usize, &ProfileKey)| {
            let side = dataset.perturbations.get(key.perturbation as usize)?.side();
            let deviations = self.members.iter().zip(folded.of(profile));
            let vectors = deviations.map(|(m, z)| m.place_embedding(side, key.context, z));
            let vectors: Vec<Vec<f32>> = vectors.collect();
            let vectors: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
            self.centring.apply_measured(side, &vectors, profile).ok()
        };
        dataset.profiles.keys().par_iter().enumerate().map(place).collect()
    }

    /// Returns the response predicted from one folded profile, as [`respond`](Self::respond) does.
    #[must_use]
    pub fn respond_to(&self, folded: &FoldedProfiles, profile: usize) -> Vec<f32> {
        let members = self.members.iter().zip(folded.of(profile));
        let responses: Vec<Vec<f32>> =
            members.map(|(member, z)| member.fold_in().predict_average(z)).collect();
        let rows: Vec<&[f32]> = responses.iter().map(Vec::as_slice).collect();
        mean(&rows, rows.first().map_or(0, |row| row.len()))
    }

    /// Returns the predicted response of a perturbation, from its profiles: a value per readout, averaged over all
    /// contexts and members.
    ///
    /// Folded-in embeddings are shrunk by the ridge and trained ones are not, so it is somewhat smaller than what the
    /// model predicts for a perturbation trained on the same profiles, in nearly the same direction.
    ///
    /// # Errors
    /// When there is no profile, or one does not fit the model.
    pub fn respond(&self, profiles: &[ContextProfile<'_>]) -> Result<Vec<f32>> {
        let responses = self.members.iter().map(|member| member.respond(profiles));
        let responses: Vec<Vec<f32>> = responses.collect::<Result<_>>()?;
        let rows: Vec<&[f32]> = responses.iter().map(Vec::as_slice).collect();
        Ok(mean(&rows, rows.first().map_or(0, |row| row.len())))
    }
}
