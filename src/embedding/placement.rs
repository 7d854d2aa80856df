use std::collections::BTreeMap;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{Centring, Embeddings, FoldIn, Placed, Reliability, SplitHalf};
use crate::dataset::{Dataset, ProfileKey};
use crate::error::{Error, Result};
use crate::experiment::Side;

/// Ways of halving the readouts. On single viability screens 2 and 4 found targets of the even half of genes better
/// than 1 (GDSC2, CTRPv2), and 4 hardly better than 2.
const HALVINGS: u64 = 4;

/// A profile to be placed: the position of its context, and a value or NaN per readout, normalised as
/// that context's profiles were.
pub type ContextProfile<'a> = (u32, &'a [f32]);

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
        let dim = self.fold_in.dim();
        let mut deviations = Vec::with_capacity(profiles.len() * dim);
        for (context, values) in profiles {
            let embedding = self.fold_in.embed(*context, values)?;
            let start = *context as usize * dim;
            let means = &self.context_means[start..start + dim];
            deviations.extend(embedding.iter().zip(means).map(|(value, mean)| value - mean));
        }
        let rows: Vec<&[f32]> = deviations.chunks_exact(dim).collect();
        require_any(&rows)?;
        Ok(self.reliability(side).apply(&mean(&rows, dim)))
    }
}

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
            let fold_in = &member.fold_in;
            (fold_in.dim(), fold_in.n_readouts(), fold_in.n_contexts())
        };
        let fits = members.len() == centring.n_members()
            && members.iter().all(|member| member.fold_in.dim() == centring.member_dim())
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

    /// Places each profile of a dataset by itself, as if its perturbation had no other; none for a profile that says
    /// nothing. Faster than [`place_measured`](Self::place_measured) one by one: profiles measured in the same
    /// readouts share their equations.
    ///
    /// # Errors
    /// When the weights do not belong to the dataset.
    pub fn place_profiles(&self, dataset: &Dataset) -> Result<Vec<Option<Placed>>> {
        let groups = MeasuredAlike::of(dataset);
        let readouts: Vec<usize> = (0..dataset.readouts.len()).collect();
        let dim = self.centring.member_dim();
        let folded = self.members.iter().map(|m| groups.fold_in(dataset, &m.fold_in, &readouts));
        let folded: Vec<Vec<f32>> = folded.collect::<Result<_>>()?;
        let place = |(profile, key): (usize, &ProfileKey)| {
            let side = dataset.perturbations.get(key.perturbation as usize)?.side();
            let map = |(member, folded): (&MemberPlacement, &Vec<f32>)| {
                let embedding = folded.get(profile * dim..(profile + 1) * dim)?;
                let means = member.context_means.get(key.context as usize * dim..)?;
                let deviation: Vec<f32> = embedding.iter().zip(means).map(|(v, m)| v - m).collect();
                Some(member.reliability(side).apply(&deviation))
            };
            let vectors: Vec<Vec<f32>> = self.members.iter().zip(&folded).filter_map(map).collect();
            let vectors: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
            self.centring.apply_measured(side, &vectors, profile).ok()
        };
        Ok(dataset.profiles.keys().par_iter().enumerate().map(place).collect())
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

fn require_any(profiles: &[&[f32]]) -> Result<()> {
    if profiles.is_empty() {
        return Err(Error::data("perturbation", "it has no profile", "give at least one"));
    }
    Ok(())
}

/// The profiles of a side, by their place in the dataset.
struct OfSide {
    profiles: Vec<usize>,
    /// The perturbation of each.
    owners: Vec<u32>,
}

impl OfSide {
    fn of(dataset: &Dataset, side: Side) -> Self {
        let is_of_side = |owner: u32| {
            dataset.perturbations.get(owner as usize).is_some_and(|p| p.side() == side)
        };
        let keys = dataset.profiles.keys().iter().map(|key| key.perturbation).enumerate();
        let (profiles, owners) = keys.filter(|(_, owner)| is_of_side(*owner)).unzip();
        Self { profiles, owners }
    }

    /// The rows of the side's profiles among those of all.
    fn rows<'a>(&self, vectors: &'a [f32], dim: usize) -> impl Iterator<Item = &'a [f32]> {
        self.profiles.iter().map(move |at| &vectors[at * dim..(at + 1) * dim])
    }

    fn learn(&self, vectors: &[f32], halves: &SplitHalf, dim: usize) -> Result<Reliability> {
        let rows: Vec<&[f32]> = self.rows(vectors, dim).collect();
        Reliability::fit(&rows.concat(), Some(halves), dim, &self.owners)
    }

    /// Writes the vectors of the side's perturbations.
    fn place(
        &self,
        vectors: &[f32],
        reliability: &Reliability,
        dim: usize,
        embeddings: &mut [f32],
    ) {
        let pairs = self.owners.iter().copied().zip(self.rows(vectors, dim));
        let pairs: Vec<(u32, &[f32])> = pairs.collect();
        for group in pairs.chunk_by(|a, b| a.0 == b.0) {
            let rows: Vec<&[f32]> = group.iter().map(|(_, row)| *row).collect();
            if let Some((owner, _)) = group.first() {
                let start = *owner as usize * dim;
                let mapped = reliability.apply(&mean(&rows, dim));
                embeddings[start..start + dim].copy_from_slice(&mapped);
            }
        }
    }
}

/// Profiles of one context that were measured in the same readouts: their normal equations are the same.
struct MeasuredAlike {
    groups: Vec<(u32, Vec<usize>)>,
}

impl MeasuredAlike {
    fn of(dataset: &Dataset) -> Self {
        let mut groups: BTreeMap<(u32, Vec<u8>), Vec<usize>> = BTreeMap::new();
        let mut row = vec![f32::NAN; dataset.readouts.len()];
        for (profile, key) in dataset.profiles.keys().iter().enumerate() {
            dataset.profiles.copy_row(profile, &mut row);
            let bits = row.chunks(8).map(|values| {
                values.iter().fold(0_u8, |byte, value| byte << 1 | u8::from(value.is_nan()))
            });
            groups.entry((key.context, bits.collect())).or_default().push(profile);
        }
        let groups = groups.into_iter().map(|((context, _), profiles)| (context, profiles));
        Self { groups: groups.collect() }
    }

    /// Returns the embedding of each profile, in the dataset's order, from some of its readouts.
    fn fold_in(&self, dataset: &Dataset, fold_in: &FoldIn, readouts: &[usize]) -> Result<Vec<f32>> {
        let fold_in = fold_in.among(readouts)?;
        let values_of = |profile: usize| -> Vec<f32> {
            let row = dataset.profiles.row(profile);
            readouts.iter().map(|readout| row[*readout]).collect()
        };
        let groups = self.groups.par_iter().map(|(context, profiles)| {
            let Some(first) = profiles.first() else { return Ok(Vec::new()) };
            let factor = fold_in.factorise(*context, &values_of(*first))?;
            let embedded = profiles.par_iter().map(|profile| factor.embed(&values_of(*profile)));
            embedded.collect::<Result<Vec<_>>>()
        });
        let groups: Vec<Vec<Vec<f32>>> = groups.collect::<Result<_>>()?;
        let dim = fold_in.dim();
        let mut folded = vec![0.0; dataset.profiles.n_profiles() * dim];
        for ((_, profiles), embedded) in self.groups.iter().zip(groups) {
            for (profile, embedding) in profiles.iter().zip(embedded) {
                folded[profile * dim..(profile + 1) * dim].copy_from_slice(&embedding);
            }
        }
        Ok(folded)
    }

    /// Returns what halves of the profiles of each side share.
    fn split_halves(
        &self,
        dataset: &Dataset,
        fold_in: &FoldIn,
        sides: &[OfSide; 2],
    ) -> Result<[SplitHalf; 2]> {
        let dim = fold_in.dim();
        let n_pairs = |side: &OfSide| side.profiles.len() * HALVINGS as usize;
        let mut shared = sides.each_ref().map(|side| SplitHalf::new(dim, n_pairs(side)));
        for halving in 0..HALVINGS {
            let [first, second] = halve(dataset.readouts.len(), halving);
            let embed = |readouts: &[usize]| {
                let mut folded = self.fold_in(dataset, fold_in, readouts)?;
                centre_contexts(dataset, &mut folded, dim);
                Ok::<_, Error>(folded)
            };
            let (first, second) = (embed(&first)?, embed(&second)?);
            for (side, shared) in sides.iter().zip(&mut shared) {
                for (a, b) in side.rows(&first, dim).zip(side.rows(&second, dim)) {
                    shared.add(a, b)?;
                }
            }
        }
        Ok(shared)
    }
}

/// Divides positions in two halves by a hash, each in order.
fn halve(n: usize, halving: u64) -> [Vec<usize>; 2] {
    let mut shuffled: Vec<usize> = (0..n).collect();
    shuffled.sort_by_key(|at| xxh3_64_with_seed(&at.to_le_bytes(), halving));
    let mut second = shuffled.split_off(n / 2);
    shuffled.sort_unstable();
    second.sort_unstable();
    [shuffled, second]
}

/// Takes the mean of each context from its profiles, and returns the means.
fn centre_contexts(dataset: &Dataset, folded: &mut [f32], dim: usize) -> Vec<f32> {
    let keys = dataset.profiles.keys();
    let mut all = vec![0.0_f32; dataset.contexts.len() * dim];
    for (context, means) in (0_u32..).zip(all.chunks_exact_mut(dim)) {
        let is_here = |key: &ProfileKey| key.context == context;
        let rows = folded.chunks_exact(dim).zip(keys).filter(|(_, key)| is_here(key));
        let rows: Vec<&[f32]> = rows.map(|(row, _)| row).collect();
        if rows.len() < 2 {
            continue;
        }
        means.copy_from_slice(&mean(&rows, dim));
        let rows = folded.chunks_exact_mut(dim).zip(keys).filter(|(_, key)| is_here(key));
        for (row, _) in rows {
            row.iter_mut().zip(&*means).for_each(|(value, mean)| *value -= mean);
        }
    }
    all
}

/// The mean of rows, summed in their order.
fn mean(rows: &[&[f32]], dim: usize) -> Vec<f32> {
    let mean = |k: usize| {
        let sum: f64 = rows.iter().map(|row| f64::from(row[k])).sum();
        (sum / rows.len() as f64) as f32
    };
    (0..dim).map(mean).collect()
}
