use std::collections::BTreeMap;
use std::sync::Arc;

use faer::Mat;

use super::statistics::Statistics;
use super::symmetric::{inverse, trace};

/// Pseudo-observations per dimension that draw each context's covariance towards that of the contexts it
/// shares perturbations with, and each pair's towards a multiple of it. With 1, 2 and 4 the error on unseen
/// profiles of the viability screens was .913, .907 and .908 (one model; seeds other than the protocol's).
const POOLING: f64 = 2.0;
/// Pseudo-observations that draw the pooled covariance towards a sphere.
const SPHERING: f64 = 4.0;
/// Pseudo-perturbations that draw the correlation of two contexts towards none.
const INDEPENDENCE: f64 = 1.0;
/// Beyond so many numbers in all pairs of contexts, a pair keeps only its correlation.
const MOST_PAIR_NUMBERS: usize = 1 << 24;

/// How the embeddings that one perturbation has in the contexts of a side vary together.
#[derive(Debug, Clone)]
pub(super) struct ContextCovariance {
    n_contexts: usize,
    /// Per context, and per pair: at `a · n_contexts + b`, b < a; none where nothing was measured in both.
    blocks: Vec<Option<Mat<f64>>>,
    /// Correlation of each pair.
    correlations: Mat<f64>,
    /// What a pair without a block of its own scales: per context, the covariance pooled over the contexts
    /// linked with it.
    pooled: Vec<Arc<Mat<f64>>>,
    scales: Vec<f64>,
}

impl ContextCovariance {
    /// Spheres of the given variance, every two contexts correlated by one half.
    pub(super) fn start(dim: usize, n_contexts: usize, variance: f64) -> Self {
        let sphere = Arc::new(Mat::from_fn(dim, dim, |i, j| if i == j { variance } else { 0.0 }));
        let mut blocks = vec![None; n_contexts * n_contexts];
        (0..n_contexts).for_each(|a| blocks[a * n_contexts + a] = Some(Mat::clone(&sphere)));
        let half = |a, b| if a == b { 1.0 } else { 0.5 };
        Self {
            n_contexts,
            blocks,
            correlations: Mat::from_fn(n_contexts, n_contexts, half),
            pooled: (0..n_contexts).map(|_| Arc::clone(&sphere)).collect(),
            scales: vec![1.0; n_contexts],
        }
    }

    /// Estimates it from posterior second moments.
    pub(super) fn estimate(statistics: &Statistics) -> Self {
        let (dim, n) = (statistics.dim(), statistics.n_contexts());
        let pooled = pool_linked(statistics);
        let size = |a: usize| trace(pooled[a].as_ref().as_ref()).max(f64::MIN_POSITIVE);
        let own: Vec<Mat<f64>> =
            (0..n).map(|a| own_block(statistics, a, &pooled[a], size(a))).collect();
        let sizes: Vec<f64> = own.iter().map(|block| trace(block.as_ref())).collect();
        let keeps_pairs = n * n * dim * dim / 2 <= MOST_PAIR_NUMBERS;
        let mut blocks = vec![None; n * n];
        let mut correlations = Mat::zeros(n, n);
        for a in 0..n {
            correlations[(a, a)] = 1.0;
            for b in (0..a).filter(|b| statistics.count(a, *b) > 0.0) {
                let joint = (sizes[a] * sizes[b]).sqrt().max(f64::MIN_POSITIVE);
                let r = correlation(statistics, (a, b), joint);
                (correlations[(a, b)], correlations[(b, a)]) = (r, r);
                if keeps_pairs {
                    let expected = r * joint / size(a);
                    blocks[a * n + b] = Some(pair_block(statistics, (a, b), &pooled[a], expected));
                }
            }
        }
        own.into_iter().enumerate().for_each(|(a, block)| blocks[a * n + a] = Some(block));
        let scales = sizes.iter().enumerate().map(|(a, own)| (own / size(a)).sqrt()).collect();
        Self { n_contexts: n, blocks, correlations, pooled, scales }
    }

    pub(super) fn dim(&self) -> usize {
        self.pooled.first().map_or(0, |pooled| pooled.nrows())
    }

    /// Returns the correlation of two contexts' embeddings of one perturbation, averaged over directions.
    pub(super) fn correlation(&self, a: usize, b: usize) -> f64 {
        self.correlations[(a, b)]
    }

    /// The covariance of the embeddings in two contexts, at (i, j).
    fn at(&self, a: usize, b: usize, i: usize, j: usize) -> f64 {
        if a < b {
            return self.at(b, a, j, i);
        }
        match &self.blocks[a * self.n_contexts + b] {
            Some(block) => block[(i, j)],
            None => {
                self.correlations[(a, b)] * self.scales[a] * self.scales[b] * self.pooled[a][(i, j)]
            }
        }
    }

    /// Returns the covariance between stacked embeddings, `rows · d × columns · d`.
    pub(super) fn between(&self, rows: &[usize], columns: &[usize]) -> Mat<f64> {
        let dim = self.dim();
        Mat::from_fn(rows.len() * dim, columns.len() * dim, |i, j| {
            self.at(rows[i / dim], columns[j / dim], i % dim, j % dim)
        })
    }

    /// Returns the inverse of the stacked covariance of some contexts. Blocks are estimated pair by pair and
    /// need not fit together; what contexts share is then lessened until they do.
    pub(super) fn precision(&self, slots: &[usize]) -> Option<Mat<f64>> {
        let dim = self.dim();
        let mut joint = self.between(slots, slots);
        let size = trace(joint.as_ref()) / joint.nrows().max(1) as f64;
        // The absolute part is for embeddings that are all zero.
        let ridge = 1e-6 * size + 1e-12;
        (0..joint.nrows()).for_each(|i| joint[(i, i)] += ridge);
        for _ in 0..60 {
            if let Some(inverse) = inverse(joint.as_ref()) {
                return Some(inverse);
            }
            joint = Mat::from_fn(joint.nrows(), joint.ncols(), |i, j| {
                joint[(i, j)] * if i / dim == j / dim { 1.0 } else { 0.9 }
            });
        }
        None
    }
}

/// Returns, per context, the covariance pooled over the contexts linked with it by shared perturbations: an
/// assay of other agents on another platform says nothing about its covariance.
fn pool_linked(statistics: &Statistics) -> Vec<Arc<Mat<f64>>> {
    let n = statistics.n_contexts();
    let mut group: Vec<usize> = (0..n).collect();
    for a in 0..n {
        for b in (0..a).filter(|b| statistics.count(a, *b) > 0.0) {
            let (from, to) = (group[a].max(group[b]), group[a].min(group[b]));
            group.iter_mut().filter(|own| **own == from).for_each(|own| *own = to);
        }
    }
    let pool = |of: usize| pool(statistics, (0..n).filter(|a| group[*a] == of));
    let pools: BTreeMap<usize, Arc<Mat<f64>>> =
        group.iter().map(|of| (*of, Arc::new(pool(*of)))).collect();
    group.iter().map(|of| Arc::clone(&pools[of])).collect()
}

/// The mean second moment over some contexts, drawn towards a sphere.
fn pool(statistics: &Statistics, slots: impl Iterator<Item = usize>) -> Mat<f64> {
    let dim = statistics.dim();
    let mut sum = Mat::zeros(dim, dim);
    let mut total = 0.0;
    for slot in slots {
        let (moment, count) = statistics.moment(slot, slot);
        sum += moment;
        total += count;
    }
    let size = trace(sum.as_ref()) / total / dim as f64;
    let weight = total / (total + SPHERING);
    Mat::from_fn(dim, dim, |i, j| {
        weight * sum[(i, j)] / total + if i == j { (1.0 - weight) * size } else { 0.0 }
    })
}

/// A context's second moment, drawn towards the pooled one of its own size.
fn own_block(statistics: &Statistics, slot: usize, pooled: &Mat<f64>, size: f64) -> Mat<f64> {
    let (moment, count) = statistics.moment(slot, slot);
    let own = trace(moment.as_ref()) / count;
    let weight = count / (count + POOLING * pooled.nrows() as f64);
    Mat::from_fn(pooled.nrows(), pooled.ncols(), |i, j| {
        weight * moment[(i, j)] / count + (1.0 - weight) * own / size * pooled[(i, j)]
    })
}

/// Returns the correlation of embeddings in two contexts whose covariances have traces of the product
/// `joint²`, drawn towards none.
fn correlation(statistics: &Statistics, (a, b): (usize, usize), joint: f64) -> f64 {
    let (moment, count) = statistics.moment(a, b);
    let shrinkage = count / (count + INDEPENDENCE);
    shrinkage * (trace(moment.as_ref()) / count / joint).clamp(-1.0, 1.0)
}

/// A pair's second moment, drawn towards `expected` times the pooled covariance.
fn pair_block(
    statistics: &Statistics,
    (a, b): (usize, usize),
    pooled: &Mat<f64>,
    expected: f64,
) -> Mat<f64> {
    let (moment, count) = statistics.moment(a, b);
    let weight = count / (count + POOLING * pooled.nrows() as f64);
    Mat::from_fn(pooled.nrows(), pooled.ncols(), |i, j| {
        weight * moment[(i, j)] / count + (1.0 - weight) * expected * pooled[(i, j)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statistics(pairs: &[([usize; 2], f64)]) -> Statistics {
        let mut statistics = Statistics::new(1, 4, 1);
        for (slots, product) in pairs {
            let moment = Mat::from_fn(2, 2, |i, j| if i == j { 1.0 } else { *product });
            statistics.add_moment(slots, &moment, 1000.0);
        }
        statistics.add_moment(&[3], &Mat::from_fn(1, 1, |_, _| 9.0), 1000.0);
        statistics
    }

    #[test]
    fn contexts_pool_with_those_they_share_perturbations_with_only() {
        let covariance = ContextCovariance::estimate(&statistics(&[([0, 1], 0.8), ([1, 2], 0.5)]));
        let variance = |slot: usize| covariance.between(&[slot], &[slot])[(0, 0)];
        assert!((variance(0) - 1.0).abs() < 1e-9 && (variance(3) - 9.0).abs() < 1e-9);
        assert!((covariance.between(&[0], &[1])[(0, 0)] - 0.8).abs() < 0.01);
        assert!((covariance.correlation(1, 2) - 0.5).abs() < 0.01);
        for unlinked in [(0, 2), (0, 3)] {
            assert_eq!(covariance.between(&[unlinked.0], &[unlinked.1])[(0, 0)].to_bits(), 0);
        }
    }

    #[test]
    fn correlations_that_contradict_each_other_are_lessened_until_they_fit() {
        let contradictory = [([0, 1], 0.99), ([1, 2], 0.99), ([0, 2], -0.99)];
        let covariance = ContextCovariance::estimate(&statistics(&contradictory));
        let precision = covariance.precision(&[0, 1, 2]).unwrap();
        assert!((0..3).all(|i| precision[(i, i)].is_finite() && precision[(i, i)] > 0.0));
    }
}
