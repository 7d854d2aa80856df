use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// How far a walk goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalkParameters {
    /// Neighbours wanted.
    pub k: usize,
    /// Candidates kept (`efSearch`): more find more of the true neighbours and take longer; raised to `k` if below.
    pub ef: usize,
}

/// Memory of a walk, kept from one search to the next; one per thread.
#[derive(Debug, Clone, Default)]
pub struct WalkScratch {
    /// One bit per row: small enough for the first-level cache, cleared at each search.
    pub(super) visited: Vec<u64>,
    /// Nodes to expand, best on top.
    pub(super) frontier: BinaryHeap<u64>,
    /// Best allowed nodes so far, worst on top.
    pub(super) found: BinaryHeap<Reverse<u64>>,
    /// Unvisited neighbours of the node being expanded.
    pub(super) fresh: Vec<u32>,
    pub(super) n_similarities: usize,
}

impl WalkScratch {
    /// Returns how many similarities the last walk computed, its cost.
    #[must_use]
    pub fn n_similarities(&self) -> usize {
        self.n_similarities
    }

    pub(super) fn reset(&mut self, n_rows: usize) {
        self.visited.clear();
        self.visited.resize(n_rows.div_ceil(64), 0);
        self.frontier.clear();
        self.found.clear();
        self.fresh.clear();
        self.n_similarities = 0;
    }
}
