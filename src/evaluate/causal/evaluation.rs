use serde::{Deserialize, Serialize};

use super::edges::Edge;
use super::task::CausalTask;
use crate::error::{Error, Result};
use crate::evaluate::{Bootstrap, Estimate};

/// Names of the figures, in their order: the mean Wasserstein distance of the edges a method returns; the false omission
/// rate, the share of all other pairs for which the test rejects; and the share of the returned edges for which it does.
/// CausalBench estimates the second from 500 pairs that no path of the network joins; here all that are not returned count.
pub const CAUSAL_METRICS: [&str; 3] = ["mean Wasserstein", "false omission rate", "significant"];

/// A method's name, and its edges, the strongest first.
pub type RankedEdges = (String, Vec<Edge>);

/// One method's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CausalMethod {
    /// The method.
    pub name: String,
    /// How many edges it returned; none of `random`, whose figures are those to expect of any number.
    pub n_edges: Option<usize>,
    /// In the order of [`CAUSAL_METRICS`]; NaN where nothing was returned, or nothing left out.
    pub metrics: [Estimate; 3],
}

/// By how much the candidate is above another method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CausalDifference {
    /// The other method.
    pub baseline: String,
    /// In the order of [`CAUSAL_METRICS`].
    pub metrics: [Estimate; 3],
}

/// How well methods find the genes that perturbations change, in one context.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CausalReport {
    /// The context.
    pub context: String,
    /// Genes that are perturbed and measured.
    pub n_genes: usize,
    /// Genes that are perturbed and measured, but in too few of the held-out cells.
    pub n_left_out: usize,
    /// Directed pairs of them.
    pub n_pairs: usize,
    /// Pairs for which the test rejects.
    pub n_significant: usize,
    /// Held-out cells of the genes' perturbations, and controls.
    pub n_cells: (usize, usize),
    /// How many edges each method was asked for.
    pub n_edges: usize,
    /// `random` first; the last is the candidate.
    pub methods: Vec<CausalMethod>,
    /// The candidate against each of the others.
    pub differences: Vec<CausalDifference>,
}

/// Scores the first `n_edges` edges of methods on held-out cells; the last method is the candidate.
///
/// `random` is what is to be expected of edges drawn by chance. Intervals come from perturbed genes drawn again, the same for
/// all methods: one with its pairs, so that differences are paired.
///
/// # Errors
/// When `n_edges` is 0, an edge is of no genes of the task, or the bootstrap's parameters cannot be used.
pub fn evaluate_causal(
    task: &CausalTask<'_>,
    methods: &[RankedEdges],
    n_edges: usize,
    bootstrap: &Bootstrap,
) -> Result<CausalReport> {
    if n_edges == 0 {
        return Err(Error::parameter("edges", "at least 1", n_edges));
    }
    let all = Tally::of_all(task);
    let mut tallies = vec![("random", None, all.clone())];
    for (name, edges) in methods {
        let returned = &edges[..edges.len().min(n_edges)];
        tallies.push((name, Some(returned.len()), Tally::of(task, name, returned, &all)?));
    }
    let n_genes = task.n_genes();
    let method = |(name, n_edges, tally): &(&str, Option<usize>, Tally)| {
        let metrics = bootstrap.estimate_by(n_genes, |weights| tally.figures(weights))?;
        Ok(CausalMethod { name: (*name).to_owned(), n_edges: *n_edges, metrics })
    };
    let difference = |(name, _, other): &(&str, Option<usize>, Tally)| {
        let candidate = tallies.last().map_or(&all, |(.., candidate)| candidate);
        let metrics = bootstrap.estimate_by(n_genes, |weights| {
            let (own, others) = (candidate.figures(weights), other.figures(weights));
            std::array::from_fn(|at| own[at] - others[at])
        })?;
        Ok(CausalDifference { baseline: (*name).to_owned(), metrics })
    };
    let others = &tallies[..tallies.len() - 1];
    Ok(CausalReport {
        context: task.context().to_owned(),
        n_genes,
        n_left_out: task.n_left_out(),
        n_pairs: task.n_pairs(),
        n_significant: all.returned.iter().map(|sums| sums.n_significant).sum(),
        n_cells: task.n_cells(),
        n_edges,
        methods: tallies.iter().map(method).collect::<Result<_>>()?,
        differences: others.iter().map(difference).collect::<Result<_>>()?,
    })
}

/// What the pairs of one perturbed gene add up to.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    n: usize,
    distance: f64,
    n_significant: usize,
}

impl Sums {
    fn add(&mut self, (distance, is_significant): (f64, bool)) {
        self.n += 1;
        self.distance += distance;
        self.n_significant += usize::from(is_significant);
    }
}

/// The returned edges of a method, and the pairs it left out, by perturbed gene.
#[derive(Debug, Clone)]
struct Tally {
    returned: Vec<Sums>,
    omitted: Vec<Sums>,
}

impl Tally {
    /// Counts every pair as returned, and as left out: what random edges are drawn from.
    fn of_all(task: &CausalTask<'_>) -> Self {
        let n = task.n_genes() as u32;
        let of_source = |source: u32| {
            let mut sums = Sums::default();
            let targets = (0..n).filter(|target| *target != source);
            targets.for_each(|target| sums.add(task.outcome((source, target))));
            sums
        };
        let all: Vec<Sums> = (0..n).map(of_source).collect();
        Self { returned: all.clone(), omitted: all }
    }

    fn of(task: &CausalTask<'_>, name: &str, edges: &[Edge], all: &Self) -> Result<Self> {
        let mut returned = vec![Sums::default(); task.n_genes()];
        for edge in edges {
            let outcome = task.outcome(*edge);
            let sums = returned.get_mut(edge.0 as usize).filter(|_| !outcome.0.is_nan());
            let Some(sums) = sums else {
                let problem = format!("{edge:?} is no edge of two of {} genes", task.n_genes());
                return Err(Error::data(format!("`{name}`"), problem, "give edges of the task"));
            };
            sums.add(outcome);
        }
        let left_out = |(all, returned): (&Sums, &Sums)| Sums {
            n: all.n.saturating_sub(returned.n),
            distance: all.distance - returned.distance,
            n_significant: all.n_significant.saturating_sub(returned.n_significant),
        };
        let omitted = all.returned.iter().zip(&returned).map(left_out).collect();
        Ok(Self { returned, omitted })
    }

    /// Returns the figures where each perturbed gene counts as often as it was drawn.
    fn figures(&self, weights: &[f64]) -> [f64; 3] {
        let total = |sums: &[Sums], of: fn(&Sums) -> f64| -> f64 {
            sums.iter().zip(weights).map(|(sums, weight)| weight * of(sums)).sum()
        };
        let (n, n_significant) =
            (|sums: &Sums| sums.n as f64, |sums: &Sums| sums.n_significant as f64);
        let n_returned = total(&self.returned, n);
        [
            total(&self.returned, |sums| sums.distance) / n_returned,
            total(&self.omitted, n_significant) / total(&self.omitted, n),
            total(&self.returned, n_significant) / n_returned,
        ]
    }
}
