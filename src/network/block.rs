use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use rayon::prelude::*;

use super::space::NetworkSpace;

/// Rows that are compared with all others at a time.
const BLOCK: usize = 64;

/// Visits all pairs (i, j) with i < j and their similarities, block by block on all cores, each core with a sum of its
/// own; these are then joined. Memory is a block of similarities and a sum a core.
///
/// Within a core pairs come in no order that can be relied on: sums should not depend on it.
pub(super) fn fold_pairs<A: Send>(
    space: &NetworkSpace,
    start: impl Fn() -> A + Sync + Send,
    visit: impl Fn(&mut A, usize, usize, f32) + Sync + Send,
    join: impl Fn(A, A) -> A + Sync + Send,
) -> A {
    let n = space.len();
    let visit_block = |mut sum: A, first: usize| {
        let last = n.min(first + BLOCK);
        let similarities = block(space, first, last);
        for i in first..last {
            let column = similarities.col(i - first);
            for (j, similarity) in (first..n).zip(column.iter()).skip(i + 1 - first) {
                visit(&mut sum, i, j, *similarity);
            }
        }
        sum
    };
    let starts: Vec<usize> = (0..n).step_by(BLOCK).collect();
    starts.into_par_iter().fold(&start, visit_block).reduce(&start, &join)
}

/// Similarities of the rows `first..last` (columns of the result) to the rows from `first` on (rows of the result).
fn block(space: &NetworkSpace, first: usize, last: usize) -> Mat<f32> {
    let (n, dim) = (space.len(), space.dim);
    let rows = |from: usize, to: usize| {
        let values = space.vectors.get(from * dim..to * dim).unwrap_or_default();
        MatRef::from_row_major_slice(values, to - from, dim)
    };
    let mut result = Mat::zeros(n - first, last - first);
    let (all, some) = (rows(first, n), rows(first, last));
    matmul(result.as_mut(), Accum::Replace, all, some.transpose(), 1.0, Par::Seq);
    result
}
