use serde::{Deserialize, Serialize};

use super::all_pairs::AllPairs;
use super::task::NetworkTask;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::evaluate::retrieval::profile_similarities;
use crate::evaluate::{Bootstrap, Estimate};
use crate::experiment::PerturbationType;

/// Names of the figures, in their order: the share of known pairs among the nearest and the farthest twentieth of all pairs
/// (EFAAR, Celik et al. 2024) and among the nearest alone, the share of known ones among the nearest 1,000 and 10,000
/// pairs, and the area under the precision–recall curve (average precision).
pub const NETWORK_METRICS: [&str; 5] =
    ["recall 5 % tails", "recall top 5 %", "P@1000", "P@10000", "AUPRC"];

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

/// Returns `correlation` and `whitened-correlation` of the genes' mean profiles, as in the retrieval protocol.
///
/// # Errors
/// When the dataset has too few genes, or their profiles are constant.
pub fn profile_baselines(
    dataset: &Dataset,
    genetic: PerturbationType,
    panel: &[u32],
) -> Result<Vec<(String, AllPairs)>> {
    let named = profile_similarities(dataset, genetic, panel)?;
    let pairs = named.map(|(name, matrix)| Ok((name.to_owned(), AllPairs::of_matrix(&matrix)?)));
    pairs.into_iter().collect()
}

/// Compares methods on the known pairs of a task, by their similarities of all pairs of its panel; the last is the
/// candidate.
///
/// Intervals come from genes drawn again: a pair counts as often as both its genes were drawn, thresholds and ranks stay
/// those of the data.
///
/// ```
/// use phenocopy::evaluate::network::{AllPairs, evaluate_network};
/// use phenocopy::evaluate::{Bootstrap, NetworkTask};
///
/// let task = NetworkTask::new("complexes", vec![0, 1, 2], [(0, 1)])?;
/// let vectors = [[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]];
/// let pairs = AllPairs::of_vectors(3, |at| &vectors[at])?;
/// let report = evaluate_network(&task, &[("cosine".to_owned(), pairs)], &Bootstrap::default())?;
/// assert_eq!(report.methods[0].metrics[1].value, 1.0, "the known pair is the nearest");
/// # Ok::<(), phenocopy::Error>(())
/// ```
///
/// # Errors
/// When a method is of other genes, or the bootstrap's parameters cannot be used.
pub fn evaluate_network(
    task: &NetworkTask,
    methods: &[(String, AllPairs)],
    bootstrap: &Bootstrap,
) -> Result<NetworkReport> {
    let n_genes = task.panel().len();
    if let Some((name, all)) = methods.iter().find(|(_, all)| all.n_genes() != n_genes) {
        let problem = format!("`{name}` is of {} genes, the panel of {n_genes}", all.n_genes());
        return Err(Error::data("the network task", problem, "compare the genes of its panel"));
    }
    let measured: Vec<Measured> = methods.iter().map(|(_, all)| Measured::of(task, all)).collect();
    let known = task.pairs();
    let report = |((name, _), measured): (&(String, AllPairs), &Measured)| {
        let [tails, top, auprc] = bootstrap.estimate_pairs(&measured.known, known, n_genes)?;
        let [first, more] = &measured.nearest;
        let precision = |(pairs, hits): &Marked| bootstrap.estimate_pairs(hits, pairs, n_genes);
        let ([first], [more]) = (precision(first)?, precision(more)?);
        Ok(NetworkMethod { name: name.clone(), metrics: [tails, top, first, more, auprc] })
    };
    let difference = |(name, other): (&String, &Measured)| {
        let candidate = measured.last().map_or(&[][..], |candidate| &candidate.known);
        let pairs = candidate.iter().zip(&other.known);
        let values: Vec<[f64; 3]> =
            pairs.map(|(a, b)| std::array::from_fn(|k| a[k] - b[k])).collect();
        let metrics = bootstrap.estimate_pairs(&values, known, n_genes)?;
        Ok(NetworkDifference { baseline: name.clone(), metrics })
    };
    let n_others = methods.len().saturating_sub(1);
    let others = methods.iter().map(|(name, _)| name).zip(&measured).take(n_others);
    Ok(NetworkReport {
        name: task.name().to_owned(),
        n_genes,
        n_pairs: n_genes * n_genes.saturating_sub(1) / 2,
        n_known: known.len(),
        n_outside: task.n_outside(),
        methods: methods.iter().zip(&measured).map(report).collect::<Result<_>>()?,
        differences: others.map(difference).collect::<Result<_>>()?,
    })
}

/// Pairs, and of each 1 if it is known, else 0.
type Marked = (Vec<(u32, u32)>, Vec<[f64; 1]>);

/// What one method makes of the known pairs.
struct Measured {
    /// Of each known pair: in a tail, at the top, precision at its rank.
    known: Vec<[f64; 3]>,
    /// The nearest pairs.
    nearest: [Marked; 2],
}

impl Measured {
    fn of(task: &NetworkTask, all: &AllPairs) -> Self {
        let is = |holds: bool| f64::from(u8::from(holds));
        let mut is_known = vec![false; all.order().len()];
        task.pairs().iter().for_each(|pair| is_known[all.position_of(*pair)] = true);
        let mut precision = vec![0.0; is_known.len()];
        let mut n_known = 0.0;
        for (rank, at) in all.order().iter().enumerate() {
            n_known += is(is_known[*at as usize]);
            precision[*at as usize] = n_known / (rank + 1) as f64;
        }
        let (low, high) = all.tails(TAIL);
        let of_pair = |pair: &(u32, u32)| {
            let value = all.of(*pair);
            let in_a_tail = is(value <= low || value >= high);
            [in_a_tail, is(value >= high), precision[all.position_of(*pair)]]
        };
        let nearest = TOPS.map(|n| {
            let first = all.order().iter().take(n);
            first.map(|at| (all.pair(*at), [is(is_known[*at as usize])])).unzip()
        });
        Self { known: task.pairs().iter().map(of_pair).collect(), nearest }
    }
}
