use faer::{Mat, MatRef};

use super::super::algebra::product;
use super::symmetric::{inverse, trace};

/// How far zR may be off, having been fitted on the very values that embeddings are inferred from.
///
/// Least squares makes the error of zR_r normal with covariance A⁻¹ · Σ_C noise_r(C) · M(C) · A⁻¹, M(C) the
/// scatter of the embeddings in context C and A their sum. Without it, directions that few profiles
/// determine look better than they are.
#[derive(Debug, Clone)]
pub(super) struct Uncertainty {
    /// noise_r(C), n readouts × contexts of all sides.
    noise: Mat<f64>,
    /// A⁻¹ · M(C) · A⁻¹, per column of `noise`.
    shapes: Vec<Mat<f64>>,
}

impl Uncertainty {
    /// Takes zR to be exact.
    pub(super) fn none(n_readouts: usize) -> Self {
        Self { noise: Mat::zeros(n_readouts, 0), shapes: Vec::new() }
    }

    /// Takes noise (n readouts × n contexts) and scatter of each context.
    pub(super) fn new(noise: Mat<f64>, scatters: &[Mat<f64>]) -> Self {
        let dim = scatters.first().map_or(0, Mat::nrows);
        let mut sum = Mat::<f64>::zeros(dim, dim);
        scatters.iter().for_each(|scatter| sum += scatter);
        let ridge = 1e-6 * trace(sum.as_ref()) / dim.max(1) as f64;
        (0..dim).for_each(|i| sum[(i, i)] += ridge);
        let Some(inverse) = inverse(sum.as_ref()) else { return Self::none(noise.nrows()) };
        let shape = |scatter: &Mat<f64>| {
            product(product(inverse.as_ref(), scatter.as_ref()).as_ref(), inverse.as_ref())
        };
        Self { shapes: scatters.iter().map(shape).collect(), noise }
    }

    /// Returns Σ_r noise_r(C) · precision_r for each context C (rows) and each column of `precision`.
    pub(super) fn ratios(&self, precision: MatRef<'_, f64>) -> Mat<f64> {
        product(self.noise.transpose(), precision)
    }

    /// Adds to the diagonal block at `start` what a column of [`ratios`](Self::ratios) makes of it.
    pub(super) fn add_to(
        &self,
        system: &mut Mat<f64>,
        start: usize,
        ratios: impl Iterator<Item = f64>,
    ) {
        for (shape, ratio) in self.shapes.iter().zip(ratios) {
            for j in 0..shape.ncols() {
                for i in 0..shape.nrows() {
                    system[(start + i, start + j)] += ratio * shape[(i, j)];
                }
            }
        }
    }

    /// Returns, for an embedding of this second moment, the expected square of what errors of zR add to each
    /// readout.
    pub(super) fn squares(&self, moment: &Mat<f64>) -> Vec<f64> {
        let mut squares = vec![0.0; self.noise.nrows()];
        for (context, shape) in self.shapes.iter().enumerate() {
            let size = inner(moment, shape);
            let noise = self.noise.col(context).iter();
            squares.iter_mut().zip(noise).for_each(|(square, noise)| *square += size * noise);
        }
        squares
    }
}

/// Returns Σ_ij a_ij · b_ij.
fn inner(a: &Mat<f64>, b: &Mat<f64>) -> f64 {
    let columns = (0..a.ncols()).map(|j| (a.col(j), b.col(j)));
    columns.map(|(a, b)| a.iter().zip(b.iter()).map(|(a, b)| a * b).sum::<f64>()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_context_in_one_dimension_gives_the_textbook_variance() {
        // 20 embeddings of square 2: the variance of a slope is noise / Σz².
        let noise = Mat::from_fn(3, 1, |readout, _| 0.5 * (readout + 1) as f64);
        let uncertainty = Uncertainty::new(noise, &[Mat::from_fn(1, 1, |_, _| 40.0)]);
        let squares = uncertainty.squares(&Mat::from_fn(1, 1, |_, _| 2.0));
        for (readout, square) in squares.into_iter().enumerate() {
            let expected = 2.0 * 0.5 * (readout + 1) as f64 / 40.0;
            assert!((square - expected).abs() < 1e-6, "{square} {expected}");
        }
        // Precision 1 / noise of every readout: three times 1 / Σz².
        let precision = Mat::from_fn(3, 1, |readout, _| 2.0 / (readout + 1) as f64);
        let ratios = uncertainty.ratios(precision.as_ref());
        let mut system = Mat::zeros(2, 2);
        uncertainty.add_to(&mut system, 1, ratios.col(0).iter().copied());
        assert!((system[(1, 1)] - 3.0 / 40.0).abs() < 1e-6 && system[(0, 0)] == 0.0);
    }
}
