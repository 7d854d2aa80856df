use serde::{Deserialize, Serialize};

/// How well values are predicted, in normalised units.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PredictionScores {
    /// How many held-out values.
    pub n_values: u64,
    /// Root of the mean squared error.
    pub rmse: f64,
    /// `1 − Σ(y − ŷ)² / Σ(y − ȳ)²`, ȳ the mean of the same held-out values; NaN when they are all equal.
    pub r2: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Pearson correlation of values and predictions; NaN when either is constant.
    pub pearson: f64,
    /// Share of the values the method answered itself.
    pub coverage: f64,
}

/// Running sums from which [`PredictionScores`] are computed.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::evaluate) struct Tally {
    n: u64,
    n_answered: u64,
    truth: Moments,
    predicted: Moments,
    product: f64,
    squared_error: f64,
    absolute_error: f64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    sum: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.squares += value * value;
    }

    /// Returns Σ(x − x̄)², zero when it is no more than rounding.
    fn deviation(&self, n: f64) -> f64 {
        let deviation = self.squares - self.sum * self.sum / n;
        if deviation > 1e-9 * self.squares { deviation } else { 0.0 }
    }
}

impl Tally {
    /// Adds a value and its prediction; `answered` is false where a stand-in was used.
    pub(in crate::evaluate) fn add(&mut self, truth: f32, predicted: f32, answered: bool) {
        let (truth, predicted) = (f64::from(truth), f64::from(predicted));
        self.n += 1;
        self.n_answered += u64::from(answered);
        self.truth.add(truth);
        self.predicted.add(predicted);
        self.product += truth * predicted;
        self.squared_error += (truth - predicted).powi(2);
        self.absolute_error += (truth - predicted).abs();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.n == 0
    }

    pub(in crate::evaluate) fn scores(&self) -> PredictionScores {
        let n = self.n as f64;
        let (truth, predicted) = (self.truth.deviation(n), self.predicted.deviation(n));
        let covariance = self.product - self.truth.sum * self.predicted.sum / n;
        let ratio = |a: f64, b: f64| if b > 0.0 { a / b } else { f64::NAN };
        PredictionScores {
            n_values: self.n,
            rmse: (self.squared_error / n).sqrt(),
            r2: 1.0 - ratio(self.squared_error, truth),
            mae: self.absolute_error / n,
            pearson: ratio(covariance, (truth * predicted).sqrt()),
            coverage: self.n_answered as f64 / n,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_computed_errors() {
        let mut tally = Tally::default();
        for (truth, predicted, answered) in [(1.0, 2.0, true), (2.0, 2.0, true), (4.0, 3.0, false)]
        {
            tally.add(truth, predicted, answered);
        }
        let scores = tally.scores();
        let expected = PredictionScores {
            n_values: 3,
            rmse: (2.0_f64 / 3.0).sqrt(),
            r2: 1.0 - 2.0 / (14.0 / 3.0),
            mae: 2.0 / 3.0,
            // covariance 5/3, deviations 14/3 and 2/3
            pearson: (5.0 / 3.0) / (28.0_f64 / 9.0).sqrt(),
            coverage: 2.0 / 3.0,
        };
        for (a, b) in [
            (scores.rmse, expected.rmse),
            (scores.r2, expected.r2),
            (scores.mae, expected.mae),
            (scores.pearson, expected.pearson),
            (scores.coverage, expected.coverage),
        ] {
            assert!((a - b).abs() < 1e-12, "{scores:?}");
        }
    }

    #[test]
    fn a_constant_prediction_has_no_correlation() {
        let mut tally = Tally::default();
        [0.1, 0.7, -0.3].into_iter().for_each(|truth| tally.add(truth, 0.1, true));
        assert!(tally.scores().pearson.is_nan());
    }
}
