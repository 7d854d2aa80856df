use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};

/// Returns `a · b`, on one thread so that sums have one order.
pub(crate) fn product(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    let mut result = Mat::zeros(a.nrows(), b.ncols());
    matmul(result.as_mut(), Accum::Replace, a, b, 1.0, Par::Seq);
    result
}
