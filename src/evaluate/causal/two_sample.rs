use crate::calibrate::normal_tail;
use crate::dataset::Expression;

/// Values that samples are compared with: sorted once, so that a sample of n values costs `O(n log m)`.
///
/// ```
/// use phenocopy::dataset::Expression;
/// use phenocopy::evaluate::causal::Reference;
///
/// let controls = Reference::new(Expression { nonzero: &[4.0, 5.0, 6.0, 7.0], n_zeros: 0 });
/// let perturbed = Expression { nonzero: &[1.0, 2.0, 3.0], n_zeros: 0 };
/// assert!((controls.wasserstein_distance(perturbed) - 3.5).abs() < 1e-12);
/// assert!((controls.mann_whitney(perturbed) - 0.05183).abs() < 1e-5);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// All values, ascending.
    sorted: Vec<f64>,
    /// The sum of the first values, of none to all.
    sums: Vec<f64>,
    /// The sum of t³ − t over groups of t equal values.
    ties: f64,
}

/// Returns the 1-Wasserstein (earth mover's) distance of two samples' empirical distributions, ∫ |F − G|: that of
/// `scipy.stats.wasserstein_distance`; NaN if one is empty.
#[must_use]
pub fn wasserstein_distance(one: Expression<'_>, other: Expression<'_>) -> f64 {
    Reference::new(other).wasserstein_distance(one)
}

/// Returns the two-sided p-value of the Mann–Whitney U test, by the normal approximation with corrections for ties and
/// for continuity: that of `scipy.stats.mannwhitneyu(method="asymptotic")`; 1 if all values are equal, NaN if a sample is
/// empty.
#[must_use]
pub fn mann_whitney(one: Expression<'_>, other: Expression<'_>) -> f64 {
    Reference::new(other).mann_whitney(one)
}

impl Reference {
    /// Prepares the values. `O(m)` for m of them.
    #[must_use]
    pub fn new(values: Expression<'_>) -> Self {
        let groups = || groups(values);
        let repeated = |(value, n): (f64, usize)| std::iter::repeat_n(value, n);
        let sorted: Vec<f64> = groups().flat_map(repeated).collect();
        let mut sum = 0.0;
        let partial = sorted.iter().map(|value| {
            sum += value;
            sum
        });
        let sums = std::iter::once(0.0).chain(partial).collect();
        Self { sums, ties: groups().map(|(_, n)| cubic(n)).sum(), sorted }
    }

    /// Returns the distance that [`wasserstein_distance`] does.
    #[must_use]
    pub fn wasserstein_distance(&self, sample: Expression<'_>) -> f64 {
        let (n, m) = (sample.len(), self.sorted.len());
        if n == 0 || m == 0 {
            return f64::NAN;
        }
        let mut distance = 0.0;
        // Up to where the sample begins only the reference has cells; behind its end only the sample is complete.
        let (mut start, mut n_before) = (f64::NEG_INFINITY, 0);
        for (value, n_equal) in groups(sample) {
            distance += match n_before {
                0 => self.area(value, self.n_below(value)),
                _ => self.area_between((start, value), (n_before, n)),
            };
            (start, n_before) = (value, n_before + n_equal);
        }
        let n_below = self.n_below(start);
        let above = self.sums[m] - self.sums[n_below] - start * (m - n_below) as f64;
        distance + above / m as f64
    }

    /// Returns ∫ |F − `share`| from `start` to `end`; F, the reference's distribution, crosses the share at one of its values.
    fn area_between(&self, (start, end): (f64, f64), (n_before, n): (usize, usize)) -> f64 {
        let share = n_before as f64 / n as f64;
        let crossing = (n_before * self.sorted.len()).div_ceil(n) - 1;
        let middle = self.sorted[crossing].clamp(start, end);
        let [below, at, above] = [start, middle, end].map(|at| self.area(at, self.n_below(at)));
        share * (middle - start) - (at - below) + (above - at) - share * (end - middle)
    }

    /// Returns ∫ F from −∞ to `end`, below which `n_below` values lie.
    fn area(&self, end: f64, n_below: usize) -> f64 {
        (n_below as f64 * end - self.sums[n_below]) / self.sorted.len() as f64
    }

    fn n_below(&self, value: f64) -> usize {
        self.sorted.partition_point(|own| *own < value)
    }

    /// Returns the p-value that [`mann_whitney`] does.
    #[must_use]
    pub fn mann_whitney(&self, sample: Expression<'_>) -> f64 {
        let (n, m) = (sample.len() as f64, self.sorted.len() as f64);
        if sample.is_empty() || self.sorted.is_empty() {
            return f64::NAN;
        }
        let (mut u, mut ties) = (0.0, self.ties);
        for (value, n_equal) in groups(sample) {
            let n_below = self.n_below(value);
            let others = self.sorted[n_below..].partition_point(|own| *own <= value);
            u += n_equal as f64 * (n_below as f64 + 0.5 * others as f64);
            ties += cubic(others + n_equal) - cubic(others);
        }
        let total = n + m;
        let variance = n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
        // All are equal, but for rounding.
        if variance <= f64::EPSILON * n * m * total {
            return 1.0;
        }
        const CONTINUITY: f64 = 0.5;
        let excess = u.max(n * m - u) - n * m / 2.0 - CONTINUITY;
        (2.0 * normal_tail(excess / variance.sqrt())).min(1.0)
    }
}

/// Returns t³ − t, what t equal values take from the variance of ranks.
fn cubic(n_equal: usize) -> f64 {
    let t = n_equal as f64;
    t * t * t - t
}

/// Returns the distinct values of a sample, ascending, and how often each occurs.
fn groups(sample: Expression<'_>) -> impl Iterator<Item = (f64, usize)> {
    let n_negative = sample.nonzero.partition_point(|value| *value < 0.0);
    let (negative, positive) = sample.nonzero.split_at(n_negative);
    let of =
        |values: &'_ [f32]| (values.first().map_or(0.0, |value| f64::from(*value)), values.len());
    let equal =
        |values| <[f32]>::chunk_by(values, |one, other| one.total_cmp(other).is_eq()).map(of);
    let zeros = (sample.n_zeros > 0).then_some((0.0, sample.n_zeros));
    equal(negative).chain(zeros).chain(equal(positive))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sorts values, zeros apart.
    fn sparse(values: &[f32]) -> (Vec<f32>, usize) {
        let (mut nonzero, zeros): (Vec<f32>, Vec<f32>) =
            values.iter().partition(|value| value.abs() > 0.0);
        nonzero.sort_by(f32::total_cmp);
        (nonzero, zeros.len())
    }

    fn compare(one: &[f32], other: &[f32]) -> [f64; 2] {
        let [one, other] = [sparse(one), sparse(other)];
        let [one, other] =
            [&one, &other].map(|(nonzero, n_zeros)| Expression { nonzero, n_zeros: *n_zeros });
        [wasserstein_distance(one, other), mann_whitney(one, other)]
    }

    fn assert_close(received: [f64; 2], expected: [f64; 2]) {
        let is_close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-9;
        assert!(received.iter().zip(&expected).all(is_close), "{received:?}, not {expected:?}");
    }

    /// ```python
    /// from scipy.stats import mannwhitneyu, wasserstein_distance  # 1.17.1
    /// wasserstein_distance(a, b), mannwhitneyu(a, b, method="asymptotic").pvalue
    /// ```
    #[test]
    fn distances_and_p_values_are_those_of_scipy() {
        let many = |zeros: usize, others: &[f32]| [&vec![0.0; zeros][..], others].concat();
        let few = many(20, &[0.7, 1.1, 1.1, 2.2]);
        let more = many(50, &[&[0.3; 5][..], &[0.7; 4], &[1.9, 2.5, 3.25]].concat());
        let cases: [(&[f32], &[f32], [f64; 2]); 5] = [
            (
                &[0.0, 0.0, 1.0, 2.5, 3.0],
                &[0.0, 0.0, 0.0, 1.0, 1.0, 4.0],
                [0.633_333_333_333_333_3, 0.771_705_900_723_316_9],
            ),
            (&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0, 7.0], [3.5, 0.051_829_927_217_909_68]),
            (
                &[-1.5, 0.0, 0.0, 2.0],
                &[-1.0, -1.0, 0.0, 0.5, 3.0],
                [0.625, 0.900_437_536_634_222_9],
            ),
            (&[0.0; 4], &[0.0; 3], [0.0, 1.0]),
            (&[2.0; 3], &[2.0; 5], [0.0, 1.0]),
        ];
        for (one, other, expected) in cases {
            assert_close(compare(one, other), expected);
        }
        // float32 has no 0.7: seven digits agree.
        let [distance, p] = compare(&few, &more);
        assert!((distance - 0.090_188_172).abs() < 1e-7 && (p - 0.903_999_427).abs() < 1e-9);
    }

    #[test]
    fn cases_worked_by_hand_come_out() {
        // Half of the cells move from 0 to 2.
        assert_close([compare(&[0.0, 2.0], &[0.0, 0.0])[0], 0.0], [1.0, 0.0]);
        // U = 0, mean 2, variance 2 · 2 / 12 · 5 = 5/3: z = 1.5 / 1.2910.
        assert!((compare(&[1.0, 2.0], &[3.0, 4.0])[1] - 0.245_278).abs() < 1e-6);
        let empty = compare(&[], &[1.0]);
        assert!(empty.iter().all(|figure| figure.is_nan()), "{empty:?}");
    }

    /// Values with many zeros and ties, exact in f32 when shifted by a half.
    fn cells() -> impl Strategy<Value = Vec<f32>> {
        let value = prop_oneof![2 => Just(0.0), 3 => (-8_i8..24).prop_map(|n| f32::from(n) / 4.0)];
        prop::collection::vec(value, 1..40)
    }

    proptest! {
        #[test]
        fn both_are_symmetric_and_within_their_bounds(one in cells(), other in cells()) {
            let (there, back) = (compare(&one, &other), compare(&other, &one));
            assert_close(there, back);
            prop_assert!(there[0] > -1e-12 && there[1] > 0.0 && there[1] <= 1.0, "{there:?}");
            let mean = |values: &[f32]| {
                values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64
            };
            prop_assert!(there[0] > (mean(&one) - mean(&other)).abs() - 1e-9, "means move less");
        }

        #[test]
        fn the_distance_of_a_shifted_sample_is_the_shift(one in cells()) {
            let shifted: Vec<f32> = one.iter().map(|value| value + 2.5).collect();
            prop_assert!((compare(&one, &shifted)[0] - 2.5).abs() < 1e-9);
            assert_close(compare(&one, &one), [0.0, 1.0]);
        }

        #[test]
        fn the_distance_of_equally_many_is_the_mean_difference_in_order(
            pairs in prop::collection::vec((-8_i8..24, -8_i8..24), 1..30)
        ) {
            let [mut one, mut other]: [Vec<f32>; 2] = [
                pairs.iter().map(|(a, _)| f32::from(*a) / 4.0).collect(),
                pairs.iter().map(|(_, b)| f32::from(*b) / 4.0).collect(),
            ];
            one.sort_by(f32::total_cmp);
            other.sort_by(f32::total_cmp);
            let sum: f64 = one.iter().zip(&other).map(|(a, b)| f64::from((a - b).abs())).sum();
            let expected = sum / one.len() as f64;
            prop_assert!((compare(&one, &other)[0] - expected).abs() < 1e-9);
        }
    }
}
