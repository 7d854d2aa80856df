use std::ops::Range;
use std::sync::LazyLock;

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
/// About where a score is significant in a panel of a hundred or thousands.
const SIGNIFICANT: f32 = 3.5;
const GRID_POINTS: usize = GRID_END * GRID_STEPS + 1;
/// Targets whose references are compared at once: 8 MB of similarities to 2,000 references.
const TARGET_BLOCK: usize = 1_024;
/// Targets that a query's breadth is taken from at most, at equal distances: it is known to a hundredth then.
const BREADTH_TARGETS: usize = 8_192;
/// References whose scores are pooled at once.
const REFERENCE_BLOCK: usize = 64;

/// What the similarity of a query to each target would be if the two had nothing to do with each other: learnt
/// from reference queries, less those that are known to act on the target.
///
/// Every target t has a median m_t and a spread d_t (from the median absolute deviation) over its references, which
/// true but unknown pairs hardly move. Spreads are drawn halfway to their median d over targets, as a spread from a
/// few hundred references is itself uncertain: σ_t² = (d_t² + d²)/2. A query that is unusually near and far from
/// everything is judged more strictly (Efron's empirical null): with b the spread of its (s − m_t)/σ_t over all
/// targets, of many over 8,192 at most (1 where they are fewer than [`FEWEST_REFERENCES`]), z = (s − m_t)/(σ_t κ), κ² = (1 + max(1, b)²)/2.
///
/// The p-value of z is the larger of two: the normal tail, and the share of the references' z that lie as far on the
/// *other* side, (1 + #{z ≤ −z}) / (1 + n), where no true pair makes a tail heavy (Phipson & Smyth 2010 for the ones).
///
/// ```
/// use phenocopy::calibrate::NullModel;
///
/// // 200 references × 2 targets, a block at a time.
/// let number = |i: usize| ((i * 7919) % 401) as f32 / 401.0 - 0.5;
/// let model = NullModel::fit(200, 2, |references, targets| {
///     references.flat_map(|r| targets.clone().map(move |t| number(2 * r + t))).collect()
/// })?;
/// let z = model.null().standardise(&[0.0, 1.4]).z;
/// assert!(model.null().p_value(z[0]) > 0.3 && model.null().p_value(z[1]) < 0.01);
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct NullModel {
    centre: Vec<f32>,
    spread: Vec<f32>,
    tail: Vec<f32>,
    breadth: f32,
}

/// The standardised scores of one query.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// The score of each target; NaN where there was no similarity.
    pub z: Vec<f64>,
    /// The spread b of the scores before they were made stricter: about 1 for most queries, more for one that is near
    /// to and far from everything.
    pub breadth: f64,
}

/// A [`NullModel`] in use, wherever its numbers lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Null<'a> {
    centre: &'a [f32],
    spread: &'a [f32],
    /// The share of the references' scores at or below −x, for x in steps of 1/[`GRID_STEPS`] from 0.
    tail: &'a [f32],
    /// The breadth that five of 100 references exceed.
    breadth: f32,
}

impl NullModel {
    /// Learns the null from the similarities of references to targets.
    ///
    /// # Shapes
    /// `similarities(references, targets)` returns those of a range of references to a range of targets, row-major,
    /// NaN for a pair to leave out; it is asked twice for each, so that memory stays at one block: all references ×
    /// 1,024 targets, or 64 references × all targets.
    ///
    /// # Errors
    /// When a target has fewer than [`FEWEST_REFERENCES`] references, or most targets are equally far from all.
    pub fn fit(
        n_references: usize,
        n_targets: usize,
        similarities: impl Fn(Range<usize>, Range<usize>) -> Vec<f32> + Sync,
    ) -> Result<Self> {
        let mut moments = Vec::with_capacity(n_targets);
        for block in blocks(n_targets, TARGET_BLOCK) {
            let width = block.len();
            let values = similarities(0..n_references, block);
            let of_target = |target: usize| {
                let column = values.iter().skip(target).step_by(width);
                robust_moments(column.map(|value| f64::from(*value)))
            };
            moments.par_extend((0..width).into_par_iter().map(of_target));
        }
        let moments: Option<Vec<(f64, f64)>> = moments.into_iter().collect();
        let (centre, own): (Vec<f64>, Vec<f64>) = moments.ok_or_else(too_few)?.into_iter().unzip();
        let typical = median(&own);
        if typical.is_nan() || typical <= 0.0 {
            return Err(too_few());
        }
        let spread = own.iter().map(|own| ((own * own + typical * typical) / 2.0).sqrt() as f32);
        let mut model = Self {
            centre: centre.into_iter().map(|centre| centre as f32).collect(),
            spread: spread.collect(),
            tail: vec![1.0; GRID_POINTS],
            breadth: 1.0,
        };
        (model.tail, model.breadth) = model.pool(n_references, similarities);
        Ok(model)
    }

    /// Returns the share of the references' scores as far below 0 as each point of the grid, and the breadth that five
    /// of 100 references exceed.
    fn pool(
        &self,
        n_references: usize,
        similarities: impl Fn(Range<usize>, Range<usize>) -> Vec<f32> + Sync,
    ) -> (Vec<f32>, f32) {
        let n_targets = self.centre.len();
        let mut breadths = Vec::with_capacity(n_references);
        // What lies above 0 is counted behind the grid's end.
        let mut counts = vec![0_u64; GRID_POINTS + 1];
        for block in blocks(n_references, REFERENCE_BLOCK) {
            let values = similarities(block, 0..n_targets);
            let lines = values.par_chunks_exact(n_targets);
            let scores: Vec<Scores> = lines.map(|line| self.null().standardise(line)).collect();
            breadths.extend(scores.iter().map(|scores| scores.breadth));
            let count = |mut counts: Vec<u64>, scores: &Scores| {
                for z in scores.z.iter().filter(|z| !z.is_nan()) {
                    counts[grid_position(-z).unwrap_or(GRID_POINTS)] += 1;
                }
                counts
            };
            let empty = || vec![0; GRID_POINTS + 1];
            let add = |mut a: Vec<u64>, b: Vec<u64>| {
                a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                a
            };
            let of_block = scores.par_iter().fold(empty, count).reduce(empty, add);
            counts.iter_mut().zip(of_block).for_each(|(sum, n)| *sum += n);
        }
        let n_pooled: u64 = counts.iter().sum();
        counts.truncate(GRID_POINTS);
        for at in (1..GRID_POINTS).rev() {
            counts[at - 1] += counts[at];
        }
        breadths.sort_by(f64::total_cmp);
        let breadth = breadths.get(breadths.len() * 95 / 100).copied().unwrap_or(1.0);
        let share = |n| ((1 + n) as f64 / (1 + n_pooled) as f64) as f32;
        (counts.into_iter().map(share).collect(), breadth as f32)
    }

    /// Makes the null stricter by another, for queries that may be like the references of either: each target has the
    /// centre and spread of the one that is wider where scores become significant, and the tail is the heavier one.
    #[must_use]
    pub fn stricter(mut self, other: &Self) -> Self {
        let own = self.centre.iter_mut().zip(&mut self.spread);
        for ((m, d), (other_m, other_d)) in own.zip(other.centre.iter().zip(&other.spread)) {
            if other_m - *m > SIGNIFICANT * (*d - other_d) {
                (*m, *d) = (*other_m, *other_d);
            }
        }
        self.tail.iter_mut().zip(&other.tail).for_each(|(own, other)| *own = own.max(*other));
        self
    }

    /// Returns the null, to ask it.
    #[must_use]
    pub fn null(&self) -> Null<'_> {
        let Self { centre, spread, tail, breadth } = self;
        Null { centre, spread, tail, breadth: *breadth }
    }
}

impl<'a> Null<'a> {
    /// Puts a null together again from its [`parts`](Self::parts); none when they do not fit each other.
    #[must_use]
    pub fn from_parts([centre, spread, tail, breadth]: [&'a [f32]; 4]) -> Option<Self> {
        let &[breadth] = breadth else { return None };
        let is_positive = |spread: &f32| spread.is_finite() && *spread > 0.0;
        let fits = centre.len() == spread.len() && tail.len() == GRID_POINTS;
        let holds = fits && spread.iter().all(is_positive);
        (holds && centre.iter().all(|c| c.is_finite())).then_some(Self {
            centre,
            spread,
            tail,
            breadth,
        })
    }

    /// Returns the targets' centres and spreads, and the tail of the references' scores; their
    /// [`breadth`](Self::breadth) is the fourth part.
    #[must_use]
    pub fn parts(&self) -> [&'a [f32]; 3] {
        [self.centre, self.spread, self.tail]
    }

    /// Returns the breadth that five of 100 references exceed: a query beyond it is promiscuous.
    #[must_use]
    pub fn breadth(&self) -> f32 {
        self.breadth
    }

    /// Returns the number of targets.
    #[must_use]
    pub fn n_targets(&self) -> usize {
        self.centre.len()
    }

    /// Returns the standardised score z of a query's similarity to each target, in the targets' order.
    #[must_use]
    pub fn standardise(&self, similarities: &[f32]) -> Scores {
        let targets = self.centre.iter().zip(self.spread);
        let z = |(s, (m, d)): (&f32, (&f32, &f32))| (f64::from(*s) - f64::from(*m)) / f64::from(*d);
        let mut z: Vec<f64> = similarities.iter().zip(targets).map(z).collect();
        let some = z.iter().copied().step_by(z.len().div_ceil(BREADTH_TARGETS).max(1));
        // The spread of a few scores is no spread.
        let breadth = robust_moments(some).map_or(1.0, |(_, breadth)| breadth);
        let strictness = ((1.0 + breadth.max(1.0).powi(2)) / 2.0).sqrt();
        z.iter_mut().for_each(|z| *z /= strictness);
        Scores { z, breadth }
    }

    /// Returns the chance of a score of at least `z` for a query that has nothing to do with the target; never 0.
    ///
    /// Below 0, where nothing is at stake, `z` is rounded down to a hundredth.
    #[must_use]
    pub fn p_value(&self, z: f64) -> f64 {
        let share = |at: usize| self.tail.get(at).copied().map_or(1.0, f64::from);
        let Some(at) = grid_position(z) else {
            let below = grid_position(-z).unwrap_or(0) + 1;
            return NORMAL_TAIL.get(below).map_or(1.0, |tail| 1.0 - tail).max(share(0));
        };
        let counted = share(at);
        // The tail at the grid's point is at least that at z.
        if NORMAL_TAIL.get(at).is_some_and(|tail| *tail <= counted) {
            return counted;
        }
        normal_tail(z).max(counted)
    }
}

/// The normal distribution's share above each point of the grid.
static NORMAL_TAIL: LazyLock<Vec<f64>> = LazyLock::new(|| {
    (0..GRID_POINTS).map(|at| normal_tail(at as f64 / GRID_STEPS as f64)).collect()
});

/// The share of a normal distribution above `z`.
pub(crate) fn normal_tail(z: f64) -> f64 {
    libm::erfc(z / std::f64::consts::SQRT_2) / 2.0
}

/// The ranges of at most `size` that a number of things is taken in.
fn blocks(n: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n).step_by(size).map(move |start| start..n.min(start + size))
}

/// The last point of the grid at or below a score; none below 0.
fn grid_position(z: f64) -> Option<usize> {
    (z >= 0.0).then(|| ((z * GRID_STEPS as f64) as usize).min(GRID_POINTS - 1))
}

fn too_few() -> Error {
    Error::data(
        "null distribution",
        format!("a target has fewer than {FEWEST_REFERENCES} references, or all are equally near"),
        "add perturbations that it can be compared with",
    )
}

/// Median and spread of the values that are there, the spread from the median absolute deviation; none of too few.
fn robust_moments(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let values: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
    if values.len() < FEWEST_REFERENCES {
        return None;
    }
    let centre = median(&values);
    let deviations: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
    Some((centre, NORMAL_MAD * median(&deviations)))
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rand_distr::StandardNormal;

    use super::{super::q_values, *};

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

    fn fit(
        similarities: &[f32],
        is_known: impl Fn(usize, usize) -> bool + Sync,
    ) -> Result<NullModel> {
        NullModel::fit(similarities.len() / N_TARGETS, N_TARGETS, |references, targets| {
            let pairs = references.flat_map(|r| targets.clone().map(move |t| (r, t)));
            let value =
                |(r, t)| if is_known(r, t) { f32::NAN } else { similarities[r * N_TARGETS + t] };
            pairs.map(value).collect()
        })
    }

    fn smallest_q(null: Null<'_>, line: &[f32]) -> f64 {
        let z = null.standardise(line).z;
        let p: Vec<f64> = z.iter().map(|z| null.p_value(*z)).collect();
        q_values(&p).into_iter().fold(1.0, f64::min)
    }

    #[test]
    fn queries_without_a_target_seldom_have_a_hit_although_hubs_are_near_to_all() {
        let null = fit(&references(600, 1), |_, _| false).unwrap();
        let queries = references(400, 2);
        let has_hit = |line: &&[f32]| smallest_q(null.null(), line) <= 0.05;
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
        let model = fit(&similarities, |_, _| false).unwrap();
        let null = model.null();
        let mut query = references(1, 4);
        query[1] = 0.8;
        let z = null.standardise(&query).z;
        let p: Vec<f64> = z.iter().map(|z| null.p_value(*z)).collect();
        assert!(q_values(&p)[1] <= 0.05, "{}", q_values(&p)[1]);
    }

    #[test]
    fn known_pairs_are_left_out() {
        let mut similarities = references(100, 5);
        let clean = fit(&similarities, |r, t| r < 40 && t == 1).unwrap();
        for reference in 0..40 {
            similarities[reference * N_TARGETS + 1] = 0.9;
        }
        let null = fit(&similarities, |r, t| r < 40 && t == 1).unwrap();
        assert!((null.centre[1] - clean.centre[1]).abs() < 1e-12);
        let few = fit(&similarities, |r, t| r < 80 && t == 1);
        assert!(few.unwrap_err().to_string().contains("fewer than 30 references"));
    }

    #[test]
    fn the_stricter_of_two_nulls_is_as_wide_as_the_wider_at_each_target() {
        let wide = |is_wide: fn(usize) -> bool, seed| {
            let mut all = references(100, seed);
            let wide = (0..all.len()).filter(|i| is_wide(i % N_TARGETS));
            wide.for_each(|i| all[i] *= 3.0);
            fit(&all, |_, _| false).unwrap()
        };
        let [even, odd] = [wide(|t| t % 2 == 0, 8), wide(|t| t % 2 == 1, 9)];
        let both = even.clone().stricter(&odd);
        assert_eq!(both.spread[2..4], [even.spread[2], odd.spread[3]]);
        assert!((0..GRID_POINTS).all(|at| both.tail[at] >= even.tail[at].max(odd.tail[at])));
    }

    #[test]
    fn p_values_fall_with_the_score_and_are_never_zero() {
        let model = fit(&references(100, 6), |_, _| false).unwrap();
        let null = model.null();
        let scores = (0..=1200).map(|i| f64::from(i) / 20.0 - 20.0);
        let p: Vec<f64> = scores.map(|z| null.p_value(z)).collect();
        assert!(p.is_sorted_by(|a, b| a >= b) && p.iter().all(|p| *p > 0.0 && *p <= 1.0));
    }

    #[test]
    fn the_same_similarities_give_the_same_null_for_any_number_of_threads() {
        let similarities = references(100, 7);
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| fit(&similarities, |_, _| false).unwrap())
        };
        assert_eq!(with(1), with(3));
    }
}
