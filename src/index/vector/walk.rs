use std::cmp::Reverse;

use pulp::{Arch, Simd, WithSimd};

use super::graph::{FlatGraph, Layer};
use super::key::{key_of, row_of, similarity_of};
use super::links::{NONE, Words};
use super::scratch::{WalkParameters, WalkScratch};
use crate::embedding::dot::{TILE, dot, dot_rows};
use crate::embedding::half::dot_half_rows;
use crate::embedding::{Neighbour, RowSet, check_query, scan};
use crate::error::{Error, Result};

impl FlatGraph {
    /// Returns the `k` most similar rows found by a walk, best first.
    ///
    /// With a filter the walk passes through rows that are not allowed and goes on until enough
    /// allowed ones are found; when it would cost more than a scan of the allowed rows, or ends
    /// with fewer than k, the exact scan answers. So k rows come back whenever k are allowed.
    ///
    /// # Shapes
    /// `vectors`: the n × `dim` matrix the graph was built from; `query`: `dim`, unit.
    ///
    /// # Errors
    /// When `vectors` is not of that shape, or the query has another length or is not finite.
    pub fn search(
        &self,
        vectors: &[f32],
        query: &[f32],
        parameters: &WalkParameters,
        allowed: Option<&RowSet>,
        scratch: &mut WalkScratch,
    ) -> Result<Vec<Neighbour>> {
        check_query(query, self.dim)?;
        if vectors.len() != self.n_rows * self.dim {
            return Err(Error::data(
                "vectors of the graph",
                format!("{} numbers, not {} rows of {}", vectors.len(), self.n_rows, self.dim),
                "rebuild the index with `phenocopy build`",
            ));
        }
        let n_allowed = allowed.map_or(self.n_rows, RowSet::len);
        let k = parameters.k.min(n_allowed);
        if k == 0 {
            return Ok(Vec::new());
        }
        scratch.reset(self.n_rows);
        let ef = parameters.ef.max(k).min(self.n_rows);
        let budget = if allowed.is_some() { n_allowed } else { usize::MAX };
        let half = self.half.as_ref().map(Words::as_slice);
        let walk = Walk { graph: self, vectors, half, query, ef, budget, allowed, scratch };
        let neighbours = if Arch::new().dispatch(walk) {
            self.best_rows(k, allowed, scratch)
        } else {
            Vec::new()
        };
        if neighbours.len() < k {
            return Ok(scan(vectors, self.dim, query, allowed, k));
        }
        Ok(neighbours)
    }

    /// Empties `scratch.found` into rows, duplicates included.
    fn best_rows(
        &self,
        k: usize,
        allowed: Option<&RowSet>,
        scratch: &mut WalkScratch,
    ) -> Vec<Neighbour> {
        let mut nodes: Vec<u64> = scratch.found.drain().map(|Reverse(key)| key).collect();
        nodes.sort_unstable_by_key(|key| Reverse(*key));
        let mut rows: Vec<Neighbour> = Vec::with_capacity(k);
        for key in nodes {
            let (node, similarity) = (row_of(key), similarity_of(key));
            // A tie may cross the k-th place: all of it is taken, sorted, then cut.
            if rows.len() >= k && rows.last().is_some_and(|last| last.similarity > similarity) {
                break;
            }
            let chain =
                self.equal_rows(node).filter(|row| allowed.is_none_or(|a| a.contains(*row)));
            rows.extend(chain.map(|row| Neighbour { row, similarity }));
        }
        rows.sort_unstable();
        rows.truncate(k);
        rows
    }

    /// Returns a node's row and the rows of equal vectors.
    fn equal_rows(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        let next = self.next_duplicate.as_slice();
        // Chains ascend: whatever does not is damage and ends the chain.
        std::iter::successors(Some(node), move |row| {
            next.get(*row as usize).copied().filter(|next| *next != NONE && next > row)
        })
    }

    #[inline(always)]
    fn allows(&self, node: u32, allowed: Option<&RowSet>) -> bool {
        match allowed {
            None => true,
            Some(rows) => {
                rows.contains(node) || self.equal_rows(node).any(|row| rows.contains(row))
            }
        }
    }
}

/// One search; the instruction set is chosen once, for all of it.
struct Walk<'a> {
    graph: &'a FlatGraph,
    vectors: &'a [f32],
    /// What is read in their stead while walking, if the graph has it.
    half: Option<&'a [u32]>,
    query: &'a [f32],
    ef: usize,
    /// Similarities after which a scan is cheaper.
    budget: usize,
    allowed: Option<&'a RowSet>,
    scratch: &'a mut WalkScratch,
}

impl WithSimd for Walk<'_> {
    /// Whether the walk came to its end.
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) -> bool {
        let start = self.descend(simd);
        // The entry point reaches every node, the point found by descending need not.
        for seed in [start, self.graph.entry] {
            if self.visit(seed) {
                self.scratch.fresh.push(seed);
            }
        }
        self.weigh(simd);
        let is_complete = self.expand(simd);
        if is_complete && self.half.is_some() {
            self.rescore(simd);
        }
        is_complete
    }
}

impl<'a> Walk<'a> {
    /// Follows the upper layers greedily and returns the row where level 0 begins.
    #[inline(always)]
    fn descend<S: Simd>(&mut self, simd: S) -> u32 {
        let Some(top) = self.graph.upper.last() else { return self.graph.entry };
        let entry = top.rows.as_slice().binary_search(&self.graph.entry).unwrap_or(0);
        let mut place = entry as u32;
        for layer in self.graph.upper.iter().rev() {
            place = self.climb(simd, layer, place);
            let below = layer.below.as_slice().get(place as usize).copied();
            place = below.unwrap_or(self.graph.entry);
        }
        place
    }

    /// Moves to the best neighbour as long as that is better; the similarity grows, so it ends.
    #[inline(always)]
    fn climb<S: Simd>(&mut self, simd: S, layer: &Layer, start: u32) -> u32 {
        let (rows, links) = (layer.rows.as_slice(), layer.links.view());
        let row = |place: u32| rows.get(place as usize).copied().unwrap_or(NONE);
        let mut best = (self.similarity(simd, row(start)), start);
        loop {
            let centre = best.1;
            for place in links.of(centre) {
                self.prefetch(row(place));
            }
            for place in links.of(centre) {
                let similarity = self.similarity(simd, row(place));
                if similarity > best.0 {
                    best = (similarity, place);
                }
            }
            if best.1 == centre {
                return centre;
            }
        }
    }

    /// Best-first search of level 0; returns false where the budget ran out.
    #[inline(always)]
    fn expand<S: Simd>(&mut self, simd: S) -> bool {
        let base = self.graph.base();
        while let Some(key) = self.scratch.frontier.pop() {
            if key < self.threshold() {
                break;
            }
            if self.scratch.n_similarities > self.budget {
                return false;
            }
            for neighbour in base.of(row_of(key)) {
                if self.visit(neighbour) {
                    self.prefetch(neighbour);
                    self.scratch.fresh.push(neighbour);
                }
            }
            // Most often the best of the others is expanded next.
            if let Some(next) = self.scratch.frontier.peek() {
                prefetch(base.slots(row_of(*next)));
            }
            self.weigh(simd);
        }
        true
    }

    /// Computes the similarities of the fresh nodes and takes in those that are good enough.
    #[inline(always)]
    fn weigh<S: Simd>(&mut self, simd: S) {
        let fresh = std::mem::take(&mut self.scratch.fresh);
        self.scratch.n_similarities += fresh.len();
        let (tiles, rest) = fresh.as_chunks::<TILE>();
        for tile in tiles {
            let similarities = match self.half {
                Some(half) => {
                    dot_half_rows(simd, self.query, tile.map(|node| self.halved(half, node)))
                }
                None => dot_rows(simd, self.query, tile.map(|node| self.vector(node))),
            };
            for (node, similarity) in tile.iter().zip(similarities) {
                self.take(*node, similarity);
            }
        }
        for node in rest {
            self.take(*node, self.similarity(simd, *node));
        }
        self.scratch.fresh = fresh;
        self.scratch.fresh.clear();
    }

    #[inline(always)]
    fn take(&mut self, node: u32, similarity: f32) {
        let key = key_of(node, similarity);
        if similarity.is_nan() || key < self.threshold() {
            return;
        }
        self.scratch.frontier.push(key);
        if !self.graph.allows(node, self.allowed) {
            return;
        }
        let found = &mut self.scratch.found;
        if found.len() < self.ef {
            found.push(Reverse(key));
        } else if let Some(mut worst) = found.peek_mut() {
            *worst = Reverse(key);
        }
    }

    /// Returns the key of the worst kept node; 0, which is below all keys, while there is room.
    #[inline(always)]
    fn threshold(&self) -> u64 {
        match self.scratch.found.peek() {
            Some(Reverse(worst)) if self.scratch.found.len() >= self.ef => *worst,
            _ => 0,
        }
    }

    /// Marks a node; returns whether it is in range and was not marked before.
    #[inline(always)]
    fn visit(&mut self, node: u32) -> bool {
        let Some(word) = self.scratch.visited.get_mut(node as usize / 64) else { return false };
        let bit = 1 << (node % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    /// Returns a node's vector; an empty one, which has no similarity, for an id out of range.
    #[inline(always)]
    fn vector(&self, node: u32) -> &'a [f32] {
        let dim = self.query.len();
        let start = node as usize * dim;
        self.vectors.get(start..start + dim).unwrap_or_default()
    }

    /// Returns a node's vector at half the width; an empty one for an id out of range.
    #[inline(always)]
    fn halved(&self, half: &'a [u32], node: u32) -> &'a [u32] {
        let length = self.query.len() / 2;
        let start = node as usize * length;
        half.get(start..start + length).unwrap_or_default()
    }

    /// Returns the similarity that the walk goes by: exact, or of the vector at half the width.
    #[inline(always)]
    fn similarity<S: Simd>(&self, simd: S, node: u32) -> f32 {
        let Some(half) = self.half else { return self.exact_similarity(simd, node) };
        let vector = self.halved(half, node);
        if vector.is_empty() {
            return f32::NAN;
        }
        let [similarity] = dot_half_rows(simd, self.query, [vector]);
        similarity
    }

    #[inline(always)]
    fn exact_similarity<S: Simd>(&self, simd: S, node: u32) -> f32 {
        let vector = self.vector(node);
        if vector.is_empty() { f32::NAN } else { dot(simd, self.query, vector) }
    }

    /// Gives the nodes that were found their exact similarities: those of the walk only chose them.
    #[inline(always)]
    fn rescore<S: Simd>(&mut self, simd: S) {
        let found = std::mem::take(&mut self.scratch.found);
        for Reverse(key) in &found {
            prefetch(self.vector(row_of(*key)));
        }
        self.scratch.n_similarities += found.len();
        for Reverse(key) in found {
            let node = row_of(key);
            let similarity = self.exact_similarity(simd, node);
            if !similarity.is_nan() {
                self.scratch.found.push(Reverse(key_of(node, similarity)));
            }
        }
    }

    #[inline(always)]
    fn prefetch(&self, node: u32) {
        match self.half {
            Some(half) => prefetch(self.halved(half, node)),
            None => prefetch(self.vector(node)),
        }
    }
}

/// Asks the memory for numbers that will be needed soon, cache line by cache line.
#[inline(always)]
#[allow(unsafe_code)]
fn prefetch<T: bytemuck::Pod>(numbers: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in numbers.chunks(64 / size_of::<T>()) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the address lies in a live slice, and a prefetch changes nothing but the cache.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = numbers;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Unit vectors around 40 centres.
    fn clustered(n_rows: usize, dim: usize, seed: u64) -> Vec<f32> {
        let number = |i: u64| {
            let bits = (i ^ seed << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            ((bits ^ bits >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f32 / 8.4e6 - 1.0
        };
        let value = |row: usize, i: usize| {
            number((row % 40 * dim + i) as u64) + 0.5 * number((1_000_000 + row * dim + i) as u64)
        };
        let values = (0..n_rows).flat_map(|row| (0..dim).map(move |i| value(row, i))).collect();
        crate::embedding::Embeddings::from_rows(values, dim).unwrap().into_values()
    }

    #[test]
    fn a_walk_at_half_the_width_ranks_exactly_and_finds_as_much() {
        let (dim, parameters) = (48, WalkParameters { k: 10, ef: 60 });
        let vectors = clustered(3_000, dim, 1);
        let graph = FlatGraph::build(&vectors, dim, &Default::default()).unwrap();
        assert!(graph.half.is_none(), "small graphs need no copy");
        let halved = graph.clone().with_half(&vectors);
        let queries = clustered(100, dim, 2);
        let n_found = |graph: &FlatGraph| -> usize {
            let mut scratch = WalkScratch::default();
            let n_of = |query: &[f32]| {
                let exact = scan(&vectors, dim, query, None, 10);
                let found = graph.search(&vectors, query, &parameters, None, &mut scratch).unwrap();
                assert!(found.is_sorted(), "{found:?}");
                // Row and similarity, which is the scan's to the last bit.
                exact.iter().filter(|neighbour| found.contains(neighbour)).count()
            };
            queries.chunks(dim).map(n_of).sum()
        };
        let (at_full, at_half) = (n_found(&graph), n_found(&halved));
        assert!(
            at_full > 970 && at_half.abs_diff(at_full) <= 10,
            "{at_full} and {at_half} of 1000"
        );
        let folder = tempfile::tempdir().unwrap();
        halved.save(folder.path().join("graph.bin")).unwrap();
        let opened = FlatGraph::open(folder.path().join("graph.bin")).unwrap();
        assert!(opened.half.is_some());
        let of = |graph: &FlatGraph| {
            let mut scratch = WalkScratch::default();
            graph.search(&vectors, &queries[..dim], &parameters, None, &mut scratch).unwrap()
        };
        assert_eq!(of(&opened), of(&halved));
    }
}
