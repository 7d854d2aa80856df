use serde::{Deserialize, Serialize};

use super::super::bootstrap::Estimate;
use super::evaluation::Role;
use super::ranks::Ranks;
use super::task::RetrievalTask;

/// The k at which a [`RankCurve`] has intervals.
pub const CURVE_HITS: [usize; 5] = [1, 5, 10, 50, 100];

/// How far down the list a method's targets begin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankCurve {
    /// The method.
    pub name: String,
    /// Baseline or candidate.
    pub role: Role,
    /// At k − 1: the share of queries with a target among the first k genes, for k from 1 to the panel's size; ascending to 1.
    pub shares: Vec<f64>,
    /// The same share with an interval, at each k of [`CURVE_HITS`].
    pub hits: [Estimate; CURVE_HITS.len()],
}

/// The rank of each query's best target.
#[derive(Debug)]
pub(super) enum BestRanks {
    /// In the order of the task's queries.
    Known(Vec<u32>),
    /// Any order of the panel is as likely as another.
    Random,
}

impl BestRanks {
    pub(super) fn of(ranks: &Ranks) -> Self {
        let best = |ascending: &Vec<u32>| ascending.first().copied().unwrap_or(u32::MAX);
        Self::Known(ranks.of_queries().iter().map(best).collect())
    }

    /// Returns the mean over `members` for every k, and for each of them the values at [`CURVE_HITS`].
    pub(super) fn curve(
        &self,
        task: &RetrievalTask,
        members: &[usize],
    ) -> (Vec<f64>, Vec<[f64; CURVE_HITS.len()]>) {
        let n_panel = task.panel().len();
        let mut shares = vec![0.0; n_panel];
        let mut hits = Vec::with_capacity(members.len());
        for member in members {
            let within = match self {
                Self::Known(best) => step(n_panel, best[*member]),
                Self::Random => random_within(n_panel, task.queries()[*member].targets.len()),
            };
            hits.push(CURVE_HITS.map(|k| within[k.min(n_panel) - 1]));
            shares.iter_mut().zip(within).for_each(|(sum, value)| *sum += value);
        }
        shares.iter_mut().for_each(|sum| *sum /= members.len() as f64);
        (shares, hits)
    }
}

fn step(n_panel: usize, best: u32) -> Vec<f64> {
    (1..=n_panel as u32).map(|k| f64::from(u8::from(best <= k))).collect()
}

/// Returns `P(best ≤ k) = 1 − C(n−k, m)/C(n, m)` for k from 1 to n.
fn random_within(n_panel: usize, n_targets: usize) -> Vec<f64> {
    let mut beyond = 1.0;
    let within = (0..n_panel).map(|k| {
        let left = (n_panel - k) as f64;
        beyond *= ((left - n_targets as f64) / left).max(0.0);
        1.0 - beyond
    });
    within.collect()
}

#[cfg(test)]
mod tests {
    use super::super::ranks::random_scores;
    use super::super::task::RetrievalQuery;
    use super::*;

    #[test]
    fn a_curve_steps_at_the_best_ranks() {
        let queries = [vec![1], vec![0, 2]].map(|targets| RetrievalQuery { row: 0, targets });
        let genes = ["A", "B", "C", "D"].map(str::to_owned).to_vec();
        let task = RetrievalTask::new(vec![1, 2, 3, 4], genes, queries.to_vec()).unwrap();
        let known = BestRanks::Known(vec![3, 2]);
        let (shares, hits) = known.curve(&task, &[0, 1]);
        assert_eq!(shares, [0.0, 0.5, 1.0, 1.0]);
        // Beyond the panel, the last.
        assert_eq!(hits, [[0.0, 1.0, 1.0, 1.0, 1.0]; 2]);
        assert_eq!(known.curve(&task, &[1]).0, [0.0, 1.0, 1.0, 1.0]);
        let (random, _) = BestRanks::Random.curve(&task, &[1]);
        assert!((random[0] - 0.5).abs() < 1e-12 && (random[1] - 5.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn the_random_curve_agrees_with_the_random_metrics() {
        for (n, m) in [(80, 1), (80, 3), (200, 7)] {
            let (within, scores) = (random_within(n, m), random_scores(n, m));
            for (k, score) in [1, 10, 50].into_iter().zip(scores) {
                assert!((within[k - 1] - score).abs() < 1e-12, "{n} {m} {k}");
            }
            assert!((within[n - 1] - 1.0).abs() < 1e-12);
        }
    }
}
