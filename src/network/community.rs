//! Groups of nodes that are joined more among themselves than with others: the only door to `leiden_rs`.

use leiden_rs::{GraphDataBuilder, Leiden, LeidenConfig};

use super::edge::Edge;
use super::enrichment::SharedMechanism;
use crate::error::{Error, Result};

/// Smaller groups are pairs, which the edges show.
const FEWEST_NODES: usize = 3;

/// Nodes that are joined more among themselves than with others.
#[derive(Debug, Clone, PartialEq)]
pub struct Community {
    /// Positions of its nodes, ascending.
    pub nodes: Vec<usize>,
    /// Mechanisms and targets that its members share more often than neighbours of any perturbation do, the surest
    /// first.
    pub mechanisms: Vec<SharedMechanism>,
}

/// Groups nodes by their positive edges, weighted by similarity (Leiden, Traag et al. 2019; modularity with a
/// resolution): the largest first, each of three nodes or more. The same seed gives the same groups.
///
/// # Errors
/// When the resolution is not a positive number.
pub(super) fn communities(
    n_nodes: usize,
    edges: &[Edge],
    resolution: f64,
    seed: u64,
) -> Result<Vec<Vec<usize>>> {
    if !(resolution.is_finite() && resolution > 0.0) {
        return Err(Error::parameter("resolution", "a number above 0", resolution));
    }
    let failed = |error: leiden_rs::LeidenError| {
        Error::engine("leiden-rs", "group the nodes")(error.to_string())
    };
    let mut graph = GraphDataBuilder::new(n_nodes);
    let mut positive = edges.iter().filter(|edge| edge.similarity > 0.0).peekable();
    if positive.peek().is_none() {
        return Ok(Vec::new());
    }
    for Edge { nodes: (i, j), similarity, .. } in positive {
        graph.add_edge(*i, *j, f64::from(*similarity)).map_err(failed)?;
    }
    let config = LeidenConfig { resolution, seed: Some(seed), ..LeidenConfig::default() };
    let found = Leiden::new(config).run(&graph.build().map_err(failed)?).map_err(failed)?;
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (node, group) in found.partition.iter() {
        if groups.len() <= group {
            groups.resize(group + 1, Vec::new());
        }
        groups[group].push(node);
    }
    groups.retain(|nodes| nodes.len() >= FEWEST_NODES);
    groups.iter_mut().for_each(|nodes| nodes.sort_unstable());
    groups.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
    Ok(groups)
}
