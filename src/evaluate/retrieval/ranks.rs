use crate::error::{Error, Result};

use super::task::{RetrievalQuery, RetrievalTask};

/// The metrics of a query, in the order of [`Scores`].
pub const METRICS: [&str; 6] = ["hit@1", "hit@10", "hit@50", "AUROC", "MRR", "mAP"];

/// One query's metrics; a method's figure is their mean over queries.
///
/// From the best rank `r` among a panel of `n`: `r ≤ 1`, `r ≤ 10`, `r ≤ 50`, `1 − r/n`, `1/r`; and the
/// average precision over all labelled targets.
pub type Scores = [f64; METRICS.len()];

/// Anything that says how similar a compound is to each gene of a panel.
///
/// Closures `Fn(query row, panel rows, out)` are sources.
pub trait SimilaritySource {
    /// Writes the similarity of dataset row `query` to each row of `panel` into `out`, in the panel's order; larger is more similar.
    ///
    /// # Errors
    /// When a row is unknown to the source.
    fn similarities(&self, query: u32, panel: &[u32], out: &mut [f64]) -> Result<()>;
}

impl<F: Fn(u32, &[u32], &mut [f64]) -> Result<()>> SimilaritySource for F {
    fn similarities(&self, query: u32, panel: &[u32], out: &mut [f64]) -> Result<()> {
        self(query, panel, out)
    }
}

/// Embeddings as a source: one unit vector per row of the dataset, compared by dot product.
#[derive(Debug, Clone, Copy)]
pub struct UnitVectors<'a> {
    vectors: &'a [f32],
    dim: usize,
}

impl<'a> UnitVectors<'a> {
    /// Wraps `n × dim` numbers, row after row.
    ///
    /// # Errors
    /// When `dim` is zero or does not divide the length.
    pub fn new(vectors: &'a [f32], dim: usize) -> Result<Self> {
        if dim == 0 || !vectors.len().is_multiple_of(dim) {
            return Err(Error::parameter("dim", "a divisor of the vectors' length", dim));
        }
        Ok(Self { vectors, dim })
    }

    fn vector(&self, row: u32) -> Result<&'a [f32]> {
        let start = row as usize * self.dim;
        self.vectors.get(start..start + self.dim).ok_or_else(|| {
            Error::data(
                "the embeddings",
                format!("there is no row {row} among {}", self.vectors.len() / self.dim),
                "evaluate an index with the dataset it was built from",
            )
        })
    }
}

impl SimilaritySource for UnitVectors<'_> {
    fn similarities(&self, query: u32, panel: &[u32], out: &mut [f64]) -> Result<()> {
        let query = self.vector(query)?;
        for (similarity, row) in out.iter_mut().zip(panel) {
            let pairs = query.iter().zip(self.vector(*row)?);
            *similarity = pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        }
        Ok(())
    }
}

/// Where each query's targets stand in the panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranks {
    n_panel: usize,
    of_query: Vec<Vec<u32>>,
}

impl Ranks {
    /// Ranks the panel for each query: 1 + the number of genes with strictly larger similarity, so
    /// ties share the better rank. A NaN similarity counts as the smallest.
    ///
    /// # Errors
    /// When the source fails.
    pub fn of(task: &RetrievalTask, source: &dyn SimilaritySource) -> Result<Self> {
        let mut similarities = vec![0.0; task.panel().len()];
        let mut of_query = Vec::with_capacity(task.queries().len());
        for query in task.queries() {
            similarities.fill(f64::NEG_INFINITY);
            source.similarities(query.row, task.panel(), &mut similarities)?;
            of_query.push(ranks_of_targets(query, &similarities));
        }
        Ok(Self { n_panel: task.panel().len(), of_query })
    }

    /// Returns the ranks of each query's targets, ascending.
    #[must_use]
    pub fn of_queries(&self) -> &[Vec<u32>] {
        &self.of_query
    }

    /// Returns each query's metrics.
    #[must_use]
    pub fn scores(&self) -> Vec<Scores> {
        self.of_query.iter().map(|ranks| scores_of(ranks, self.n_panel)).collect()
    }
}

fn ranks_of_targets(query: &RetrievalQuery, similarities: &[f64]) -> Vec<u32> {
    let rank = |target: &u32| {
        let own = similarities[*target as usize];
        let is_larger = |other: &&f64| !other.is_nan() && (own.is_nan() || **other > own);
        1 + similarities.iter().filter(is_larger).count() as u32
    };
    let mut ranks: Vec<u32> = query.targets.iter().map(rank).collect();
    ranks.sort_unstable();
    ranks
}

fn scores_of(ascending: &[u32], n_panel: usize) -> Scores {
    let best = f64::from(ascending.first().copied().unwrap_or(u32::MAX));
    let hit = |k: f64| f64::from(u8::from(best <= k));
    let auroc = 1.0 - best / n_panel as f64;
    [hit(1.0), hit(10.0), hit(50.0), auroc, 1.0 / best, average_precision(ascending)]
}

/// Returns the mean over targets of the share of targets among the genes up to each one's rank.
///
/// Two targets tied at rank r would give more than r targets among r genes; such a share is 1.
fn average_precision(ascending: &[u32]) -> f64 {
    let precision = |rank: &u32| {
        let found = ascending.partition_point(|other| other <= rank);
        (found as f64 / f64::from(*rank)).min(1.0)
    };
    ascending.iter().map(precision).sum::<f64>() / ascending.len() as f64
}

/// Returns the exact expectation of a query's metrics when the panel is in random order.
///
/// With `m` targets among `n`: `P(best > k) = C(n−k, m)/C(n, m)`, `E[best] = (n+1)/(m+1)`,
/// `E[1/best] = Σ_k P(best = k)/k`, `E[AP] = (H_n + (m−1)(n−H_n)/(n−1))/n` with the harmonic number `H_n`.
#[must_use]
pub fn random_scores(n_panel: usize, n_targets: usize) -> Scores {
    let (n, m) = (n_panel as f64, n_targets as f64);
    let mut beyond = 1.0; // P(best > k), from k = 0
    let (mut reciprocal, mut harmonic) = (0.0, 0.0);
    let mut hits = [0.0; 3];
    for k in 1..=n_panel {
        let left = n - (k - 1) as f64;
        let next = beyond * ((left - m) / left).max(0.0);
        reciprocal += (beyond - next) / k as f64;
        harmonic += 1.0 / k as f64;
        beyond = next;
        for (hit, within) in hits.iter_mut().zip([1, 10, 50]) {
            if k <= within {
                *hit = 1.0 - beyond;
            }
        }
    }
    let others = if n_panel > 1 { (m - 1.0) * (n - harmonic) / (n - 1.0) } else { 0.0 };
    let auroc = 1.0 - (n + 1.0) / (m + 1.0) / n;
    [hits[0], hits[1], hits[2], auroc, reciprocal, (harmonic + others) / n]
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::seq::index::sample;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn task(n_panel: u32, targets: Vec<u32>) -> RetrievalTask {
        let genes = (0..n_panel).map(|i| format!("G{i}")).collect();
        let queries = vec![RetrievalQuery { row: 0, targets }];
        RetrievalTask::new((1..=n_panel).collect(), genes, queries).unwrap()
    }

    fn rank(similarities: &[f64], targets: Vec<u32>) -> Ranks {
        let task = task(similarities.len() as u32, targets);
        let source = |_: u32, _: &[u32], out: &mut [f64]| {
            out.copy_from_slice(similarities);
            Ok(())
        };
        Ranks::of(&task, &source).unwrap()
    }

    fn assert_close(received: Scores, expected: Scores, tolerance: f64) {
        for (metric, (a, b)) in METRICS.iter().zip(received.iter().zip(expected)) {
            assert!((a - b).abs() <= tolerance, "{metric}: {a} for {b}");
        }
    }

    #[test]
    fn hand_computed_ranks_and_metrics() {
        let ranks = rank(&[0.1, 0.9, 0.5, 0.7, -0.2], vec![0, 3]);
        assert_eq!(ranks.of_queries(), [[2, 4]]);
        // AP = (1/2 + 2/4) / 2
        assert_close(ranks.scores()[0], [0.0, 1.0, 1.0, 1.0 - 2.0 / 5.0, 0.5, 0.5], 1e-15);
    }

    #[test]
    fn ties_share_the_better_rank_and_precision_stays_at_most_one() {
        let ranks = rank(&[0.5, 0.5, 0.5, 0.1], vec![1, 2]);
        assert_eq!(ranks.of_queries(), [[1, 1]]);
        assert_close(ranks.scores()[0], [1.0, 1.0, 1.0, 0.75, 1.0, 1.0], 1e-15);
    }

    #[test]
    fn a_similarity_that_is_not_a_number_ranks_last() {
        assert_eq!(rank(&[f64::NAN, -0.5, -0.9], vec![0, 2]).of_queries(), [[2, 3]]);
    }

    #[test]
    fn the_random_expectation_equals_a_simulation() {
        let mut rng = ChaCha8Rng::seed_from_u64(17);
        for (n, m) in [(80, 1), (80, 3), (200, 7), (5, 5), (1, 1)] {
            let n_draws = 20_000;
            let mut mean = [0.0; METRICS.len()];
            for _ in 0..n_draws {
                let mut ranks: Vec<u32> =
                    sample(&mut rng, n, m).iter().map(|rank| rank as u32 + 1).collect();
                ranks.sort_unstable();
                for (sum, score) in mean.iter_mut().zip(scores_of(&ranks, n)) {
                    *sum += score / f64::from(n_draws);
                }
            }
            assert_close(random_scores(n, m), mean, 0.012);
        }
    }

    #[test]
    fn unit_vectors_are_compared_by_dot_product() {
        let vectors = [1.0, 0.0, 0.6, 0.8, 0.0, 1.0];
        let source = UnitVectors::new(&vectors, 2).unwrap();
        let mut out = [0.0; 2];
        source.similarities(0, &[1, 2], &mut out).unwrap();
        assert!((out[0] - 0.6).abs() < 1e-7 && out[1].abs() < 1e-7);
        assert!(source.similarities(0, &[1, 3], &mut out).is_err());
        assert!(UnitVectors::new(&vectors, 4).is_err());
    }
}
