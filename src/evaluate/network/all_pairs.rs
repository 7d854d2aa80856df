use std::cmp::Reverse;

use faer::Mat;

use crate::embedding::similarity;
use crate::error::{Error, Result};

/// The similarities of all pairs (i, j), i < j, of a panel, and their order.
#[derive(Debug, Clone, PartialEq)]
pub struct AllPairs {
    n: usize,
    /// Row by row of the upper triangle.
    values: Vec<f32>,
    /// Positions of pairs among all, the nearest first; of equally near ones the earlier.
    order: Vec<u32>,
}

impl AllPairs {
    /// Computes dot products of vectors, as many as there are genes.
    ///
    /// # Errors
    /// When one is not a number.
    pub fn of_vectors<'a>(n: usize, vector: impl Fn(usize) -> &'a [f32]) -> Result<Self> {
        Self::new(n, |i, j| similarity(vector(i), vector(j)))
    }

    /// Takes a symmetric matrix.
    pub(super) fn of_matrix(matrix: &Mat<f64>) -> Result<Self> {
        Self::new(matrix.nrows(), |i, j| matrix[(i, j)] as f32)
    }

    /// Takes what a function says of the pairs of `n` genes, the larger the more alike.
    ///
    /// # Errors
    /// When it says of one what is not a number, or there are more than 92,682 genes.
    pub fn new(n: usize, similarity: impl Fn(usize, usize) -> f32) -> Result<Self> {
        let n_pairs = n.saturating_mul(n.saturating_sub(1)) / 2;
        let Ok(last) = u32::try_from(n_pairs) else {
            return Err(Error::parameter("genes", "at most 92,682", n));
        };
        let similarity = &similarity;
        let values: Vec<f32> =
            (0..n).flat_map(|i| (i + 1..n).map(move |j| similarity(i, j))).collect();
        if values.iter().any(|value| value.is_nan()) {
            let problem = "a pair of genes has a similarity that is not a number";
            return Err(Error::data("the network", problem, "check the vectors"));
        }
        let mut order: Vec<u32> = (0..last).collect();
        order.sort_unstable_by_key(|at| (Reverse(ordered(values[*at as usize])), *at));
        Ok(Self { n, values, order })
    }

    /// Returns how many genes there are.
    #[must_use]
    pub fn n_genes(&self) -> usize {
        self.n
    }

    /// Returns where a pair lies among all.
    pub(super) fn position_of(&self, (i, j): (u32, u32)) -> usize {
        let (i, j) = (i as usize, j as usize);
        i * self.n - i * (i + 1) / 2 + (j - i - 1)
    }

    pub(super) fn of(&self, pair: (u32, u32)) -> f32 {
        self.values[self.position_of(pair)]
    }

    /// Positions of pairs among all, the nearest first.
    pub(super) fn order(&self) -> &[u32] {
        &self.order
    }

    /// The similarities at or below which, and at or above which, a share of all pairs lies.
    pub(super) fn tails(&self, share: f64) -> (f32, f32) {
        let n = self.order.len();
        let n_in_tail = ((n as f64 * share).ceil() as usize).clamp(1, n.max(1));
        let at = |rank: usize| self.order.get(rank).map_or(0.0, |at| self.values[*at as usize]);
        (at(n.saturating_sub(n_in_tail)), at(n_in_tail - 1))
    }

    /// The pair at a position among all.
    pub(super) fn pair(&self, at: u32) -> (u32, u32) {
        let (mut i, mut rest) = (0, at as usize);
        while rest >= self.n - i - 1 {
            rest -= self.n - i - 1;
            i += 1;
        }
        (i as u32, (i + 1 + rest) as u32)
    }
}

/// The bits of a number, so that they sort as the numbers do.
fn ordered(value: f32) -> u32 {
    // −0 equals 0.
    let bits = (value + 0.0).to_bits();
    if bits >> 31 == 1 { !bits } else { bits | (1 << 31) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_and_positions_belong_together_and_the_nearest_come_first() {
        let value = |i: usize, j: usize| (i * 10 + j) as f32 - 20.0;
        let all = AllPairs::new(5, value).unwrap();
        let pairs = (0..5_u32).flat_map(|i| (i + 1..5).map(move |j| (i, j)));
        for (at, (i, j)) in (0..).zip(pairs) {
            assert_eq!((all.pair(at), all.position_of((i, j))), ((i, j), at as usize));
        }
        let nearest: Vec<_> = all.order()[..3].iter().map(|at| all.pair(*at)).collect();
        assert_eq!(nearest, [(3, 4), (2, 4), (2, 3)]);
        assert_eq!(all.tails(0.2), (-18.0, 4.0));
    }
}
