use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::dot::{self, QUERIES_PER_BLOCK};
use super::{Neighbour, RowSet, TopK};
use crate::error::{Error, Result};

/// Refuses a query that is not a finite vector of `dim` numbers.
///
/// # Errors
/// Names the length, or the first number that is not finite.
pub fn check_query(query: &[f32], dim: usize) -> Result<()> {
    if query.len() != dim {
        return Err(Error::data(
            "query vector",
            format!("it has {} numbers where the index has {dim}", query.len()),
            "make it with the model of this index",
        ));
    }
    match query.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(position) => Err(Error::data(
            "query vector",
            format!("number {} is {}", position + 1, query[position]),
            "give finite numbers only",
        )),
    }
}

/// Returns the exact `k` most similar rows, best first; fewer only if fewer are allowed.
///
/// The oracle of the graph and its stand-in where few rows are allowed. A query that
/// [`check_query`] refuses has no neighbours. Cost: one pass over the allowed rows.
///
/// # Shapes
/// `vectors`: n × `dim`; `query`: `dim`; `allowed` holds rows below n.
///
/// ```
/// use phenocopy::embedding::{Embeddings, scan};
///
/// let embeddings = Embeddings::from_rows(vec![1.0, 0.0, 1.0, 1.0, 0.0, 1.0], 2)?;
/// let hits = scan(embeddings.values(), 2, &[0.0, 1.0], None, 2);
/// assert_eq!(hits.iter().map(|hit| hit.row).collect::<Vec<_>>(), [2, 1]);
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[must_use]
pub fn scan(
    vectors: &[f32],
    dim: usize,
    query: &[f32],
    allowed: Option<&RowSet>,
    k: usize,
) -> Vec<Neighbour> {
    if k == 0 || dim == 0 || check_query(query, dim).is_err() {
        return Vec::new();
    }
    Arch::new().dispatch(Scan { vectors, query, allowed, k })
}

struct Scan<'a> {
    vectors: &'a [f32],
    query: &'a [f32],
    allowed: Option<&'a RowSet>,
    k: usize,
}

impl WithSimd for Scan<'_> {
    type Output = Vec<Neighbour>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<Neighbour> {
        let dim = self.query.len();
        let mut top = TopK::new(self.k);
        let mut offer =
            |row: usize, similarity| top.offer(Neighbour { row: row as u32, similarity });
        match self.allowed {
            None => dot::for_each_row(simd, self.vectors, self.query, offer),
            Some(allowed) => {
                for row in allowed.iter().map(|row| row as usize) {
                    let Some(vector) = self.vectors.get(row * dim..(row + 1) * dim) else { break };
                    offer(row, dot::dot(simd, self.query, vector));
                }
            }
        }
        top.into_sorted()
    }
}

/// Returns [`scan`] of many queries, in their order, in parallel.
///
/// Several queries share one pass over the vectors. The answers are those of `scan`, bit for bit,
/// whatever the number of threads.
///
/// # Shapes
/// `vectors`: n × `dim`; `queries`: m × `dim`; result: m lists.
#[must_use]
pub fn scan_batch(
    vectors: &[f32],
    dim: usize,
    queries: &[f32],
    allowed: Option<&RowSet>,
    k: usize,
) -> Vec<Vec<Neighbour>> {
    if dim == 0 {
        return Vec::new();
    }
    let n_rows = vectors.len() / dim;
    // Where few rows are allowed, most of a shared pass would be wasted.
    if allowed.is_some_and(|rows| rows.len() * 2 < n_rows) {
        return queries.par_chunks(dim).map(|q| scan(vectors, dim, q, allowed, k)).collect();
    }
    queries
        .par_chunks(QUERIES_PER_BLOCK * dim)
        .flat_map_iter(|block| scan_block(vectors, dim, block, allowed, k))
        .collect()
}

fn scan_block(
    vectors: &[f32],
    dim: usize,
    queries: &[f32],
    allowed: Option<&RowSet>,
    k: usize,
) -> Vec<Vec<Neighbour>> {
    let n_rows = vectors.len() / dim;
    let mut similarities = vec![0.0; queries.len() / dim * n_rows];
    dot::similarities_of_few(vectors, dim, queries, &mut similarities);
    let lines = (0..queries.len() / dim).map(|q| &similarities[q * n_rows..(q + 1) * n_rows]);
    queries
        .chunks_exact(dim)
        .zip(lines)
        .map(|(query, line)| best(query, line, allowed, k))
        .collect()
}

fn best(query: &[f32], line: &[f32], allowed: Option<&RowSet>, k: usize) -> Vec<Neighbour> {
    if k == 0 || check_query(query, query.len()).is_err() {
        return Vec::new();
    }
    let mut top = TopK::new(k);
    for (row, similarity) in line.iter().enumerate() {
        if allowed.is_none_or(|rows| rows.contains(row as u32)) {
            top.offer(Neighbour { row: row as u32, similarity: *similarity });
        }
    }
    top.into_sorted()
}
