use rayon::prelude::*;

use super::graph::FlatGraph;
use super::scratch::{WalkParameters, WalkScratch};
use crate::embedding::{Neighbour, scan_batch};
use crate::error::Result;

/// Neighbours over which recall is taken.
const K: usize = 10;

/// The first step of the ladder of `ef`; each later one is half as much again.
const FIRST_EF: usize = 16;

/// A search width and what it finds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EfChoice {
    /// Candidates kept in a walk.
    pub ef: usize,
    /// Recall@10 against the exact scan on the queries it was chosen with.
    pub recall: f64,
}

/// Returns the smallest `ef` of a ladder (16, 24, 36, … n) whose recall@10 on the given queries is at least `target_recall`.
///
/// Queries should be of the kind that will be asked: compounds in a graph of genes lie off its
/// distribution and need a wider search than genes would. Where even `ef = n` falls short, that is
/// returned with the recall it has. Without queries the answer is n, the safe one.
///
/// # Shapes
/// `vectors`: the matrix of the graph, n × dim; `queries`: m × dim.
///
/// # Errors
/// As [`FlatGraph::search`].
pub fn choose_ef(
    graph: &FlatGraph,
    vectors: &[f32],
    queries: &[f32],
    target_recall: f64,
) -> Result<EfChoice> {
    let n_rows = graph.n_rows();
    let exact = scan_batch(vectors, graph.dim(), queries, None, K);
    let mut ef = if exact.is_empty() { n_rows } else { FIRST_EF.min(n_rows) };
    loop {
        let recall = recall(graph, vectors, queries, &exact, ef)?;
        if recall >= target_recall || ef >= n_rows {
            return Ok(EfChoice { ef, recall });
        }
        ef = (ef + ef / 2).min(n_rows);
    }
}

/// Returns the share of the exact neighbours that walks of width `ef` find; 1 without queries.
fn recall(
    graph: &FlatGraph,
    vectors: &[f32],
    queries: &[f32],
    exact: &[Vec<Neighbour>],
    ef: usize,
) -> Result<f64> {
    let parameters = WalkParameters { k: K, ef };
    let n_found: usize = queries
        .par_chunks_exact(graph.dim())
        .zip(exact)
        .map_init(WalkScratch::default, |scratch, (query, exact)| {
            let found = graph.search(vectors, query, &parameters, None, scratch)?;
            Ok(exact.iter().filter(|neighbour| found.contains(neighbour)).count())
        })
        .sum::<Result<usize>>()?;
    let n_wanted: usize = exact.iter().map(Vec::len).sum();
    Ok(if n_wanted == 0 { 1.0 } else { n_found as f64 / n_wanted as f64 })
}
