//! Symmetric positive definite systems of the size of an embedding.
//!
//! Plain loops in f64 and in one order: the numbers are the same on every instruction set and for any
//! number of threads, which no library promises.

/// The lower factor L of a matrix A = L·Lᵀ, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cholesky {
    dim: usize,
    lower: Vec<f64>,
}

impl Cholesky {
    /// Factorises a symmetric matrix given row by row, of which it reads the lower half; none if it is not
    /// positive definite.
    pub(super) fn new(mut matrix: Vec<f64>, dim: usize) -> Option<Self> {
        for column in 0..dim {
            for row in column..dim {
                let (above, below) = matrix.split_at(row * dim);
                let pivot_row = if row == column { below } else { &above[column * dim..] };
                let products = below[..column].iter().zip(&pivot_row[..column]);
                let rest = below[column] - products.map(|(a, b)| a * b).sum::<f64>();
                matrix[row * dim + column] = if row > column {
                    rest / matrix[column * dim + column]
                } else if rest > 0.0 && rest.is_finite() {
                    rest.sqrt()
                } else {
                    return None;
                };
            }
        }
        Some(Self { dim, lower: matrix })
    }

    /// Solves A·X = B for B of as many columns, row-major.
    pub(super) fn solve_columns(&self, mut matrix: Vec<f64>) -> Vec<f64> {
        let dim = self.dim;
        let mut column = vec![0.0; dim];
        for j in 0..dim {
            (0..dim).for_each(|i| column[i] = matrix[i * dim + j]);
            self.solve(&mut column);
            (0..dim).for_each(|i| matrix[i * dim + j] = column[i]);
        }
        matrix
    }

    /// Solves A·x = b in the place of b.
    pub(super) fn solve(&self, b: &mut [f64]) {
        let (dim, lower) = (self.dim, &self.lower);
        for row in 0..dim {
            let (done, rest) = b.split_at_mut(row);
            let products = lower[row * dim..row * dim + row].iter().zip(&*done);
            rest[0] =
                (rest[0] - products.map(|(l, x)| l * x).sum::<f64>()) / lower[row * dim + row];
        }
        for row in (0..dim).rev() {
            let (rest, done) = b.split_at_mut(row + 1);
            let below = done.iter().enumerate();
            let sum: f64 = below.map(|(i, x)| lower[(row + 1 + i) * dim + row] * x).sum();
            rest[row] = (rest[row] - sum) / lower[row * dim + row];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_solution_solves_the_system(factor in prop::collection::vec(-1.0..1.0_f64, 36), b in prop::collection::vec(-1.0..1.0_f64, 6)) {
            let dim = 6;
            let matrix: Vec<f64> = (0..dim * dim)
                .map(|at| {
                    let (i, j) = (at / dim, at % dim);
                    let product: f64 = (0..dim).map(|k| factor[i * dim + k] * factor[j * dim + k]).sum();
                    product + f64::from(u8::from(i == j)) * 0.1
                })
                .collect();
            let mut x = b.clone();
            Cholesky::new(matrix.clone(), dim).unwrap().solve(&mut x);
            for (row, expected) in matrix.chunks(dim).zip(&b) {
                let received: f64 = row.iter().zip(&x).map(|(a, x)| a * x).sum();
                prop_assert!((received - expected).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn a_matrix_that_is_not_positive_definite_has_no_factor() {
        assert_eq!(Cholesky::new(vec![1.0, 2.0, 2.0, 1.0], 2), None);
        assert_eq!(Cholesky::new(vec![f64::NAN], 1), None);
    }
}
