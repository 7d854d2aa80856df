use std::collections::BTreeSet;

use crate::dataset::median;
use crate::error::{Error, Result};
use crate::experiment::PerturbationType;

/// Fewer perturbations of a type do not tell what a readout does in general.
const FEWEST_ROWS: usize = 20;

/// Responses of perturbations, row by row, a value for each readout, and how far each is from what is usual.
///
/// A response is standardised twice: by readout over the perturbations of one type, then by perturbation over readouts.
/// What all perturbations of a type do to a readout, and how strongly one responds in general, does not count.
///
/// ```
/// use phenocopy::experiment::PerturbationType;
/// use phenocopy::network::directed::ResponseMatrix;
///
/// // The first readout always rises; only the first perturbation moves the second.
/// let mut values: Vec<f32> = (0..30).flat_map(|i| [9.0, i as f32 % 3.0, i as f32 % 5.0]).collect();
/// values[1] = 20.0;
/// let matrix = ResponseMatrix::new(values, 3, vec![PerturbationType::Shrna; 30])?;
/// let scores = matrix.scores();
/// assert!(scores[1] > 1.0 && scores[1] > scores[0] && scores[1] > scores[2]);
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ResponseMatrix {
    n_readouts: usize,
    values: Vec<f32>,
    types: Vec<PerturbationType>,
}

impl ResponseMatrix {
    /// Takes rows of `n_readouts` values each, and the type of each row.
    ///
    /// # Errors
    /// When there is no readout, or the values are not as many as rows times readouts, or one is not a number.
    pub fn new(values: Vec<f32>, n_readouts: usize, types: Vec<PerturbationType>) -> Result<Self> {
        if n_readouts == 0 || values.len() != types.len() * n_readouts {
            let expected = format!("{} rows of at least one readout", types.len());
            return Err(Error::parameter("responses", expected, values.len()));
        }
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return Err(Error::parameter("responses", "finite numbers", value));
        }
        Ok(Self { n_readouts, values, types })
    }

    /// Returns the responses of a row; empty of one that is not there.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f32] {
        self.values.get(row * self.n_readouts..(row + 1) * self.n_readouts).unwrap_or_default()
    }

    /// Returns the type of each row.
    #[must_use]
    pub fn types(&self) -> &[PerturbationType] {
        &self.types
    }

    /// Returns the types of the rows, each once, in the order of [`PerturbationType::ALL`].
    pub(super) fn distinct_types(&self) -> BTreeSet<PerturbationType> {
        self.types.iter().copied().collect()
    }

    /// Returns how many readouts a row has.
    #[must_use]
    pub fn n_readouts(&self) -> usize {
        self.n_readouts
    }

    /// Returns the standardised responses, in the order of the values; NaN of types with fewer than 20 rows, 0 of rows
    /// without any response.
    #[must_use]
    pub fn scores(&self) -> Vec<f32> {
        let mut scores = self.values.clone();
        for of_type in self.distinct_types() {
            let is_of_type = |row: &usize| self.types[*row] == of_type;
            let rows: Vec<usize> = (0..self.types.len()).filter(is_of_type).collect();
            self.standardise(&mut scores, &rows);
        }
        scores
    }

    fn standardise(&self, scores: &mut [f32], rows: &[usize]) {
        let moments =
            if rows.len() < FEWEST_ROWS { None } else { Some(self.readout_moments(rows)) };
        for row in rows {
            let own = &mut scores[row * self.n_readouts..(row + 1) * self.n_readouts];
            let (_, spread) = moments_of(own.iter().copied());
            let Some(moments) = &moments else {
                own.fill(f32::NAN);
                continue;
            };
            if spread <= 0.0 {
                own.fill(0.0);
                continue;
            }
            let by_readout = own.iter_mut().zip(moments);
            by_readout.for_each(|(value, moments)| *value = standard(*value, *moments));
            let moments = moments_of(own.iter().copied());
            own.iter_mut().for_each(|value| *value = standard(*value, moments));
        }
    }

    /// Mean and spread of each readout over some rows; a spread below a tenth of the median one is an accident.
    fn readout_moments(&self, rows: &[usize]) -> Vec<(f64, f64)> {
        let column = |readout: usize| {
            moments_of(rows.iter().map(move |row| self.values[row * self.n_readouts + readout]))
        };
        let mut moments: Vec<(f64, f64)> = (0..self.n_readouts).map(column).collect();
        let spreads: Vec<f64> = moments.iter().map(|moments| moments.1).collect();
        let floor = median(&spreads) / 10.0;
        moments.iter_mut().for_each(|moments| moments.1 = moments.1.max(floor));
        moments
    }
}

fn standard(value: f32, (mean, spread): (f64, f64)) -> f32 {
    ((f64::from(value) - mean) / spread.max(f64::MIN_POSITIVE)) as f32
}

fn moments_of(values: impl Iterator<Item = f32>) -> (f64, f64) {
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for value in values.map(f64::from) {
        (n, sum, squares) = (n + 1.0, sum + value, squares + value * value);
    }
    let mean = sum / n;
    (mean, (squares / n - mean * mean).max(0.0).sqrt())
}
