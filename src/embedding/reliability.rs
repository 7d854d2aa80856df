use std::collections::BTreeMap;

use super::cholesky::Cholesky;
use crate::error::{Error, Result};

/// Pseudo-observations of the shared covariance, per dimension. Chosen among 1, ½ and ¼ on the even half of genes
/// when the map was drawn towards a scaling; towards split halves ½ did as well as any.
const PSEUDO_OBSERVATIONS: f64 = 0.5;

/// What the embeddings of two halves of the readouts of many profiles share: the mean of a·bᵀ, symmetric, over
/// profiles and ways of halving their readouts. It is added up, so that no two halvings are held at once.
///
/// ```
/// use phenocopy::embedding::SplitHalf;
///
/// // One profile, halved once.
/// let mut halves = SplitHalf::new(2, 1);
/// halves.add(&[1.0, 2.0], &[3.0, 4.0])?;
/// assert_eq!(halves.covariance(), [3.0, 5.0, 5.0, 8.0]);
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SplitHalf {
    dim: usize,
    /// Half of 1 / n, as each pair counts in both orders.
    weight: f64,
    covariance: Vec<f64>,
}

impl SplitHalf {
    /// Starts with nothing; `n` pairs of halves will be added in all.
    #[must_use]
    pub fn new(dim: usize, n: usize) -> Self {
        Self { dim, weight: 0.5 / n.max(1) as f64, covariance: vec![0.0; dim * dim] }
    }

    /// Adds profiles: the embeddings of their first and their second halves, row after row, each centred
    /// within its context.
    ///
    /// # Errors
    /// When the shapes do not fit or a number is not finite.
    pub fn add(&mut self, first: &[f32], second: &[f32]) -> Result<()> {
        let dim = self.dim;
        let is_finite = first.iter().chain(second).all(|value| value.is_finite());
        if dim == 0 || first.len() != second.len() || !first.len().is_multiple_of(dim) || !is_finite
        {
            return Err(Error::data(
                "embeddings of halves of profiles",
                format!("{} and {} numbers of dim {dim}", first.len(), second.len()),
                "give one finite vector per profile and half",
            ));
        }
        for (a, b) in first.chunks_exact(dim).zip(second.chunks_exact(dim)) {
            for (i, row) in self.covariance.chunks_exact_mut(dim).enumerate() {
                let (a_i, b_i) = (self.weight * f64::from(a[i]), self.weight * f64::from(b[i]));
                for ((sum, a), b) in row.iter_mut().zip(a).zip(b) {
                    *sum += a_i * f64::from(*b) + b_i * f64::from(*a);
                }
            }
        }
        Ok(())
    }

    /// Returns the covariance, `dim × dim`.
    #[must_use]
    pub fn covariance(&self) -> &[f64] {
        &self.covariance
    }
}

/// The linear map from an embedding as observed to the part of it that another assay would confirm.
///
/// Perturbations measured in several contexts tell signal from noise without any label: what two of
/// their embeddings share is signal. With S the covariance between contexts of one perturbation and
/// T the covariance of all embeddings, the best linear estimate of what is shared, given an
/// embedding z (a row), is z · T⁻¹ · S: the Wiener filter, in the classical terms of Cronbach's and
/// Spearman's reliability. Directions that do not reproduce (a platform's artefacts) shrink, those
/// that do stay.
///
/// Both covariances are estimates, so each is drawn towards a less informed one by pseudo-observations: T
/// towards a sphere of its own size by `dim`, S by half as many towards the covariance between embeddings of
/// one profile from two halves of its readouts (Spearman's split half), at the size of S. That knows the noise of
/// measurements, not what differs between assays, and every profile tells of it: where nothing was measured
/// twice, it is all there is.
///
/// ```
/// use phenocopy::embedding::Reliability;
///
/// // The first number reproduces between the two profiles of each perturbation, the second does not.
/// let noise = [[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]];
/// let profile = |i: usize| [[1.0, -1.0][i / 8 % 2], noise[i / 2 % 4][i % 2]];
/// let profiles: Vec<f32> = (0..192).flat_map(profile).collect();
/// let owners: Vec<u32> = (0..192).map(|i| i / 2).collect();
/// let mapped = Reliability::fit(&profiles, None, 2, &owners)?.apply(&[1.0, 1.0]);
/// assert!(mapped[0] > 0.9 && mapped[1].abs() < 0.1, "{mapped:?}");
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Reliability {
    dim: usize,
    n_repeated: usize,
    /// `dim × dim`: row i is where a step along dimension i leads.
    map: Vec<f64>,
}

impl Reliability {
    /// Learns from embeddings of profiles, each already centred within its context, and from what halves of
    /// their readouts share.
    ///
    /// # Shapes
    /// `profiles`: n × `dim`, row-major; `owners`: the perturbation of each, n. Every perturbation
    /// with several profiles weighs the same, however many it has.
    ///
    /// # Errors
    /// When the shapes do not fit or a number is not finite.
    pub fn fit(
        profiles: &[f32],
        halves: Option<&SplitHalf>,
        dim: usize,
        owners: &[u32],
    ) -> Result<Self> {
        let is_finite = profiles.iter().all(|value| value.is_finite());
        let fits = profiles.len() == owners.len() * dim && halves.is_none_or(|h| h.dim == dim);
        if dim == 0 || !fits || !is_finite {
            return Err(Error::data(
                "embeddings of profiles",
                format!("{} numbers for {} profiles of {dim}", profiles.len(), owners.len()),
                "give one finite vector per profile",
            ));
        }
        let rows: Vec<&[f32]> = profiles.chunks_exact(dim).collect();
        let (shared, n_repeated) = covariance_between_profiles(&rows, dim, owners);
        let total = covariance(&rows, dim);
        let within = halves.map_or_else(|| total.clone(), |halves| halves.covariance.clone());
        // What only contradicts itself teaches nothing.
        let n_repeated = if trace(&shared, dim) > 0.0 { n_repeated } else { 0 };
        let total = Cholesky::new(sphered(total, dim, rows.len()), dim);
        let (Some(total), true) = (total, trace(&within, dim) > 0.0) else {
            return Ok(Self { dim, n_repeated: 0, map: scaling(1.0, dim) });
        };
        let signal = blend(&shared, n_repeated, &within, dim);
        Ok(Self { dim, n_repeated, map: total.solve_columns(signal) })
    }

    /// Restores a map from its [`rows`](Self::rows).
    ///
    /// # Errors
    /// When they are not `dim × dim` finite numbers.
    pub fn from_rows(rows: &[f32], dim: usize, n_repeated: usize) -> Result<Self> {
        if dim == 0 || rows.len() != dim * dim || rows.iter().any(|value| !value.is_finite()) {
            return Err(Error::data(
                "reliability map",
                format!("{} numbers of dim {dim}", rows.len()),
                "rebuild the index with `phenocopy build`",
            ));
        }
        Ok(Self { dim, n_repeated, map: rows.iter().map(|value| f64::from(*value)).collect() })
    }

    /// Returns the map, `dim × dim`: row i is where a step along dimension i leads.
    #[must_use]
    pub fn rows(&self) -> Vec<f32> {
        self.map.iter().map(|value| *value as f32).collect()
    }

    /// Returns how many perturbations with several profiles it was learnt from; 0 where the halves of
    /// profiles are all that it knows.
    #[must_use]
    pub fn n_repeated(&self) -> usize {
        self.n_repeated
    }

    /// Returns the estimate for one embedding, of the same length.
    #[must_use]
    pub fn apply(&self, embedding: &[f32]) -> Vec<f32> {
        let mut mapped = vec![0.0_f64; self.dim];
        for (row, value) in self.map.chunks_exact(self.dim).zip(embedding) {
            let value = f64::from(*value);
            mapped.iter_mut().zip(row).for_each(|(sum, weight)| *sum += value * weight);
        }
        mapped.into_iter().map(|value| value as f32).collect()
    }
}

/// The mean over perturbations of z·z'ᵀ over all pairs of their profiles, symmetric, and how many
/// perturbations have such pairs.
fn covariance_between_profiles(rows: &[&[f32]], dim: usize, owners: &[u32]) -> (Vec<f64>, usize) {
    let mut by_owner: BTreeMap<u32, Vec<&[f32]>> = BTreeMap::new();
    owners.iter().zip(rows).for_each(|(owner, row)| by_owner.entry(*owner).or_default().push(row));
    let repeated: Vec<Vec<&[f32]>> =
        by_owner.into_values().filter(|profiles| profiles.len() > 1).collect();
    let mut sum = vec![0.0; dim * dim];
    for profiles in &repeated {
        // Σ over ordered pairs = (Σz)(Σz)ᵀ − Σ z·zᵀ.
        let n = profiles.len() as f64;
        let weight = 1.0 / (n * (n - 1.0) * repeated.len() as f64);
        let total = |k: usize| profiles.iter().map(|row| f64::from(row[k])).sum::<f64>();
        let totals: Vec<f64> = (0..dim).map(total).collect();
        add_outer(&mut sum, &totals, weight);
        for row in profiles {
            let row: Vec<f64> = row.iter().map(|value| f64::from(*value)).collect();
            add_outer(&mut sum, &row, -weight);
        }
    }
    (sum, repeated.len())
}

/// Draws what repeated perturbations share towards what halves of profiles share, brought to its size.
fn blend(shared: &[f64], n_repeated: usize, within: &[f64], dim: usize) -> Vec<f64> {
    let n_pseudo = PSEUDO_OBSERVATIONS * dim as f64;
    let weight = n_repeated as f64 / (n_repeated as f64 + n_pseudo);
    let size = if n_repeated > 0 { trace(shared, dim) / trace(within, dim) } else { 1.0 };
    let pairs = shared.iter().zip(within);
    pairs.map(|(shared, within)| weight * shared + (1.0 - weight) * size * within).collect()
}

fn covariance(rows: &[&[f32]], dim: usize) -> Vec<f64> {
    let mut sum = vec![0.0; dim * dim];
    for row in rows {
        let row: Vec<f64> = row.iter().map(|value| f64::from(*value)).collect();
        add_outer(&mut sum, &row, 1.0 / rows.len() as f64);
    }
    sum
}

/// Draws a covariance of n rows towards a sphere of its size, by as many pseudo-observations as
/// there are dimensions.
fn sphered(mut covariance: Vec<f64>, dim: usize, n: usize) -> Vec<f64> {
    let size = trace(&covariance, dim) / dim as f64;
    let weight = n as f64 / (n + dim) as f64;
    covariance.iter_mut().for_each(|value| *value *= weight);
    (0..dim).for_each(|i| covariance[i * dim + i] += (1.0 - weight) * size);
    covariance
}

fn add_outer(sum: &mut [f64], v: &[f64], weight: f64) {
    for (row, a) in sum.chunks_exact_mut(v.len()).zip(v) {
        row.iter_mut().zip(v).for_each(|(sum, b)| *sum += weight * a * b);
    }
}

fn trace(matrix: &[f64], dim: usize) -> f64 {
    matrix.iter().step_by(dim + 1).sum()
}

fn scaling(factor: f64, dim: usize) -> Vec<f64> {
    let entry = |at: usize| if at.is_multiple_of(dim + 1) { factor } else { 0.0 };
    (0..dim * dim).map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_one_context_directions_stay_as_far_as_halves_of_the_profiles_agree() {
        // Both halves agree along the first direction and differ along the second, which is as large.
        let profile = |i: usize| [[1.0, -1.0][i % 2], [1.0, 1.0, -1.0, -1.0][i % 4]];
        let profiles: Vec<f32> = (0..400).flat_map(profile).collect();
        let half =
            |sign: f32| (0..400).flat_map(|i| [profile(i)[0], sign * profile(i)[1]]).collect();
        let (first, second): (Vec<f32>, Vec<f32>) = (half(1.0), half(-0.1));
        let mut halves = SplitHalf::new(2, 400);
        halves.add(&first, &second).unwrap();
        let owners: Vec<u32> = (0..400).collect();
        let reliability = Reliability::fit(&profiles, Some(&halves), 2, &owners).unwrap();
        assert_eq!(reliability.n_repeated(), 0);
        let mapped = reliability.apply(&[1.0, 1.0]);
        assert!((mapped[0] - 1.0).abs() < 0.01 && (mapped[1] + 0.1).abs() < 0.01, "{mapped:?}");
    }

    #[test]
    fn without_halves_one_context_hardly_changes_directions() {
        let owners: Vec<u32> = (0..1_000).collect();
        let number = |i: usize| ((i * 7919 + 13) % 1009) as f32 / 504.0 - 1.0;
        let profiles: Vec<f32> = (0..2_000).map(number).collect();
        let mapped = Reliability::fit(&profiles, None, 2, &owners).unwrap().apply(&[0.3, -0.7]);
        assert!((mapped[0] - 0.3).abs() < 0.01 && (mapped[1] + 0.7).abs() < 0.01, "{mapped:?}");
    }

    #[test]
    fn the_map_is_the_formula_worked_out_by_hand() {
        // Two perturbations, two profiles each, one dimension: pairs (1, 2) and (-1, -2).
        let reliability =
            Reliability::fit(&[1.0, 2.0, -1.0, -2.0], None, 1, &[0, 0, 1, 1]).unwrap();
        // S = 2, T = 2.5 (a sphere already), and in one dimension the other covariance is S, once scaled.
        assert!((reliability.map[0] - 0.8).abs() < 1e-12, "{:?}", reliability.map);
        assert_eq!(reliability.n_repeated(), 2);
    }

    #[test]
    fn what_only_contradicts_itself_teaches_nothing() {
        let profiles = [1.0, -1.0, 2.0, -2.0];
        let reliability = Reliability::fit(&profiles, None, 1, &[0, 0, 1, 1]).unwrap();
        assert_eq!((reliability.n_repeated(), reliability.apply(&[5.0])), (0, vec![5.0]));
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        assert!(Reliability::fit(&[1.0, 2.0, 3.0], None, 2, &[0]).is_err());
        assert!(Reliability::fit(&[f32::NAN, 2.0], None, 2, &[0]).is_err());
        assert!(Reliability::fit(&[1.0, 2.0], Some(&SplitHalf::new(3, 1)), 2, &[0]).is_err());
        assert!(SplitHalf::new(2, 1).add(&[1.0, 2.0], &[1.0]).is_err());
        assert!(SplitHalf::new(2, 1).add(&[1.0, 2.0], &[f32::NAN, 1.0]).is_err());
    }
}
