use super::query::Via;
use crate::embedding::{Neighbour, RowSet, TopK, scan};
use crate::error::Result;
use crate::experiment::Side;
use crate::index::Index;
use crate::index::vector::{SCAN_BELOW_ROWS, WalkParameters, WalkScratch};

/// What found the neighbours of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The walk of a graph.
    Graph,
    /// The exact scan.
    Scan,
}

impl Engine {
    /// Chooses for a side with `n_allowed` of its `n_rows` rows in the panel.
    ///
    /// A walk pays from [`SCAN_BELOW_ROWS`] rows on; under a filter it has to visit
    /// `n_rows / n_allowed` nodes per allowed one, so the scan of the allowed rows wins unless
    /// nearly all are allowed.
    #[must_use]
    pub fn choose(via: Via, n_allowed: usize, n_rows: usize) -> Self {
        match via {
            Via::Graph => Self::Graph,
            Via::Scan => Self::Scan,
            Via::Auto if n_allowed >= SCAN_BELOW_ROWS && n_allowed * 2 >= n_rows => Self::Graph,
            Via::Auto => Self::Scan,
        }
    }
}

/// The neighbours of a vector within a panel, best first, and what found them.
pub(super) fn nearest(
    index: &Index,
    query: &[f32],
    sides: &[Side],
    panel: &RowSet,
    (k, via): (usize, Via),
) -> Result<(Vec<Neighbour>, Engine)> {
    let mut top = TopK::new(k);
    let mut engine = Engine::Scan;
    for side in sides {
        let (neighbours, used) = nearest_on_side(index, query, *side, panel, (k, via))?;
        neighbours.into_iter().for_each(|neighbour| top.offer(neighbour));
        if used == Engine::Graph {
            engine = used;
        }
    }
    Ok((top.into_sorted(), engine))
}

fn nearest_on_side(
    index: &Index,
    query: &[f32],
    side: Side,
    panel: &RowSet,
    (k, via): (usize, Via),
) -> Result<(Vec<Neighbour>, Engine)> {
    let range = index.range(side);
    let allowed = panel.slice(range.clone());
    let engine = Engine::choose(via, allowed.len(), range.len());
    // Without a filter neither engine needs to ask whether a row is allowed.
    let allowed = Some(&allowed).filter(|rows| rows.len() < range.len());
    let vectors = index.vectors(range.clone());
    let neighbours = match (engine, index.graph(side)) {
        (Engine::Graph, Some((graph, summary))) => {
            let parameters = WalkParameters { k, ef: summary.ef_search.max(k) };
            let mut scratch = WalkScratch::default();
            graph.search(vectors, query, &parameters, allowed, &mut scratch)?
        }
        _ => scan(vectors, index.dim(), query, allowed, k),
    };
    let shift = range.start as u32;
    let global = |n: Neighbour| Neighbour { row: n.row + shift, similarity: n.similarity };
    Ok((neighbours.into_iter().map(global).collect(), engine))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_panels_and_selective_filters_are_scanned() {
        assert_eq!(Engine::choose(Via::Auto, 2_000, 2_000), Engine::Scan);
        assert_eq!(Engine::choose(Via::Auto, 1_000_000, 1_000_000), Engine::Graph);
        assert_eq!(Engine::choose(Via::Auto, 30_000, 1_000_000), Engine::Scan);
        assert_eq!(Engine::choose(Via::Graph, 1, 1_000_000), Engine::Graph);
    }
}
