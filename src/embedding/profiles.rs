use rayon::prelude::*;

use super::{FoldIn, Reliability};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::experiment::Side;

/// Embeds every perturbation of a dataset from its profiles: each is folded in and centred within its
/// context, a perturbation's are averaged, and what does not reproduce between contexts is taken out.
///
/// What training learns for a perturbation is one compromise between its contexts; profiles folded
/// in one by one can be compared, which is what [`Reliability`] learns from. It is learnt apart for
/// compounds and for genes, as they were measured by other means.
///
/// # Shapes
/// Result: n perturbations × `fold_in.dim()`, zero for a perturbation without profiles.
///
/// # Errors
/// When the weights do not belong to the dataset.
pub fn embed_from_profiles(dataset: &Dataset, fold_in: &FoldIn) -> Result<Vec<f32>> {
    let dim = fold_in.dim();
    let profiles = fold_in_profiles(dataset, fold_in)?;
    let mut embeddings = vec![0.0_f32; dataset.perturbations.len() * dim];
    for side in [Side::Chemical, Side::Genetic] {
        let is_of_side = |owner: u32| {
            dataset.perturbations.get(owner as usize).is_some_and(|p| p.side() == side)
        };
        let keys = dataset.profiles.keys();
        let of_side = keys.iter().zip(profiles.chunks_exact(dim));
        let (owners, vectors): (Vec<u32>, Vec<&[f32]>) = of_side
            .filter(|(key, _)| is_of_side(key.perturbation))
            .map(|(key, vector)| (key.perturbation, vector))
            .unzip();
        let reliability = Reliability::fit(&vectors.concat(), dim, &owners)?;
        for (owner, mean) in means(&owners, &vectors, dim) {
            let start = owner as usize * dim;
            embeddings[start..start + dim].copy_from_slice(&reliability.apply(&mean));
        }
    }
    Ok(embeddings)
}

/// The embedding of each profile, in the dataset's order, less the mean of its context.
fn fold_in_profiles(dataset: &Dataset, fold_in: &FoldIn) -> Result<Vec<f32>> {
    let dim = fold_in.dim();
    let keys = dataset.profiles.keys();
    let fold = |row: &mut Vec<f32>, (profile, context): (usize, u32)| {
        dataset.profiles.copy_row(profile, row);
        fold_in.embed(context, row)
    };
    let contexts = keys.par_iter().enumerate().map(|(profile, key)| (profile, key.context));
    let folded: Vec<Vec<f32>> = contexts
        .map_init(|| vec![f32::NAN; dataset.profiles.n_readouts()], fold)
        .collect::<Result<_>>()?;
    let mut folded = folded.concat();
    for context in 0..dataset.contexts.len() as u32 {
        let mut sums = vec![0.0_f64; dim];
        let mut n = 0_u32;
        let rows = folded.chunks_exact(dim).zip(keys).filter(|(_, key)| key.context == context);
        for (row, _) in rows {
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
            n += 1;
        }
        let rows = folded.chunks_exact_mut(dim).zip(keys).filter(|(_, key)| key.context == context);
        // A context's only profile has no deviation from its mean and is left as it is.
        for (row, _) in rows.filter(|_| n > 1) {
            let means = sums.iter().map(|sum| sum / f64::from(n));
            row.iter_mut().zip(means).for_each(|(value, mean)| *value -= mean as f32);
        }
    }
    Ok(folded)
}

/// Returns the mean vector of each owner; owners ascend.
fn means(owners: &[u32], vectors: &[&[f32]], dim: usize) -> Vec<(u32, Vec<f32>)> {
    let mut means: Vec<(u32, Vec<f32>)> = Vec::new();
    let pairs: Vec<(u32, &[f32])> = owners.iter().copied().zip(vectors.iter().copied()).collect();
    for group in pairs.chunk_by(|a, b| a.0 == b.0) {
        let mean = |k: usize| {
            let sum: f64 = group.iter().map(|(_, vector)| f64::from(vector[k])).sum();
            (sum / group.len() as f64) as f32
        };
        means.extend(group.first().map(|(owner, _)| (*owner, (0..dim).map(mean).collect())));
    }
    means
}
