use faer::linalg::solvers::DenseSolveCore;
use faer::{Mat, MatRef, Side};

/// How many numbers the lower half of a symmetric matrix has.
pub(super) fn n_packed(dim: usize) -> usize {
    dim * (dim + 1) / 2
}

/// Gives position and value of each entry of the lower half of v·vᵀ, row by row.
pub(super) fn pack_outer(v: &[f64], mut put: impl FnMut(usize, f64)) {
    let mut position = 0;
    for (row, a) in v.iter().enumerate() {
        for b in &v[..=row] {
            put(position, a * b);
            position += 1;
        }
    }
}

/// Returns the lower half of a symmetric matrix, entries off the diagonal doubled: its dot product
/// with a packed v·vᵀ is vᵀ·M·v.
pub(super) fn pack_doubled(matrix: MatRef<'_, f64>) -> Vec<f64> {
    let mut packed = Vec::with_capacity(n_packed(matrix.nrows()));
    for row in 0..matrix.nrows() {
        packed.extend((0..row).map(|column| 2.0 * matrix[(row, column)]));
        packed.push(matrix[(row, row)]);
    }
    packed
}

/// Adds a packed symmetric matrix onto the diagonal block of `matrix` that starts at `start`.
pub(super) fn add_packed(matrix: &mut Mat<f64>, start: usize, packed: impl Iterator<Item = f64>) {
    let (mut row, mut column) = (0, 0);
    for value in packed {
        matrix[(start + row, start + column)] += value;
        if row != column {
            matrix[(start + column, start + row)] += value;
        }
        column += 1;
        if column > row {
            (row, column) = (row + 1, 0);
        }
    }
}

/// Returns the inverse of a symmetric matrix; none if it is not positive definite.
pub(super) fn inverse(matrix: MatRef<'_, f64>) -> Option<Mat<f64>> {
    let inverse = matrix.llt(Side::Lower).ok()?.inverse();
    (0..inverse.nrows()).all(|i| inverse[(i, i)].is_finite()).then_some(inverse)
}

pub(super) fn trace(matrix: MatRef<'_, f64>) -> f64 {
    (0..matrix.nrows()).map(|i| matrix[(i, i)]).sum()
}

#[cfg(test)]
mod tests {
    use super::super::super::algebra::product;
    use super::*;

    #[test]
    fn packing_keeps_quadratic_forms_and_unpacks_to_the_outer_product() {
        let v = [2.0, -1.0, 3.0];
        let mut packed = vec![0.0; n_packed(3)];
        pack_outer(&v, |position, value| packed[position] = value);
        let mut outer = Mat::zeros(5, 5);
        add_packed(&mut outer, 1, packed.iter().copied());
        for i in 0..3 {
            for j in 0..3 {
                assert!((outer[(1 + i, 1 + j)] - v[i] * v[j]).abs() < 1e-12);
            }
        }
        let m = Mat::from_fn(3, 3, |i, j| 1.0 + (i * j) as f64 + if i == j { 4.0 } else { 0.0 });
        let form: f64 = (0..9).map(|at| v[at / 3] * m[(at / 3, at % 3)] * v[at % 3]).sum();
        let dot: f64 = pack_doubled(m.as_ref()).iter().zip(&packed).map(|(a, b)| a * b).sum();
        assert!((form - dot).abs() < 1e-12);
    }

    #[test]
    fn the_inverse_is_one_and_there_is_none_of_an_indefinite_matrix() {
        let m = Mat::from_fn(3, 3, |i, j| if i == j { 2.0 } else { 0.5 });
        let unit = product(m.as_ref(), inverse(m.as_ref()).unwrap().as_ref());
        for i in 0..3 {
            for j in 0..3 {
                assert!((unit[(i, j)] - f64::from(u8::from(i == j))).abs() < 1e-12);
            }
        }
        assert!(
            inverse(Mat::from_fn(2, 2, |i, j| if i == j { 1.0 } else { 2.0 }).as_ref()).is_none()
        );
    }
}
