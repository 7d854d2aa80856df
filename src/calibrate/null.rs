use rayon::prelude::*;

use crate::dataset::median;
use crate::error::{Error, Result};

/// References without which a target's centre and spread mean little.
pub const FEWEST_REFERENCES: usize = 30;
/// Median absolute deviation to standard deviation, for normal values.
const NORMAL_MAD: f64 = 1.482_602_218_505_602;
/// Scores of at least this many spreads are counted together.
const GRID_END: usize = 40;
/// Points of the grid per spread.
const GRID_STEPS: usize = 100;

/// What the similarity of a query to each target would be if the two had nothing to do with each other: learnt
/// from reference queries, less those that are known to act on the target.
///
/// Every target t has a median m_t and a spread d_t (from the median absolute deviation) over its references, which
/// true but unknown pairs hardly move. Spreads are drawn halfway to their median d over targets, as a spread from a
/// few hundred references is itself uncertain: σ_t² = (d_t² + d²)/2. A query that is unusually near and far from
/// everything is judged more strictly (Efron's empirical null): with b the spread of its (s − m_t)/σ_t over all
/// targets (1 where they are fewer than [`FEWEST_REFERENCES`]), z = (s − m_t)/(σ_t κ), κ² = (1 + max(1, b)²)/2.
///
/// The p-value of z is the larger of two: the normal tail, and the share of the references' z that lie as far on the
/// *other* side, (1 + #{z ≤ −z}) / (1 + n), where no true pair makes a tail heavy (Phipson & Smyth 2010 for the ones).
///
/// ```
/// use phenocopy::calibrate::NullModel;
///
/// // 200 references × 2 targets.
/// let number = |i: usize| ((i * 7919) % 401) as f32 / 401.0 - 0.5;
/// let references: Vec<f32> = (0..400).map(number).collect();
/// let null = NullModel::fit(&references, 2, |_, _| false)?;
/// let z = null.standardise(&[0.0, 1.4]);
/// assert!(null.p_value(z[0]) > 0.3 && null.p_value(z[1]) < 0.01);
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct NullModel {
    centre: Vec<f64>,
    spread: Vec<f64>,
    /// Of the references' scores, how many lie at or below −x, for x in steps of 1/[`GRID_STEPS`] from 0.
    below: Vec<u64>,
    n_pooled: u64,
}

impl NullModel {
    /// Learns the null from the similarities of references to targets.
    ///
    /// # Shapes
    /// `similarities`: n references × `n_targets`, row-major; `is_known(reference, target)` leaves a pair out.
    ///
    /// # Errors
    /// When a target has fewer than [`FEWEST_REFERENCES`] references, or most targets are equally far from all.
    pub fn fit(
        similarities: &[f32],
        n_targets: usize,
        is_known: impl Fn(usize, usize) -> bool + Sync,
    ) -> Result<Self> {
        let n_references = similarities.len().checked_div(n_targets).unwrap_or_default();
        let of_target = |target: usize| {
            let column = (0..n_references).filter(|reference| !is_known(*reference, target));
            let column = column.map(|r| f64::from(similarities[r * n_targets + target]));
            robust_moments(&column.collect::<Vec<_>>())
        };
        let moments: Option<Vec<(f64, f64)>> =
            (0..n_targets).into_par_iter().map(of_target).collect();
        let (centre, own): (Vec<f64>, Vec<f64>) = moments.ok_or_else(too_few)?.into_iter().unzip();
        let typical = median(&own);
        if typical.is_nan() || typical <= 0.0 {
            return Err(too_few());
        }
        let spread = own.iter().map(|own| ((own * own + typical * typical) / 2.0).sqrt()).collect();
        let mut null =
            Self { centre, spread, below: vec![0; GRID_END * GRID_STEPS + 1], n_pooled: 0 };
        null.pool(similarities, is_known);
        Ok(null)
    }

    /// Counts the references' scores.
    fn pool(&mut self, similarities: &[f32], is_known: impl Fn(usize, usize) -> bool + Sync) {
        let lines = similarities.par_chunks_exact(self.centre.len()).enumerate();
        let counts = lines.map(|(reference, line)| {
            let mut counts = vec![0_u64; self.below.len() + 1];
            for (target, z) in self.standardise(line).into_iter().enumerate() {
                if !is_known(reference, target) {
                    counts[grid_position(-z).unwrap_or(self.below.len())] += 1;
                }
            }
            counts
        });
        let add = |mut a: Vec<u64>, b: Vec<u64>| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        };
        let mut counts = counts.reduce(|| vec![0; self.below.len() + 1], add);
        self.n_pooled = counts.iter().sum();
        counts.truncate(self.below.len());
        for at in (1..counts.len()).rev() {
            counts[at - 1] += counts[at];
        }
        self.below = counts;
    }

    /// Returns the standardised score z of a query's similarity to each target, in the targets' order.
    #[must_use]
    pub fn standardise(&self, similarities: &[f32]) -> Vec<f64> {
        let targets = self.centre.iter().zip(&self.spread);
        let scores = similarities.iter().zip(targets).map(|(s, (m, d))| (f64::from(*s) - m) / d);
        let mut scores: Vec<f64> = scores.collect();
        // The spread of a few scores is no spread.
        let own = robust_moments(&scores).map_or(1.0, |(_, own)| own.max(1.0));
        let strictness = ((1.0 + own * own) / 2.0).sqrt();
        scores.iter_mut().for_each(|score| *score /= strictness);
        scores
    }

    /// Returns the chance of a score of at least `z` for a query that has nothing to do with the target; never 0.
    #[must_use]
    pub fn p_value(&self, z: f64) -> f64 {
        let normal = libm::erfc(z / std::f64::consts::SQRT_2) / 2.0;
        let as_far = self.below.get(grid_position(z).unwrap_or(0)).copied().unwrap_or(0);
        let counted = (1 + as_far) as f64 / (1 + self.n_pooled) as f64;
        normal.max(counted)
    }
}

/// The last point of the grid at or below a score; none below 0.
fn grid_position(z: f64) -> Option<usize> {
    (z >= 0.0).then(|| ((z * GRID_STEPS as f64) as usize).min(GRID_END * GRID_STEPS))
}

fn too_few() -> Error {
    Error::data(
        "null distribution",
        format!("a target has fewer than {FEWEST_REFERENCES} references, or all are equally near"),
        "add perturbations that it can be compared with",
    )
}

/// Median and spread, the latter from the median absolute deviation; none of too few values.
fn robust_moments(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < FEWEST_REFERENCES {
        return None;
    }
    let centre = median(values);
    let deviations: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
    Some((centre, NORMAL_MAD * median(&deviations)))
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rand_distr::StandardNormal;

    use super::super::q_values;
    use super::*;

    const N_TARGETS: usize = 300;

    /// References × targets; every tenth target is a hub: nearer to all, and spread four times as wide.
    fn references(n: usize, seed: u64) -> Vec<f32> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let value = |target: usize, noise: f32| match target % 10 {
            0 => 0.2 + 0.4 * noise,
            _ => 0.1 * noise,
        };
        let all = (0..n * N_TARGETS).map(|i| value(i % N_TARGETS, random.sample(StandardNormal)));
        all.collect()
    }

    fn smallest_q(null: &NullModel, line: &[f32]) -> f64 {
        let z = null.standardise(line);
        let p: Vec<f64> = z.iter().map(|z| null.p_value(*z)).collect();
        q_values(&p).into_iter().fold(1.0, f64::min)
    }

    #[test]
    fn queries_without_a_target_seldom_have_a_hit_although_hubs_are_near_to_all() {
        let null = NullModel::fit(&references(600, 1), N_TARGETS, |_, _| false).unwrap();
        let queries = references(400, 2);
        let has_hit = |line: &&[f32]| smallest_q(&null, line) <= 0.05;
        let n_false = queries.chunks(N_TARGETS).filter(has_hit).count();
        // 5 % and two of its standard errors.
        assert!(n_false <= 29, "{n_false} of 400 queries");
    }

    #[test]
    fn a_true_target_is_found_although_every_twentieth_reference_acts_on_it_unannotated() {
        let mut similarities = references(600, 3);
        for reference in (0..600).step_by(20) {
            similarities[reference * N_TARGETS + 1] = 0.8;
        }
        let null = NullModel::fit(&similarities, N_TARGETS, |_, _| false).unwrap();
        let mut query = references(1, 4);
        query[1] = 0.8;
        let z = null.standardise(&query);
        let p: Vec<f64> = z.iter().map(|z| null.p_value(*z)).collect();
        assert!(q_values(&p)[1] <= 0.05, "{}", q_values(&p)[1]);
    }

    #[test]
    fn known_pairs_are_left_out() {
        let mut similarities = references(100, 5);
        let clean = NullModel::fit(&similarities, N_TARGETS, |r, t| r < 40 && t == 1).unwrap();
        for reference in 0..40 {
            similarities[reference * N_TARGETS + 1] = 0.9;
        }
        let null = NullModel::fit(&similarities, N_TARGETS, |r, t| r < 40 && t == 1).unwrap();
        assert!((null.centre[1] - clean.centre[1]).abs() < 1e-12);
        let few = NullModel::fit(&similarities, N_TARGETS, |r, t| r < 80 && t == 1);
        assert!(few.unwrap_err().to_string().contains("fewer than 30 references"));
    }

    #[test]
    fn p_values_fall_with_the_score_and_are_never_zero() {
        let null = NullModel::fit(&references(100, 6), N_TARGETS, |_, _| false).unwrap();
        let scores = (0..=1200).map(|i| f64::from(i) / 20.0 - 20.0);
        let p: Vec<f64> = scores.map(|z| null.p_value(z)).collect();
        assert!(p.is_sorted_by(|a, b| a >= b) && p.iter().all(|p| *p > 0.0 && *p <= 1.0));
    }

    #[test]
    fn the_same_similarities_give_the_same_null_for_any_number_of_threads() {
        let similarities = references(100, 7);
        let fit = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| NullModel::fit(&similarities, N_TARGETS, |_, _| false).unwrap())
        };
        assert_eq!(fit(1), fit(3));
    }
}
