use std::cmp::Reverse;

use faer::Mat;

use crate::embedding::similarity;
use crate::error::{Error, Result};

/// The similarities of all pairs (i, j), i < j, of a panel.
#[derive(Debug, Clone, PartialEq)]
pub struct AllPairs {
    n: usize,
    /// Row by row of the upper triangle.
    values: Vec<f32>,
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
    /// When it says of one what is not a number.
    pub fn new(n: usize, similarity: impl Fn(usize, usize) -> f32) -> Result<Self> {
        let similarity = &similarity;
        let values: Vec<f32> =
            (0..n).flat_map(|i| (i + 1..n).map(move |j| similarity(i, j))).collect();
        if values.iter().any(|value| value.is_nan()) {
            let problem = "a pair of genes has a similarity that is not a number";
            return Err(Error::data("the network", problem, "check the vectors"));
        }
        Ok(Self { n, values })
    }

    /// Returns where a pair lies among all.
    pub(super) fn position_of(&self, (i, j): (u32, u32)) -> usize {
        let (i, j) = (i as usize, j as usize);
        i * self.n - i * (i + 1) / 2 + (j - i - 1)
    }

    pub(super) fn of(&self, pair: (u32, u32)) -> f32 {
        self.values[self.position_of(pair)]
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The similarities at or below which, and at or above which, a share of all pairs lies.
    pub(super) fn tails(&self, share: f64) -> (f32, f32) {
        let mut values = self.values.clone();
        let n_in_tail = ((values.len() as f64 * share).ceil() as usize).clamp(1, values.len());
        let low = *values.select_nth_unstable_by(n_in_tail - 1, f32::total_cmp).1;
        let at = values.len() - n_in_tail;
        let high = *values.select_nth_unstable_by(at, f32::total_cmp).1;
        (low, high)
    }

    /// The `n` nearest pairs, as positions among all, the nearest first; of equally near ones the earlier.
    pub(super) fn nearest(&self, n: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.values.len() as u32).collect();
        let key = |at: &u32| (Reverse(ordered(self.values[*at as usize])), *at);
        let n = n.min(order.len());
        if n > 0 && n < order.len() {
            order.select_nth_unstable_by_key(n - 1, key);
            order.truncate(n);
        }
        order.sort_unstable_by_key(key);
        order
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

    /// Positions of pairs among all, for which `true` is kept.
    pub(super) fn marks(&self, pairs: &[(u32, u32)]) -> Vec<bool> {
        let mut marks = vec![false; self.values.len()];
        pairs.iter().for_each(|pair| marks[self.position_of(*pair)] = true);
        marks
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
        let nearest: Vec<_> = all.nearest(3).into_iter().map(|at| all.pair(at)).collect();
        assert_eq!(nearest, [(3, 4), (2, 4), (2, 3)]);
        assert_eq!(all.tails(0.2), (-18.0, 4.0));
    }
}
