use super::build::{self, GraphParameters};
use super::links::{LinkView, Links, NONE, Words};
use crate::embedding::half::halve;
use crate::error::Result;

/// A navigable small-world graph as flat arrays: links, and no vectors but, where those would not fit a
/// cache, a copy of them at half the width that the walk reads in their stead.
///
/// Node ids are rows of the vectors it was built from. Level 0 has `2M` slots per row; each upper
/// layer lists its nodes, their places in the layer below, and `M` slots each. Rows with equal
/// vectors share one node. Every node can be reached from the entry point.
///
/// ```
/// use phenocopy::embedding::Embeddings;
/// use phenocopy::index::vector::{FlatGraph, GraphParameters, WalkParameters, WalkScratch};
///
/// let embeddings = Embeddings::from_rows(vec![1.0, 0.0, 1.0, 1.0, 0.0, 1.0], 2)?;
/// let (vectors, query) = (embeddings.values(), [0.0, 1.0]);
/// let graph = FlatGraph::build(vectors, 2, &GraphParameters::default())?;
/// let parameters = WalkParameters { k: 2, ef: 10 };
/// let hits =
///     graph.search(vectors, &query, &parameters, None, &mut WalkScratch::default())?;
/// assert_eq!(hits.iter().map(|hit| hit.row).collect::<Vec<_>>(), [2, 1]);
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FlatGraph {
    pub(super) n_rows: usize,
    pub(super) n_nodes: usize,
    pub(super) dim: usize,
    pub(super) parameters: GraphParameters,
    /// Row of the entry point.
    pub(super) entry: u32,
    pub(super) base: Links,
    /// Layers 1, 2, … upwards.
    pub(super) upper: Vec<Layer>,
    /// See [`Duplicates::next`](super::duplicates::Duplicates::next).
    pub(super) next_duplicate: Words,
    /// The vectors at half the width, see [`half`](crate::embedding::half); only of large graphs.
    pub(super) half: Option<Words>,
}

/// Vectors of more bytes than this get a copy at half the width: beyond a core's share of the last
/// cache a walk waits for memory, and half as many bytes are half the wait. Below, it would only cost
/// space.
const HALF_FROM_BYTES: usize = 16 << 20;

/// One upper layer; its nodes are numbered by their place in it.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    /// Row of each node.
    pub(super) rows: Words,
    /// Place of each node in the layer below (its row, for layer 1).
    pub(super) below: Words,
    /// Places of each node's neighbours in this layer.
    pub(super) links: Links,
}

impl FlatGraph {
    /// Builds the graph of row-major unit vectors; the same input gives the same graph.
    ///
    /// # Errors
    /// When the parameters are out of range, or `vectors` is empty, not rows of `dim`, not finite or not unit.
    pub fn build(vectors: &[f32], dim: usize, parameters: &GraphParameters) -> Result<Self> {
        Self::build_with_progress(vectors, dim, parameters, &mut |_| Ok(()))
    }

    /// As [`build`](Self::build); `progress` hears how many rows are inserted and may stop the work with its error.
    ///
    /// # Errors
    /// As [`build`](Self::build), and whatever `progress` returns.
    pub fn build_with_progress(
        vectors: &[f32],
        dim: usize,
        parameters: &GraphParameters,
        progress: &mut dyn FnMut(usize) -> Result<()>,
    ) -> Result<Self> {
        build::build(vectors, dim, parameters, progress)
    }

    /// Returns how many rows the graph indexes.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Returns how many different vectors there are among the rows.
    #[must_use]
    pub fn n_nodes(&self) -> usize {
        self.n_nodes
    }

    /// Returns the length of the vectors it was built from.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Returns the parameters it was built with.
    #[must_use]
    pub fn parameters(&self) -> &GraphParameters {
        &self.parameters
    }

    /// Returns how many links level 0 has.
    #[must_use]
    pub fn n_links(&self) -> usize {
        self.base.words.as_slice().iter().filter(|neighbour| **neighbour != NONE).count()
    }

    /// Returns whether every node can be reached from the entry point on level 0, as `build` sees to.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        let mut reached = vec![false; self.n_rows];
        super::repair::reach(self.base.view(), self.entry, &mut reached) == self.n_nodes
    }

    /// Adds the copy at half the width where the vectors are many and of even length.
    pub(super) fn with_half_if_large(self, vectors: &[f32]) -> Self {
        if size_of_val(vectors) > HALF_FROM_BYTES { self.with_half(vectors) } else { self }
    }

    pub(super) fn with_half(self, vectors: &[f32]) -> Self {
        let words = || Words::Memory(halve(vectors, self.dim));
        Self { half: self.dim.is_multiple_of(2).then(words), ..self }
    }

    pub(super) fn base(&self) -> LinkView<'_> {
        self.base.view()
    }
}
