use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};

use crate::error::{Error, Result};

/// Returns `a · b`, on one thread so that sums have one order.
pub(crate) fn product(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    let mut result = Mat::zeros(a.nrows(), b.ncols());
    matmul(result.as_mut(), Accum::Replace, a, b, 1.0, Par::Seq);
    result
}

/// Eigenvalues (ascending) and eigenvectors (columns) of a symmetric matrix.
pub(crate) struct Spectrum {
    pub(crate) values: Vec<f64>,
    pub(crate) vectors: Mat<f64>,
}

/// Decomposes a symmetric matrix, on one thread.
pub(crate) fn decompose(symmetric: MatRef<'_, f64>) -> Result<Spectrum> {
    let n = symmetric.nrows();
    let mut values = Diag::zeros(n);
    let mut vectors = Mat::zeros(n, n);
    let scratch =
        self_adjoint_evd_scratch::<f64>(n, ComputeEigenvectors::Yes, Par::Seq, Default::default());
    self_adjoint_evd(
        symmetric,
        values.as_mut(),
        Some(vectors.as_mut()),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    )
    .map_err(|problem| {
        Error::engine("faer", "decompose a covariance matrix")(format!("{problem:?}"))
    })?;
    let values = values.column_vector().iter().copied().collect();
    Ok(Spectrum { values, vectors })
}

/// Subtracts its mean from each row.
pub(crate) fn centre_rows(matrix: &mut Mat<f64>) {
    let n_columns = matrix.ncols().max(1) as f64;
    let means: Vec<f64> = (0..matrix.nrows())
        .map(|row| (0..matrix.ncols()).map(|column| matrix[(row, column)]).sum::<f64>() / n_columns)
        .collect();
    for column in 0..matrix.ncols() {
        for (row, mean) in means.iter().enumerate() {
            matrix[(row, column)] -= mean;
        }
    }
}

/// Subtracts its mean from each column.
pub(crate) fn centre_columns(matrix: &mut Mat<f64>) {
    let n_rows = matrix.nrows().max(1) as f64;
    for column in 0..matrix.ncols() {
        let mean = (0..matrix.nrows()).map(|row| matrix[(row, column)]).sum::<f64>() / n_rows;
        for row in 0..matrix.nrows() {
            matrix[(row, column)] -= mean;
        }
    }
}

/// Scales each row to unit length; a row of zeros stays so.
pub(crate) fn normalise_rows(matrix: &mut Mat<f64>) {
    let mut squares = vec![0.0; matrix.nrows()];
    for column in 0..matrix.ncols() {
        for (row, square) in squares.iter_mut().enumerate() {
            *square += matrix[(row, column)].powi(2);
        }
    }
    for column in 0..matrix.ncols() {
        for (row, square) in squares.iter().enumerate().filter(|(_, square)| **square > 0.0) {
            matrix[(row, column)] /= square.sqrt();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symmetric_matrix_is_rebuilt_from_its_spectrum() {
        let matrix = Mat::from_fn(5, 5, |i, j| 1.0 / (1.0 + i as f64 + j as f64));
        let Spectrum { values, vectors } = decompose(matrix.as_ref()).unwrap();
        assert!(values.is_sorted());
        let scaled = Mat::from_fn(5, 5, |i, j| vectors[(i, j)] * values[j]);
        let rebuilt = product(scaled.as_ref(), vectors.transpose());
        for (i, j) in (0..5).flat_map(|i| (0..5).map(move |j| (i, j))) {
            assert!((rebuilt[(i, j)] - matrix[(i, j)]).abs() < 1e-12);
        }
    }

    #[test]
    fn rows_become_unit_and_zero_rows_stay() {
        let mut matrix = Mat::from_fn(2, 2, |i, j| if i == 0 { [3.0, 4.0][j] } else { 0.0 });
        normalise_rows(&mut matrix);
        assert_eq!((matrix[(0, 0)], matrix[(0, 1)], matrix[(1, 0)]), (0.6, 0.8, 0.0));
    }
}
