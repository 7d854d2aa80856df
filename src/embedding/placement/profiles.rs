use std::collections::BTreeMap;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::mean;
use crate::dataset::{Dataset, ProfileKey};
use crate::embedding::{FoldIn, Reliability, SplitHalf};
use crate::error::{Error, Result};
use crate::experiment::Side;

/// Ways of halving the readouts. On single viability screens 2 and 4 found targets of the even half of genes better
/// than 1 (GDSC2, CTRPv2), and 4 hardly better than 2.
const HALVINGS: u64 = 4;

/// All profiles of a dataset, each folded in by itself by each member.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldedProfiles {
    /// Per member: n profiles × `dim`.
    members: Vec<Vec<f32>>,
    dim: usize,
}

impl FoldedProfiles {
    /// Folds in, sharing the equations of profiles that were measured in the same readouts.
    pub(super) fn fold_in<'a>(
        dataset: &Dataset,
        members: impl Iterator<Item = &'a FoldIn>,
        dim: usize,
    ) -> Result<Self> {
        let groups = MeasuredAlike::of(dataset);
        let readouts: Vec<usize> = (0..dataset.readouts.len()).collect();
        let members = members.map(|fold_in| groups.fold_in(dataset, fold_in, &readouts));
        Ok(Self { members: members.collect::<Result<_>>()?, dim })
    }

    /// The embedding of a profile by each member; of none that there is not.
    pub(super) fn of(&self, profile: usize) -> impl Iterator<Item = &[f32]> {
        let dim = self.dim;
        self.members.iter().filter_map(move |all| all.get(profile * dim..(profile + 1) * dim))
    }
}

/// The profiles of a side, by their place in the dataset.
pub(super) struct OfSide {
    profiles: Vec<usize>,
    /// The perturbation of each.
    owners: Vec<u32>,
}

impl OfSide {
    pub(super) fn of(dataset: &Dataset, side: Side) -> Self {
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

    pub(super) fn learn(
        &self,
        vectors: &[f32],
        halves: &SplitHalf,
        dim: usize,
    ) -> Result<Reliability> {
        let rows: Vec<&[f32]> = self.rows(vectors, dim).collect();
        Reliability::fit(&rows.concat(), Some(halves), dim, &self.owners)
    }

    /// Writes the vectors of the side's perturbations.
    pub(super) fn place(
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
pub(super) struct MeasuredAlike {
    groups: Vec<(u32, Vec<usize>)>,
}

impl MeasuredAlike {
    pub(super) fn of(dataset: &Dataset) -> Self {
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
    pub(super) fn fold_in(
        &self,
        dataset: &Dataset,
        fold_in: &FoldIn,
        readouts: &[usize],
    ) -> Result<Vec<f32>> {
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
    pub(super) fn split_halves(
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
pub(super) fn centre_contexts(dataset: &Dataset, folded: &mut [f32], dim: usize) -> Vec<f32> {
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
