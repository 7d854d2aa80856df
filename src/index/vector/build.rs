use std::cmp::Reverse;

use hnsw_rs::anndists::dist::distances::Distance;
use hnsw_rs::hnsw::Hnsw;

use super::duplicates::Duplicates;
use super::graph::{FlatGraph, Layer};
use super::links::{Links, NONE, Words};
use super::repair::Repair;
use crate::embedding::similarity;
use crate::error::{Error, Result};

/// hnsw_rs's own upper bound.
const MAX_LAYERS: usize = 16;

/// Rows between two calls of the progress closure.
const PROGRESS_STEP: usize = 256;

/// How a graph is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphParameters {
    /// Links per node on the upper layers, half of those on level 0: `M` of Malkov & Yashunin; 2 to 256.
    pub max_neighbours: usize,
    /// Candidates kept while a node's links are chosen: `efConstruction`; at least `max_neighbours`.
    pub ef_construction: usize,
}

impl Default for GraphParameters {
    /// `M` 16 and `efConstruction` 200, as hnswlib's documentation advises for recall above .95.
    fn default() -> Self {
        Self { max_neighbours: 16, ef_construction: 200 }
    }
}

impl GraphParameters {
    /// Checks the ranges, before hnsw_rs sees them: it exits the process above 256.
    ///
    /// # Errors
    /// Names the parameter that is out of range.
    pub fn check(&self) -> Result<()> {
        if !(2..=256).contains(&self.max_neighbours) {
            return Err(Error::parameter("max_neighbours", "2 to 256", self.max_neighbours));
        }
        if !(self.max_neighbours..=100_000).contains(&self.ef_construction) {
            let expected = format!("{} to 100000", self.max_neighbours);
            return Err(Error::parameter("ef_construction", expected, self.ef_construction));
        }
        Ok(())
    }
}

/// One minus the cosine, by the same dot product as every search; never negative, as hnsw_rs
/// asserts, and never NaN: `max` prefers the number.
struct CosineDistance;

impl Distance<f32> for CosineDistance {
    fn eval(&self, a: &[f32], b: &[f32]) -> f32 {
        (1.0 - similarity(a, b)).max(0.0)
    }
}

pub(super) fn build(
    vectors: &[f32],
    dim: usize,
    parameters: &GraphParameters,
    progress: &mut dyn FnMut(usize) -> Result<()>,
) -> Result<FlatGraph> {
    parameters.check()?;
    check_vectors(vectors, dim)?;
    let duplicates = Duplicates::find(vectors, dim);
    let hnsw = insert(vectors, dim, parameters, &duplicates.nodes, progress)?;
    let n_rows = vectors.len() / dim;
    let mut graph = flatten(&hnsw, n_rows, dim, parameters);
    graph.n_nodes = duplicates.nodes.len();
    graph.next_duplicate = Words::Memory(duplicates.next);
    if let Words::Memory(words) = &mut graph.base.words {
        Repair { vectors, dim, stride: graph.base.stride, words }
            .connect(&duplicates.nodes, graph.entry);
    }
    Ok(graph.with_half_if_large(vectors))
}

fn check_vectors(vectors: &[f32], dim: usize) -> Result<()> {
    let n_rows = vectors.len().checked_div(dim).unwrap_or(0);
    if n_rows == 0 || !vectors.len().is_multiple_of(dim) || n_rows >= NONE as usize {
        return Err(Error::data(
            "vectors of the graph",
            format!("{} numbers are not rows of {dim}", vectors.len()),
            "give at least one row, and all rows whole",
        ));
    }
    for (row, vector) in vectors.chunks_exact(dim).enumerate() {
        let norm = similarity(vector, vector);
        // Also false for NaN and infinity.
        let is_unit = (norm - 1.0).abs() < 1e-3;
        if !is_unit {
            return Err(Error::data(
                format!("vector of row {row}"),
                format!("its squared length is {norm}, not 1"),
                "make the rows unit with `Embeddings::from_rows`",
            ));
        }
    }
    Ok(())
}

/// Inserts the nodes one by one in row order: hnsw_rs is deterministic only so.
fn insert<'b>(
    vectors: &[f32],
    dim: usize,
    parameters: &GraphParameters,
    nodes: &[u32],
    progress: &mut dyn FnMut(usize) -> Result<()>,
) -> Result<Hnsw<'b, f32, CosineDistance>> {
    let GraphParameters { max_neighbours, ef_construction } = *parameters;
    let hnsw = Hnsw::new(max_neighbours, nodes.len(), MAX_LAYERS, ef_construction, CosineDistance);
    for (position, row) in nodes.iter().map(|row| *row as usize).enumerate() {
        if position % PROGRESS_STEP == 0 {
            progress(row)?;
        }
        hnsw.insert_slice((&vectors[row * dim..(row + 1) * dim], row));
    }
    progress(vectors.len() / dim)?;
    Ok(hnsw)
}

/// A node above level 0 as hnsw_rs holds it: its top layer and its lists from layer 0 up.
struct HighNode {
    row: u32,
    top: usize,
    lists: Vec<Vec<u32>>,
}

fn flatten(
    hnsw: &Hnsw<'_, f32, CosineDistance>,
    n_rows: usize,
    dim: usize,
    parameters: &GraphParameters,
) -> FlatGraph {
    let stride = 2 * parameters.max_neighbours;
    let mut words = vec![NONE; n_rows * stride];
    let mut high = Vec::new();
    for point in hnsw.get_point_indexation() {
        let (row, top) = (point.get_origin_id(), usize::from(point.get_point_id().0));
        let lists = lists_of(&point.get_neighborhood_id());
        let slots = words.iter_mut().skip(row * stride).take(stride);
        slots.zip(lists.first().into_iter().flatten()).for_each(|(slot, n)| *slot = *n);
        if top > 0 {
            high.push(HighNode { row: row as u32, top, lists });
        }
    }
    high.sort_by_key(|node| node.row);
    // The first inserted of the highest nodes, as in hnsw_rs; row 0 if all are on level 0.
    let highest = high.iter().min_by_key(|node| (Reverse(node.top), node.row));
    let mut upper: Vec<Layer> = Vec::new();
    for level in 1..=highest.map_or(0, |node| node.top) {
        let below = upper.last().map(|layer| layer.rows.as_slice());
        upper.push(flatten_layer(&high, level, below, parameters.max_neighbours));
    }
    FlatGraph {
        n_rows,
        n_nodes: n_rows,
        dim,
        parameters: *parameters,
        entry: highest.map_or(0, |node| node.row),
        base: Links { stride, words: Words::Memory(words) },
        upper,
        next_duplicate: Words::Memory(Vec::new()),
        half: None,
    }
}

fn lists_of(neighbourhoods: &[Vec<hnsw_rs::hnsw::Neighbour>]) -> Vec<Vec<u32>> {
    let rows = |list: &Vec<hnsw_rs::hnsw::Neighbour>| list.iter().map(|n| n.d_id as u32).collect();
    neighbourhoods.iter().map(rows).collect()
}

/// Numbers the nodes of one layer by their place and translates its lists to places.
///
/// hnsw_rs also notes links above a node's own layer; they lead nowhere and are left out.
fn flatten_layer(nodes: &[HighNode], level: usize, below: Option<&[u32]>, stride: usize) -> Layer {
    let members: Vec<&HighNode> = nodes.iter().filter(|node| node.top >= level).collect();
    let rows: Vec<u32> = members.iter().map(|node| node.row).collect();
    let place_in = |rows: &[u32], row: u32| rows.binary_search(&row).ok().map(|p| p as u32);
    let mut words = vec![NONE; rows.len() * stride];
    for (slots, node) in words.chunks_exact_mut(stride).zip(&members) {
        let list = node.lists.get(level).map(Vec::as_slice).unwrap_or_default();
        let places = list.iter().filter_map(|row| place_in(&rows, *row));
        slots.iter_mut().zip(places).for_each(|(slot, place)| *slot = place);
    }
    let below = match below {
        Some(below) => rows.iter().filter_map(|row| place_in(below, *row)).collect(),
        None => rows.clone(),
    };
    Layer {
        rows: Words::Memory(rows),
        below: Words::Memory(below),
        links: Links { stride, words: Words::Memory(words) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_that_would_stop_hnsw_rs_are_refused() {
        for (max_neighbours, ef_construction) in [(0, 200), (1, 200), (257, 300), (16, 15)] {
            let parameters = GraphParameters { max_neighbours, ef_construction };
            assert!(matches!(parameters.check(), Err(Error::Parameter { .. })));
        }
    }

    #[test]
    fn the_distance_is_never_negative_or_nan() {
        assert_eq!(CosineDistance.eval(&[1.001, 0.0], &[1.001, 0.0]).to_bits(), 0);
        assert_eq!(CosineDistance.eval(&[f32::NAN, 0.0], &[1.0, 0.0]).to_bits(), 0);
    }
}
