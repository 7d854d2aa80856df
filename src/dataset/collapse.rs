use serde::{Deserialize, Serialize};

use super::normalise::{mean, median};

/// How replicates become one profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Collapse {
    /// The mean of what each readout has of them.
    Mean,
    /// The median of what each readout has of them.
    Median,
    /// The mean weighted by how well each agrees with the others (CMap's moderated z-score): weights are
    /// the mean Spearman correlation with the others, negative ones as 0, at least .01.
    Modz,
}

/// CMap's least weight of a replicate, before weights are made to add to one.
const LEAST_WEIGHT: f64 = 0.01;

impl Collapse {
    /// Returns one profile of several of equal length, NaN where none has a value.
    fn join(self, replicates: &[Vec<f32>]) -> Vec<f32> {
        let weights = match self {
            Self::Modz => modz_weights(replicates),
            Self::Mean | Self::Median => vec![1.0; replicates.len()],
        };
        let n_readouts = replicates.first().map_or(0, Vec::len);
        let mut measured = Vec::with_capacity(replicates.len());
        let mut joined = |readout: usize| {
            measured.clear();
            let values = replicates.iter().filter_map(|replicate| replicate.get(readout));
            let values = values.zip(&weights).filter(|(value, _)| !value.is_nan());
            measured.extend(values.map(|(value, weight)| (f64::from(*value), *weight)));
            match self {
                Self::Median => {
                    median(&measured.iter().map(|(value, _)| *value).collect::<Vec<_>>())
                }
                Self::Mean | Self::Modz => weighted_mean(&measured),
            }
        };
        (0..n_readouts).map(|readout| joined(readout) as f32).collect()
    }
}

/// Samples of one condition on their way to one profile. Their mean needs their sums only, so that it holds as much of
/// 100,000 cells as of two; the others need the samples themselves.
pub(super) enum Joining {
    Sums {
        sums: Vec<f64>,
        n_samples: u32,
        /// How many samples have no value of each readout; empty as long as each has all.
        n_missing: Vec<u32>,
    },
    Samples(Collapse, Vec<Vec<f32>>),
}

impl Joining {
    pub(super) fn new(collapse: Collapse, n_readouts: usize) -> Self {
        match collapse {
            Collapse::Mean => {
                Self::Sums { sums: vec![0.0; n_readouts], n_samples: 0, n_missing: Vec::new() }
            }
            Collapse::Median | Collapse::Modz => Self::Samples(collapse, Vec::new()),
        }
    }

    /// Takes in the values of a sample times a factor.
    pub(super) fn push(&mut self, values: &[f32], factor: f64) {
        match self {
            Self::Samples(_, samples) => {
                let scaled = values.iter().map(|value| (f64::from(*value) * factor) as f32);
                samples.push(scaled.collect());
            }
            Self::Sums { sums, n_samples, n_missing } => {
                *n_samples += 1;
                for (at, (sum, value)) in sums.iter_mut().zip(values).enumerate() {
                    if !value.is_nan() {
                        *sum += f64::from(*value) * factor;
                        continue;
                    }
                    n_missing.resize(values.len(), 0);
                    n_missing[at] += 1;
                }
            }
        }
    }

    /// Returns how many samples it has taken in.
    pub(super) fn n_samples(&self) -> u32 {
        match self {
            Self::Samples(_, samples) => samples.len() as u32,
            Self::Sums { n_samples, .. } => *n_samples,
        }
    }

    /// Returns the profile, NaN where no sample has a value.
    pub(super) fn finish(self) -> Vec<f32> {
        match self {
            Self::Samples(collapse, samples) => collapse.join(&samples),
            Self::Sums { sums, n_samples, n_missing } => {
                let n_missing = n_missing.into_iter().chain(std::iter::repeat(0));
                let counts = n_missing.map(|missing| n_samples.saturating_sub(missing));
                sums.iter().zip(counts).map(|(sum, n)| (sum / f64::from(n)) as f32).collect()
            }
        }
    }
}

/// Returns the mean of (value, weight); NaN of none.
fn weighted_mean(values: &[(f64, f64)]) -> f64 {
    let sum: f64 = values.iter().map(|(value, weight)| value * weight).sum();
    sum / values.iter().map(|(_, weight)| weight).sum::<f64>()
}

/// Returns what each replicate counts.
fn modz_weights(replicates: &[Vec<f32>]) -> Vec<f64> {
    let ranks: Vec<Ranks> = replicates.iter().map(|replicate| Ranks::new(replicate)).collect();
    let weight = |at: usize| {
        let others = (0..ranks.len()).filter(|other| *other != at);
        let correlations = others.map(|other| ranks[at].correlation(&ranks[other]));
        let defined: Vec<f64> = correlations.filter(|r| !r.is_nan()).map(|r| r.max(0.0)).collect();
        // A profile that agrees with none, or is constant, has no mean: `max` then takes the other side.
        mean(&defined).max(LEAST_WEIGHT)
    };
    (0..ranks.len()).map(weight).collect()
}

/// A profile and, where it is complete, its ranks: centred and of unit length.
struct Ranks<'a> {
    values: &'a [f32],
    complete: Option<Vec<f64>>,
}

impl<'a> Ranks<'a> {
    fn new(values: &'a [f32]) -> Self {
        let is_complete = values.iter().all(|value| !value.is_nan());
        Self { values, complete: is_complete.then(|| unit_ranks(values)) }
    }

    /// Returns Spearman's correlation over what both measured; NaN if one of them is constant there.
    fn correlation(&self, other: &Self) -> f64 {
        if let (Some(one), Some(other)) = (&self.complete, &other.complete) {
            return dot(one, other);
        }
        let both = self.values.iter().zip(other.values);
        let both = both.filter(|(one, other)| !one.is_nan() && !other.is_nan());
        let (one, other): (Vec<f32>, Vec<f32>) = both.unzip();
        dot(&unit_ranks(&one), &unit_ranks(&other))
    }
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

/// Returns the ranks of values, equal ones with the mean of theirs, centred and of unit length; NaN
/// where all are equal.
pub(crate) fn unit_ranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|one, other| values[*one].total_cmp(&values[*other]));
    let mut ranks = vec![0.0; values.len()];
    let mut n_before = 0;
    // Adding 0 makes 0 of −0, which is equal to it and beside it in this order.
    let bits = |at: &usize| (values[*at] + 0.0).to_bits();
    for equal in order.chunk_by(|one, other| bits(one) == bits(other)) {
        let rank = n_before as f64 + (equal.len() - 1) as f64 / 2.0;
        equal.iter().for_each(|at| ranks[*at] = rank);
        n_before += equal.len();
    }
    let centre = mean(&ranks);
    ranks.iter_mut().for_each(|rank| *rank -= centre);
    let length = dot(&ranks, &ranks).sqrt();
    ranks.iter().map(|rank| rank / length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f32 = f32::NAN;

    fn assert_close(received: &[f32], expected: &[f32]) {
        assert_eq!(received.len(), expected.len());
        for (a, b) in received.iter().zip(expected) {
            assert!((a - b).abs() < 1e-4 || (a.is_nan() && b.is_nan()), "{received:?}");
        }
    }

    #[test]
    fn a_mean_of_sums_is_the_mean() {
        let samples =
            [vec![1.0, NAN, 2.0, NAN], vec![3.0, 5.0, NAN, NAN], vec![8.0, 1.0, 4.0, NAN]];
        let mut joining = Joining::new(Collapse::Mean, 4);
        samples.iter().for_each(|sample| joining.push(sample, 0.5));
        assert_close(&joining.finish(), &[2.0, 1.5, 1.5, NAN]);
    }

    #[test]
    fn missing_values_do_not_count() {
        let replicates =
            [vec![1.0, NAN, 2.0, NAN], vec![3.0, 5.0, NAN, NAN], vec![8.0, 1.0, 4.0, NAN]];
        assert_close(&Collapse::Mean.join(&replicates), &[4.0, 3.0, 3.0, NAN]);
        assert_close(&Collapse::Median.join(&replicates), &[3.0, 3.0, 3.0, NAN]);
        assert!(Collapse::Modz.join(&replicates)[3].is_nan());
    }

    #[test]
    fn modz_of_one_is_itself_and_of_two_their_mean() {
        let one = vec![0.3, -1.5, 2.0];
        assert_close(&Collapse::Modz.join(std::slice::from_ref(&one)), &one);
        let two = [one, vec![-0.1, 0.5, 4.0]];
        assert_close(&Collapse::Modz.join(&two), &Collapse::Mean.join(&two));
    }

    #[test]
    fn a_constant_replicate_has_the_least_weight() {
        let replicates = [vec![1.0, 2.0, 3.0], vec![1.0, 2.0, 4.0], vec![9.0, 9.0, 9.0]];
        let weights = modz_weights(&replicates);
        assert!((weights[0] - 1.0).abs() < 1e-9 && (weights[2] - LEAST_WEIGHT).abs() < 1e-12);
    }

    #[test]
    fn modz_is_that_of_cmappy() {
        // import pandas as pd, cmapPy.math.agg_wt_avg as a; a.rounding_precision = 12
        // m = pd.DataFrame({"a": [...], "b": [...], "c": [...], "d": [...]})
        // raw, w = a.calculate_weights(m.corr(method="spearman"), 0.01); (m * w).sum(axis=1)
        let replicates = [
            vec![1.2, -0.5, 3.1, 0.0, 2.0, -1.0],
            vec![0.9, -0.7, 2.0, 0.4, 2.0, -2.0],
            vec![-1.0, 0.3, -2.0, 1.0, 0.1, 0.7],
            vec![0.5, 0.5, 4.0, -0.2, 1.0, 0.0],
        ];
        let weights = [0.589_433_886_247, 0.583_438_880_987, 0.01, 0.515_798_926_828];
        for (received, expected) in modz_weights(&replicates).iter().zip(weights) {
            assert!((received - expected).abs() < 1e-9, "{received} {expected}");
        }
        let expected =
            [0.871_454_5, -0.260_335_6, 2.965_445_6, 0.082_544_36, 1.685_166_4, -1.029_811_5];
        assert_close(&Collapse::Modz.join(&replicates), &expected);
    }
}
