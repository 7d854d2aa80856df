use serde::{Deserialize, Serialize};

/// How well predicted values agree with measured ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// Values compared.
    pub n: u64,
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Share of the variance explained, 1 − SSE/SST; negative if worse than the mean.
    pub r2: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Pearson correlation; 0 where either side is constant.
    pub pearson: f64,
}

/// A model's held-out fit beside the baselines that it has to beat.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct FitComparison {
    /// The model at the chosen epoch.
    pub model: Fit,
    /// The mean of the training values of the same readout in the same context.
    pub readout_mean: Fit,
    /// The mean of the training values of the same perturbation at the same readout in its other
    /// contexts; the readout's mean where there are none.
    pub perturbation_mean: Fit,
}

/// Sums from which a [`Fit`] follows, so that values need not be kept.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FitSums {
    n: u64,
    measured: f64,
    measured_squared: f64,
    predicted: f64,
    predicted_squared: f64,
    product: f64,
    absolute_error: f64,
    squared_error: f64,
}

impl FitSums {
    pub(super) fn add(&mut self, measured: f32, predicted: f32) {
        let (y, p) = (f64::from(measured), f64::from(predicted));
        self.n += 1;
        self.measured += y;
        self.measured_squared += y * y;
        self.predicted += p;
        self.predicted_squared += p * p;
        self.product += y * p;
        self.absolute_error += (y - p).abs();
        self.squared_error += (y - p) * (y - p);
    }

    /// Returns the fit of what was added; all zero if nothing was.
    pub(super) fn fit(&self) -> Fit {
        if self.n == 0 {
            return Fit::default();
        }
        let n = self.n as f64;
        let spread = self.measured_squared - self.measured * self.measured / n;
        let predicted_spread = self.predicted_squared - self.predicted * self.predicted / n;
        let shared = self.product - self.measured * self.predicted / n;
        let scale = (spread * predicted_spread).sqrt();
        Fit {
            n: self.n,
            rmse: rounded((self.squared_error / n).sqrt()),
            r2: rounded(if spread > 0.0 { 1.0 - self.squared_error / spread } else { 0.0 }),
            mae: rounded(self.absolute_error / n),
            pearson: rounded(if scale > 0.0 { (shared / scale).clamp(-1.0, 1.0) } else { 0.0 }),
        }
    }
}

/// Returns `x` to 12 significant digits: so many survive JSON unchanged, and a resumed training must
/// choose its epochs from the same numbers as an uninterrupted one.
fn rounded(x: f64) -> f64 {
    format!("{x:.11e}").parse().unwrap_or(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fit_equals_the_hand_computed_case() {
        let mut sums = FitSums::default();
        for (y, p) in [(1.0, 2.0), (2.0, 2.0), (3.0, 5.0)] {
            sums.add(y, p);
        }
        let fit = sums.fit();
        assert!((fit.rmse - (5.0_f64 / 3.0).sqrt()).abs() < 1e-11);
        assert!((fit.mae - 1.0).abs() < 1e-12);
        assert!((fit.r2 - (1.0 - 5.0 / 2.0)).abs() < 1e-12);
        assert!((fit.pearson - 3.0 / 12.0_f64.sqrt()).abs() < 1e-11);
    }

    #[test]
    fn a_fit_survives_json_unchanged() {
        let mut sums = FitSums::default();
        for i in 0..1000 {
            sums.add((i as f32).sin(), (i as f32).cos() * 0.7);
            let text = serde_json::to_string(&sums.fit()).unwrap();
            assert_eq!(serde_json::from_str::<Fit>(&text).unwrap(), sums.fit());
        }
    }

    #[test]
    fn nothing_added_is_a_fit_of_zero_values() {
        assert_eq!(FitSums::default().fit(), Fit::default());
    }
}
