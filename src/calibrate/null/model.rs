use std::ops::Range;

use rayon::prelude::*;

use super::scores::{GRID_POINTS, Null, Scores, grid_position, robust_moments};
use crate::calibrate::FEWEST_REFERENCES;
use crate::dataset::median;
use crate::error::{Error, Result};

/// About where a score is significant in a panel of a hundred or thousands.
const SIGNIFICANT: f32 = 3.5;
/// Targets whose references are compared at once: 8 MB of similarities to 2,000 references.
const TARGET_BLOCK: usize = 1_024;
/// References whose scores are pooled at once.
const REFERENCE_BLOCK: usize = 64;
/// How far the centre of a target may lie from the stored one, in spreads, by rounding alone.
const TOLERANCE: f64 = 0.01;

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
    /// The first targets, which it was learnt from; others were added.
    n_learnt: usize,
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
        let moments = moments(n_references, n_targets, &similarities)?;
        let (centre, own): (Vec<f64>, Vec<f64>) = moments.into_iter().unzip();
        let typical = median(&own);
        if typical.is_nan() || typical <= 0.0 {
            return Err(too_few());
        }
        let spread = own.iter().map(|own| drawn(*own, typical));
        let mut model = Self {
            centre: centre.into_iter().map(|centre| centre as f32).collect(),
            spread: spread.collect(),
            tail: vec![1.0; GRID_POINTS],
            breadth: 1.0,
            n_learnt: n_targets,
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

    /// Adds targets that it was not learnt from: each gets the centre and the spread of its own similarities to the
    /// references. What it says of the targets that it was learnt from stays as it is, and so do the tail and the breadth.
    ///
    /// # Shapes
    /// `similarities` is asked as by [`fit`](Self::fit), for `checked.len() + n_added` targets: first those of these
    /// positions, which show whether the references are those that it was learnt from, then the new ones.
    ///
    /// # Errors
    /// When the references are others than its own, or a new target has fewer than [`FEWEST_REFERENCES`].
    pub fn with_targets(
        mut self,
        n_references: usize,
        (checked, n_added): (&[usize], usize),
        similarities: impl Fn(Range<usize>, Range<usize>) -> Vec<f32> + Sync,
    ) -> Result<Self> {
        let mut moments = moments(n_references, checked.len() + n_added, &similarities)?;
        let added = moments.split_off(checked.len());
        let is_own = |(at, (centre, _)): (&usize, &(f64, f64))| {
            let stored = self.centre.get(*at).zip(self.spread.get(*at));
            stored.is_some_and(|(stored, spread)| {
                (centre - f64::from(*stored)).abs() <= TOLERANCE * f64::from(*spread)
            })
        };
        if !checked.iter().zip(&moments).all(is_own) {
            return Err(others());
        }
        // A spread is a growing function of the target's own, which leaves the median one as it is.
        let learnt = self.spread.iter().take(self.n_learnt).map(|spread| f64::from(*spread));
        let typical = median(&learnt.collect::<Vec<f64>>());
        self.centre.extend(added.iter().map(|(centre, _)| *centre as f32));
        self.spread.extend(added.iter().map(|(_, own)| drawn(*own, typical)));
        Ok(self)
    }

    /// Returns the null, to ask it.
    #[must_use]
    pub fn null(&self) -> Null<'_> {
        let Self { centre, spread, tail, breadth, n_learnt } = self;
        Null { centre, spread, tail, breadth: *breadth, n_learnt: *n_learnt }
    }
}

impl From<Null<'_>> for NullModel {
    fn from(null: Null<'_>) -> Self {
        let [centre, spread, tail] = null.parts().map(<[f32]>::to_vec);
        Self { centre, spread, tail, breadth: null.breadth(), n_learnt: null.n_learnt }
    }
}

/// The median and the spread of each target's similarities to the references.
fn moments(
    n_references: usize,
    n_targets: usize,
    similarities: &(impl Fn(Range<usize>, Range<usize>) -> Vec<f32> + Sync),
) -> Result<Vec<(f64, f64)>> {
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
    moments.into_iter().collect::<Option<_>>().ok_or_else(too_few)
}

/// A target's spread, halfway to the typical one.
fn drawn(own: f64, typical: f64) -> f32 {
    ((own * own + typical * typical) / 2.0).sqrt() as f32
}

/// The ranges of at most `size` that a number of things is taken in.
fn blocks(n: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n).step_by(size).map(move |start| start..n.min(start + size))
}

fn too_few() -> Error {
    Error::data(
        "null distribution",
        format!("a target has fewer than {FEWEST_REFERENCES} references, or all are equally near"),
        "add perturbations that it can be compared with",
    )
}

fn others() -> Error {
    let problem = "it was learnt from other references than these";
    Error::data("null distribution", problem, "learn it anew")
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rand_distr::StandardNormal;

    use super::*;
    use crate::calibrate::q_values;

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
    fn an_added_target_is_judged_as_if_it_had_been_there_and_moves_no_other() {
        let similarities = references(200, 10);
        let whole = fit(&similarities, |_, _| false).unwrap();
        let n_learnt = N_TARGETS - 20;
        let some = |references: Range<usize>, targets: Range<usize>| -> Vec<f32> {
            let pairs = references.flat_map(|r| targets.clone().map(move |t| (r, t)));
            pairs.map(|(r, t)| similarities[r * N_TARGETS + t]).collect()
        };
        let base = NullModel::fit(200, n_learnt, some).unwrap();
        let checked = [0, 1];
        let columns = |references: Range<usize>, targets: Range<usize>| -> Vec<f32> {
            let column = |t: usize| if t < 2 { t } else { n_learnt + t - 2 };
            let one = |r: usize, t| similarities[r * N_TARGETS + column(t)];
            references.flat_map(|r| targets.clone().map(move |t| one(r, t))).collect()
        };
        let more = base.clone().with_targets(200, (&checked, 20), columns).unwrap();
        let line = references(1, 11);
        let (before, after) = (base.null().standardise(&line[..n_learnt]), more.null());
        let z = after.standardise(&line).z;
        assert_eq!(z[..n_learnt], before.z);
        let expected = whole.null().standardise(&line).z;
        let pairs = z[n_learnt..].iter().zip(&expected[n_learnt..]);
        pairs.for_each(|(z, expected)| {
            assert!((z - expected).abs() < 0.1 * expected.abs().max(1.0))
        });
        let shifted = |r: Range<usize>, t: Range<usize>| -> Vec<f32> {
            columns(r, t).into_iter().map(|value| value + 0.1).collect()
        };
        let error = base.with_targets(200, (&checked, 20), shifted).unwrap_err().to_string();
        assert!(error.contains("other references"), "{error}");
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
