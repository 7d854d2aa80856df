//! The one dot product: every similarity of the crate is computed here.
//!
//! Each pair of vectors is summed in the same order (two interleaved accumulators, then the tail,
//! then a lane reduction) whether it is computed alone, four rows at a time, or as a tile of a
//! batch. On one instruction set the result is therefore the same bit for bit everywhere.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Rows computed together: four rows hide the latency of the fused multiply-add, and share the loads of the query.
pub(crate) const TILE: usize = 4;

/// Returns the dot product of two vectors of one length.
#[inline(always)]
pub(crate) fn dot<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
    let [similarity] = dot_rows(simd, a, [b]);
    similarity
}

/// Returns the dot products of `query` with `N` rows of its length.
#[inline(always)]
pub(crate) fn dot_rows<S: Simd, const N: usize>(
    simd: S,
    query: &[f32],
    rows: [&[f32]; N],
) -> [f32; N] {
    let (query_lanes, query_tail) = S::as_simd_f32s(query);
    let n_lanes = query_lanes.len();
    let mut even = [simd.splat_f32s(0.0); N];
    let mut odd = even;
    let lanes = rows.map(|row| S::as_simd_f32s(row).0);
    if lanes.iter().any(|row| row.len() < n_lanes) {
        return [f32::NAN; N];
    }
    // Equal lengths let the compiler drop the bounds checks of the loop.
    let lanes = lanes.map(|row| &row[..n_lanes]);
    for pair in 0..n_lanes / 2 {
        let (first, second) = (query_lanes[2 * pair], query_lanes[2 * pair + 1]);
        for row in 0..N {
            even[row] = simd.mul_add_f32s(first, lanes[row][2 * pair], even[row]);
            odd[row] = simd.mul_add_f32s(second, lanes[row][2 * pair + 1], odd[row]);
        }
    }
    if n_lanes % 2 == 1 {
        let last = n_lanes - 1;
        for row in 0..N {
            even[row] = simd.mul_add_f32s(query_lanes[last], lanes[row][last], even[row]);
        }
    }
    if !query_tail.is_empty() {
        let query_rest = simd.partial_load_f32s(query_tail);
        for row in 0..N {
            let rest = simd.partial_load_f32s(S::as_simd_f32s(rows[row]).1);
            odd[row] = simd.mul_add_f32s(query_rest, rest, odd[row]);
        }
    }
    // A loop and no closure: a closure does not have the instruction set of its surroundings, so that
    // every instruction in it would be a call.
    let mut sums = [0.0; N];
    for row in 0..N {
        sums[row] = simd.reduce_sum_f32s(simd.add_f32s(even[row], odd[row]));
    }
    sums
}

/// Calls `visit(row, similarity)` for each row of a row-major matrix, in order.
#[inline(always)]
pub(crate) fn for_each_row<S: Simd>(
    simd: S,
    vectors: &[f32],
    query: &[f32],
    mut visit: impl FnMut(usize, f32),
) {
    let dim = query.len().max(1);
    let tiles = vectors.chunks_exact(dim * TILE);
    let (rest, rest_start) = (tiles.remainder(), vectors.len() / (dim * TILE) * TILE);
    for (tile, rows) in tiles.enumerate() {
        let (head, tail) = rows.split_at(2 * dim);
        let ((a, b), (c, d)) = (head.split_at(dim), tail.split_at(dim));
        let similarities = dot_rows(simd, query, [a, b, c, d]);
        for (position, similarity) in similarities.into_iter().enumerate() {
            visit(tile * TILE + position, similarity);
        }
    }
    for (position, row) in rest.chunks_exact(dim).enumerate() {
        visit(rest_start + position, dot(simd, query, row));
    }
}

/// Returns the cosine of two unit vectors of one length; NaN if the lengths differ.
///
/// ```
/// use phenocopy::embedding::similarity;
///
/// assert!((similarity(&[0.6, 0.8], &[0.8, 0.6]) - 0.96).abs() < 1e-6);
/// ```
#[must_use]
pub fn similarity(a: &[f32], b: &[f32]) -> f32 {
    struct Pair<'a>(&'a [f32], &'a [f32]);
    impl WithSimd for Pair<'_> {
        type Output = f32;
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> f32 {
            dot(simd, self.0, self.1)
        }
    }
    if a.len() == b.len() { Arch::new().dispatch(Pair(a, b)) } else { f32::NAN }
}

/// Writes the similarity of `query` with each row of `vectors` into `out`.
///
/// # Shapes
/// `vectors`: n × `dim`; `query`: `dim`; `out`: n (a longer or shorter `out` is filled as far as both reach).
pub fn similarities(vectors: &[f32], dim: usize, query: &[f32], out: &mut [f32]) {
    struct Rows<'a>(&'a [f32], &'a [f32], &'a mut [f32]);
    impl WithSimd for Rows<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let Self(vectors, query, out) = self;
            for_each_row(simd, vectors, query, |row, similarity| {
                if let Some(cell) = out.get_mut(row) {
                    *cell = similarity;
                }
            });
        }
    }
    if query.len() == dim && dim > 0 {
        Arch::new().dispatch(Rows(vectors, query, out));
    }
}

/// Rows whose vectors stay in the first-level cache while all queries of a block pass over them.
const BLOCK_BYTES: usize = 16 << 10;

/// Writes the similarities of a few queries (each of length `dim`) with all rows, query by query.
///
/// Blocks of rows are visited by all queries before the next block, so that a row is read from
/// memory once for the whole batch.
pub(crate) fn similarities_of_few(vectors: &[f32], dim: usize, queries: &[f32], out: &mut [f32]) {
    struct Few<'a>(&'a [f32], usize, &'a [f32], &'a mut [f32]);
    impl WithSimd for Few<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let Self(vectors, dim, queries, out) = self;
            let n_rows = vectors.len() / dim;
            let block = (BLOCK_BYTES / 4 / dim).max(1).next_multiple_of(TILE);
            for (position, rows) in vectors.chunks(block * dim).enumerate() {
                let start = position * block;
                for (query, line) in queries.chunks_exact(dim).zip(out.chunks_exact_mut(n_rows)) {
                    let Some(cells) = line.get_mut(start..) else { continue };
                    for_each_row(simd, rows, query, |row, similarity| {
                        if let Some(cell) = cells.get_mut(row) {
                            *cell = similarity;
                        }
                    });
                }
            }
        }
    }
    if dim > 0 && vectors.len() >= dim {
        Arch::new().dispatch(Few(vectors, dim, queries, out));
    }
}

/// Queries that one thread takes through the vectors together.
pub(crate) const QUERIES_PER_BLOCK: usize = 16;

/// Returns the similarities of all queries with all rows, in parallel; the same for any thread count.
///
/// # Shapes
/// `vectors`: n × `dim`; `queries`: m × `dim`; result: m × n, row-major.
#[must_use]
pub fn similarity_matrix(vectors: &[f32], dim: usize, queries: &[f32]) -> Vec<f32> {
    if dim == 0 || vectors.len() < dim {
        return Vec::new();
    }
    let n_rows = vectors.len() / dim;
    let mut matrix = vec![0.0; queries.len() / dim * n_rows];
    matrix
        .par_chunks_mut(QUERIES_PER_BLOCK * n_rows)
        .zip(queries.par_chunks(QUERIES_PER_BLOCK * dim))
        .for_each(|(lines, block)| similarities_of_few(vectors, dim, block, lines));
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: usize, seed: u32) -> Vec<f32> {
        (0..n).map(|i| ((i as u32 * 7919 + seed) % 1013) as f32 / 507.0 - 1.0).collect()
    }

    #[test]
    fn every_path_gives_the_same_bits() {
        for dim in [1, 3, 7, 8, 9, 24, 31, 128, 320, 333] {
            let (vectors, queries) = (numbers(dim * 23, 1), numbers(dim * 19, 5));
            let matrix = similarity_matrix(&vectors, dim, &queries);
            for (query, line) in queries.chunks(dim).zip(matrix.chunks(23)) {
                let mut scanned = vec![0.0; 23];
                similarities(&vectors, dim, query, &mut scanned);
                for (row, vector) in vectors.chunks(dim).enumerate() {
                    let single = similarity(query, vector).to_bits();
                    assert_eq!((single, single), (scanned[row].to_bits(), line[row].to_bits()));
                }
            }
        }
    }

    #[test]
    fn the_dot_product_is_accurate() {
        let (a, b) = (numbers(333, 2), numbers(333, 9));
        let expected: f64 = a.iter().zip(&b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
        assert!((f64::from(similarity(&a, &b)) - expected).abs() < 1e-4);
    }

    #[test]
    fn vectors_of_different_length_have_no_similarity() {
        assert!(similarity(&[1.0, 0.0], &[1.0]).is_nan());
    }
}
