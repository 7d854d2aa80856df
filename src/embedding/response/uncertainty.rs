use faer::{Mat, MatRef};

use super::super::algebra::product;
use super::symmetric::{inverse, trace};

/// How far zR may be off, having been fitted on the very values that embeddings are inferred from.
///
/// Least squares makes the error of zR_r normal with covariance A⁻¹ · Σ_C noise_r(C) · M(C) · A⁻¹, M(C) the
/// scatter of the embeddings in context C and A their sum. Without it, directions that few profiles
/// determine look better than they are. What zR is before any profile, numbers of a known variance, counts as one
/// more context, whose scatter is noise / variance in every direction: where there are fewer profiles than
/// dimensions, zR is as uncertain as it is large and not without bounds.
#[derive(Debug, Clone)]
pub(super) struct Uncertainty {
    /// noise_r(C), n readouts × contexts of all sides.
    noise: Mat<f64>,
    /// A⁻¹ · M(C) · A⁻¹, per column of `noise`, the last of which stands for the prior.
    shapes: Vec<Mat<f64>>,
}

impl Uncertainty {
    /// Takes zR to be exact.
    pub(super) fn none(n_readouts: usize) -> Self {
        Self { noise: Mat::zeros(n_readouts, 0), shapes: Vec::new() }
    }

    /// Takes noise (n readouts × n contexts), the scatter of each context, and the variance of zR's numbers.
    pub(super) fn new(noise: &Mat<f64>, scatters: &[Mat<f64>], variance: f64) -> Self {
        let (dim, n) = (scatters.first().map_or(0, Mat::nrows), noise.ncols());
        let mean = |readout: usize| noise.row(readout).iter().sum::<f64>() / n.max(1) as f64;
        let means: Vec<f64> = (0..noise.nrows()).map(mean).collect();
        let overall = means.iter().sum::<f64>() / means.len().max(1) as f64;
        let ratio = overall / variance.max(f64::MIN_POSITIVE);
        let prior = Mat::from_fn(dim, dim, |i, j| if i == j { ratio } else { 0.0 });
        let scatters: Vec<&Mat<f64>> = scatters.iter().chain([&prior]).collect();
        let mut sum = Mat::<f64>::zeros(dim, dim);
        scatters.iter().for_each(|scatter| sum += *scatter);
        let ridge = 1e-6 * trace(sum.as_ref()) / dim.max(1) as f64;
        (0..dim).for_each(|i| sum[(i, i)] += ridge);
        let Some(inverse) = inverse(sum.as_ref()) else { return Self::none(noise.nrows()) };
        let with_prior = |r: usize, c: usize| if c < n { noise[(r, c)] } else { means[r] };
        let noise = Mat::from_fn(noise.nrows(), n + 1, with_prior);
        let shape = |scatter: &&Mat<f64>| {
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
    fn without_profiles_a_readout_is_as_uncertain_as_it_is_large() {
        let noise = Mat::from_fn(2, 1, |_, _| 0.5);
        let uncertainty = Uncertainty::new(&noise, &[Mat::from_fn(1, 1, |_, _| 1e-9)], 4.0);
        let squares = uncertainty.squares(&Mat::from_fn(1, 1, |_, _| 1.0));
        assert!((squares[0] - 4.0).abs() < 1e-4, "{squares:?}");
    }

    #[test]
    fn one_context_in_one_dimension_gives_the_textbook_variance() {
        // 20 embeddings of square 2: the variance of a slope is noise / Σz².
        let noise = Mat::from_fn(3, 1, |readout, _| 0.5 * (readout + 1) as f64);
        let uncertainty = Uncertainty::new(&noise, &[Mat::from_fn(1, 1, |_, _| 40.0)], 1e9);
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
