use serde::{Deserialize, Serialize};

use super::all_pairs::AllPairs;
use super::task::NetworkTask;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::evaluate::retrieval::profile_similarities;
use crate::evaluate::{Bootstrap, Estimate};
use crate::experiment::PerturbationType;

/// Names of the figures, in their order: the share of known pairs among the nearest and the farthest twentieth of all pairs
/// (EFAAR, Celik et al. 2024) and among the nearest alone, the share of known ones among the nearest 1,000 and 10,000
/// pairs, and the area under the precision–recall curve (average precision).
pub const NETWORK_METRICS: [&str; 5] =
    ["recall 5 % tails", "recall top 5 %", "precision@1000", "precision@10000", "AUPRC"];

const TAIL: f64 = 0.05;
const TOPS: [usize; 2] = [1_000, 10_000];

/// One method's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkMethod {
    /// The method.
    pub name: String,
    /// In the order of [`NETWORK_METRICS`].
    pub metrics: [Estimate; 5],
}

/// By how much the candidate is above another method, on the same pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkDifference {
    /// The other method.
    pub baseline: String,
    /// Recall in the tails, at the top, and AUPRC; precision is of other pairs for each method, so that it has none.
    pub metrics: [Estimate; 3],
}

/// How well methods find the known pairs of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkReport {
    /// What the pairs are called.
    pub name: String,
    /// Genes, all pairs of them, and known pairs.
    pub n_genes: usize,
    /// All pairs.
    pub n_pairs: usize,
    /// Known pairs.
    pub n_known: usize,
    /// Given pairs of which a gene is not in the panel.
    pub n_outside: usize,
    /// The last is the candidate.
    pub methods: Vec<NetworkMethod>,
    /// The candidate against each of the others.
    pub differences: Vec<NetworkDifference>,
}

/// Compares methods on the known pairs of a task.
#[derive(Debug)]
pub struct NetworkEvaluation<'a> {
    task: &'a NetworkTask,
    methods: Vec<Measured>,
}

/// What one method makes of the known pairs.
#[derive(Debug)]
struct Measured {
    name: String,
    /// Of each known pair: in a tail, at the top, precision at its rank.
    known: Vec<[f64; 3]>,
    /// Of the nearest pairs: which, and whether known.
    nearest: [Vec<((u32, u32), f64)>; 2],
}

impl<'a> NetworkEvaluation<'a> {
    /// Creates an evaluation without methods.
    #[must_use]
    pub fn new(task: &'a NetworkTask) -> Self {
        Self { task, methods: Vec::new() }
    }

    /// Adds `correlation` and `whitened-correlation` of the genes' mean profiles, as in the retrieval protocol.
    ///
    /// # Errors
    /// When the dataset has too few genes, or their profiles are constant.
    pub fn add_profile_baselines(
        &mut self,
        dataset: &Dataset,
        genetic: PerturbationType,
    ) -> Result<()> {
        for (name, matrix) in profile_similarities(dataset, genetic, self.task.panel())? {
            self.add(name, &AllPairs::of_matrix(&matrix)?);
        }
        Ok(())
    }

    /// Adds a method by the similarities of all pairs of the panel; the last one added is the candidate.
    pub fn add(&mut self, name: impl Into<String>, all: &AllPairs) {
        let known = self.task.pairs();
        let marks = all.marks(known);
        let order = all.nearest(all.len());
        let mut precision = vec![0.0; all.len()];
        let mut n_known = 0.0;
        for (rank, at) in order.iter().enumerate() {
            n_known += f64::from(u8::from(marks[*at as usize]));
            precision[*at as usize] = n_known / (rank + 1) as f64;
        }
        let (low, high) = all.tails(TAIL);
        let of_pair = |pair: &(u32, u32)| {
            let value = all.of(*pair);
            let is = |holds: bool| f64::from(u8::from(holds));
            let at_rank = precision[all.position_of(*pair)];
            [is(value <= low || value >= high), is(value >= high), at_rank]
        };
        let top = |n: usize| {
            let first = order.iter().take(n);
            let mark = |at: &u32| (all.pair(*at), f64::from(u8::from(marks[*at as usize])));
            first.map(mark).collect::<Vec<_>>()
        };
        self.methods.push(Measured {
            name: name.into(),
            known: known.iter().map(of_pair).collect(),
            nearest: TOPS.map(top),
        });
    }

    /// Returns the figures with intervals from genes drawn again: a pair counts as often as both its genes were drawn.
    /// Thresholds and ranks stay those of the data.
    ///
    /// # Errors
    /// When the bootstrap's parameters cannot be used.
    pub fn report(&self, bootstrap: &Bootstrap) -> Result<NetworkReport> {
        let n_genes = self.task.panel().len();
        let known = self.task.pairs();
        let mut methods = Vec::new();
        for method in &self.methods {
            let [tails, top, auprc] = bootstrap.estimate_pairs(&method.known, known, n_genes)?;
            let mut precision = Vec::new();
            for nearest in &method.nearest {
                let (pairs, hits): (Vec<(u32, u32)>, Vec<[f64; 1]>) =
                    nearest.iter().map(|(pair, hit)| (*pair, [*hit])).unzip();
                let [estimate] = bootstrap.estimate_pairs(&hits, &pairs, n_genes)?;
                precision.push(estimate);
            }
            let metrics = [tails, top, precision[0], precision[1], auprc];
            methods.push(NetworkMethod { name: method.name.clone(), metrics });
        }
        let mut differences = Vec::new();
        if let Some((candidate, others)) = self.methods.split_last() {
            for other in others {
                let pairs = candidate.known.iter().zip(&other.known);
                let values: Vec<[f64; 3]> =
                    pairs.map(|(a, b)| std::array::from_fn(|k| a[k] - b[k])).collect();
                let metrics = bootstrap.estimate_pairs(&values, known, n_genes)?;
                differences.push(NetworkDifference { baseline: other.name.clone(), metrics });
            }
        }
        Ok(NetworkReport {
            name: self.task.name().to_owned(),
            n_genes,
            n_pairs: n_genes * n_genes.saturating_sub(1) / 2,
            n_known: known.len(),
            n_outside: self.task.n_outside(),
            methods,
            differences,
        })
    }
}
