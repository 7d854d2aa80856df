/// Returns the q-value of each p-value: Benjamini & Hochberg's adjustment over all of them, in their order.
///
/// `q_(i) = min over j ≥ i of p_(j) · m / j`, at most 1; equal p-values have equal q-values. Cost `O(m log m)`.
///
/// ```
/// use phenocopy::calibrate::q_values;
///
/// let q = q_values(&[0.01, 0.04, 0.5]);
/// assert!((q[0] - 0.03).abs() < 1e-12 && (q[1] - 0.06).abs() < 1e-12 && q[2] == 0.5);
/// ```
#[must_use]
pub fn q_values(p_values: &[f64]) -> Vec<f64> {
    let step_up = StepUp::new(p_values.to_vec());
    p_values.iter().map(|p| step_up.q_value(*p)).collect()
}

/// The p-values of a panel in order, to ask for the q-values of a few of them.
#[derive(Debug, Clone, PartialEq)]
pub struct StepUp {
    p_values: Vec<f64>,
    /// Per p-value the smallest of its and all larger ones' p · m / rank.
    q_values: Vec<f64>,
}

impl StepUp {
    /// Sorts the p-values of a panel, each above 0.
    #[must_use]
    pub fn new(p_values: Vec<f64>) -> Self {
        // The bits of numbers that are not negative sort as the numbers do, and faster.
        let mut bits: Vec<u64> = p_values.into_iter().map(f64::to_bits).collect();
        bits.sort_unstable();
        let p_values: Vec<f64> = bits.into_iter().map(f64::from_bits).collect();
        let m = p_values.len() as f64;
        let mut smallest = 1.0_f64;
        let mut q_values = vec![1.0; p_values.len()];
        for (at, p) in p_values.iter().enumerate().rev() {
            smallest = smallest.min(p * (m / (at + 1) as f64));
            q_values[at] = smallest;
        }
        Self { p_values, q_values }
    }

    /// Returns the q-value of one of the panel's p-values.
    #[must_use]
    pub fn q_value(&self, p: f64) -> f64 {
        // The last of equal ones: it has the largest rank.
        let n_up_to = self.p_values.partition_point(|other| *other <= p);
        self.q_values.get(n_up_to.saturating_sub(1)).copied().unwrap_or(1.0)
    }
}

/// p-values of many panels, counted: their q-values over all pairs of query and target without keeping them.
///
/// They are counted in steps of a thousandth of a decade, rounded up: a q-value is at most .24 % above the exact one and
/// never below it.
#[derive(Debug, Clone, PartialEq)]
pub struct PValueCounts {
    counts: Vec<u64>,
}

/// Steps per decade.
const STEPS: f64 = 1_000.0;
/// Decades; smaller p-values count as the smallest.
const DECADES: usize = 320;

impl Default for PValueCounts {
    fn default() -> Self {
        Self { counts: vec![0; DECADES * STEPS as usize + 1] }
    }
}

impl PValueCounts {
    /// Counts the p-values of a panel.
    pub fn add(&mut self, p_values: &[f64]) {
        p_values.iter().for_each(|p| self.counts[step_of(*p)] += 1);
    }

    /// Counts as many of one p-value.
    pub fn add_many(&mut self, p: f64, count: u64) {
        self.counts[step_of(p)] += count;
    }

    /// Adds the counts of others.
    pub fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
    }

    /// Returns the q-values by step, to be asked with [`BatchQValues::q_value`].
    #[must_use]
    pub fn step_up(&self) -> BatchQValues {
        let m: u64 = self.counts.iter().sum();
        let mut q_values = vec![1.0; self.counts.len()];
        let (mut smallest, mut n_up_to) = (1.0_f64, m);
        // Step 0 holds the largest p-values.
        for (step, count) in self.counts.iter().enumerate() {
            if *count > 0 {
                let upper = 10_f64.powf(-(step as f64) / STEPS);
                smallest = smallest.min(upper * m as f64 / n_up_to as f64);
            }
            q_values[step] = smallest;
            n_up_to -= count;
        }
        BatchQValues { q_values }
    }
}

/// q-values over all pairs of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchQValues {
    q_values: Vec<f64>,
}

impl BatchQValues {
    /// Returns the q-value of one of the batch's p-values.
    #[must_use]
    pub fn q_value(&self, p: f64) -> f64 {
        self.q_values.get(step_of(p)).copied().unwrap_or(1.0)
    }
}

/// The step whose upper end is the first at or above p.
fn step_of(p: f64) -> usize {
    ((-p.log10() * STEPS).max(0.0) as usize).min(DECADES * STEPS as usize)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn as_many_are_below_a_level_as_the_step_up_procedure_rejects(
            p in prop::collection::vec(0.0_f64..=1.0, 1..60), level in 0.01_f64..0.5
        ) {
            let mut sorted = p.clone();
            sorted.sort_by(f64::total_cmp);
            let m = p.len() as f64;
            let passes = |i: &usize| sorted[*i] <= level * (*i + 1) as f64 / m - 1e-12;
            let rejected = (0..p.len()).rev().find(passes).map_or(0, |i| i + 1);
            let found = q_values(&p).into_iter().filter(|q| *q <= level).count();
            prop_assert!(found >= rejected);
            prop_assert!(q_values(&p).iter().zip(&p).all(|(q, p)| q >= p));
        }
    }

    proptest! {
        #[test]
        fn counted_q_values_are_the_exact_ones_rounded_up(
            p in prop::collection::vec(0.0_f64..9.0, 1..200)
        ) {
            let p: Vec<f64> = p.into_iter().map(|exponent| 10_f64.powf(-exponent)).collect();
            let mut counts = PValueCounts::default();
            let (first, second) = p.split_at(p.len() / 2);
            counts.add(first);
            let mut others = PValueCounts::default();
            others.add(second);
            counts.merge(&others);
            let batch = counts.step_up();
            for (p, exact) in p.iter().zip(q_values(&p)) {
                let q = batch.q_value(*p);
                prop_assert!(q >= exact * (1.0 - 1e-12) && q <= exact * 1.0024, "{q} {exact}");
            }
        }
    }

    #[test]
    fn nothing_has_no_q_values() {
        assert!(q_values(&[]).is_empty());
    }
}
