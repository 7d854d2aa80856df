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
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*b].total_cmp(&p_values[*a]));
    let m = p_values.len() as f64;
    let mut q = vec![1.0; p_values.len()];
    let mut smallest = 1.0_f64;
    for (n_larger, at) in order.into_iter().enumerate() {
        smallest = smallest.min(p_values[at] * (m / (m - n_larger as f64)));
        q[at] = smallest;
    }
    q
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

    #[test]
    fn nothing_has_no_q_values() {
        assert!(q_values(&[]).is_empty());
    }
}
