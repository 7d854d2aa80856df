use faer::Mat;

use super::space::NetworkSpace;
use crate::calibrate::{BatchQValues, PValueCounts, normal_tail};
use crate::dataset::median;
use crate::embedding::algebra::product;
use crate::experiment::Side;

/// Width of the bins that scores are counted in.
const STEP: f64 = 0.002;
/// Scores beyond are counted in the last bin.
const FARTHEST: f64 = 60.0;
/// Fewer pairs tell nothing of chance.
const FEWEST_PAIRS: u64 = 1_000;
/// Shares of a normal distribution's tail, and where they begin.
const TAIL_POINTS: [(f64, f64); 6] = [
    (1e-1, 1.281_552),
    (1e-2, 2.326_348),
    (1e-3, 3.090_232),
    (1e-4, 3.719_016),
    (1e-5, 4.264_891),
    (1e-6, 4.753_424),
];
/// Fewer pairs beyond a point do not tell how far the tail reaches.
const FEWEST_IN_TAIL: f64 = 20.0;
/// Quartiles of a normal distribution lie this far from its centre.
const NORMAL_QUARTILE: f64 = 0.674_490;

/// What is compared with what: a side with itself or the other.
pub(super) fn stratum(a: Side, b: Side) -> usize {
    usize::from(a == Side::Genetic) + usize::from(b == Side::Genetic)
}

/// How near each perturbation is to those of a side in general: a hub is near to all.
#[derive(Debug, Clone)]
pub struct Standard {
    /// By perturbation and side: mean and spread of its similarities.
    moments: Vec<[(f64, f64); 2]>,
}

impl Standard {
    /// Takes the moments from the vectors' own first and second moments: O(n · dim²), no pair is compared.
    #[must_use]
    pub fn new(space: &NetworkSpace) -> Self {
        let mut moments = vec![[(0.0, 1.0); 2]; space.len()];
        for (at, side) in [Side::Chemical, Side::Genetic].into_iter().enumerate() {
            for (own, found) in moments.iter_mut().zip(moments_with(space, side)) {
                own[at] = found;
            }
            floor_spreads(&mut moments, at);
        }
        Self { moments }
    }

    /// Returns the score of two of the space that the moments were taken from; NaN of what is not there.
    #[must_use]
    pub fn score(&self, space: &NetworkSpace, (i, j): (usize, usize)) -> f64 {
        self.z(&space.sides, (i, j), space.similarity(i, j))
    }

    /// Returns the score of a pair: its similarity standardised by what either has with others, the mean of both.
    pub(super) fn z(&self, sides: &[Side], (i, j): (usize, usize), similarity: f32) -> f64 {
        let one = |own: usize, other: usize| {
            let (moments, side) = (self.moments.get(own), sides.get(other));
            let Some((moments, side)) = moments.zip(side) else { return f64::NAN };
            let (mean, spread) = moments[usize::from(*side == Side::Genetic)];
            (f64::from(similarity) - mean) / spread
        };
        f64::midpoint(one(i, j), one(j, i))
    }
}

/// Mean and spread of each perturbation's similarities to the others of a side.
fn moments_with(space: &NetworkSpace, side: Side) -> Vec<(f64, f64)> {
    let (n, dim) = (space.len(), space.dim);
    let value = |i: usize, k: usize| f64::from(space.vectors[i * dim + k]);
    let members: Vec<usize> = (0..n).filter(|i| space.sides[*i] == side).collect();
    let of_side = Mat::from_fn(members.len(), dim, |i, k| value(members[i], k));
    let second = product(of_side.transpose(), of_side.as_ref());
    let first: Vec<f64> = (0..dim).map(|k| of_side.col(k).iter().sum()).collect();
    let all = Mat::from_fn(n, dim, value);
    let turned = product(all.as_ref(), second.as_ref());
    let moments = |i: usize| {
        // It is not compared with itself.
        let own =
            if space.sides[i] == side { (0..dim).map(|k| value(i, k).powi(2)).sum() } else { 0.0 };
        let n_others =
            (members.len() as f64 - if space.sides[i] == side { 1.0 } else { 0.0 }).max(1.0);
        let sum = (0..dim).map(|k| value(i, k) * first[k]).sum::<f64>() - own;
        let squares = (0..dim).map(|k| value(i, k) * turned[(i, k)]).sum::<f64>() - own * own;
        let mean = sum / n_others;
        (mean, (squares / n_others - mean * mean).max(0.0).sqrt())
    };
    (0..n).map(moments).collect()
}

/// A spread below a tenth of the median one is an accident.
fn floor_spreads(moments: &mut [[(f64, f64); 2]], at: usize) {
    let spreads: Vec<f64> = moments.iter().map(|own| own[at].1).collect();
    let floor = (median(&spreads) / 10.0).max(f64::MIN_POSITIVE);
    let floor = if floor.is_nan() { 1.0 } else { floor };
    moments.iter_mut().for_each(|own| own[at].1 = own[at].1.max(floor));
}

/// How many pairs have which score.
#[derive(Clone)]
pub(super) struct ScoreCounts {
    bins: Vec<u64>,
}

impl ScoreCounts {
    pub(super) fn new() -> Self {
        Self { bins: vec![0; (2.0 * FARTHEST / STEP) as usize + 1] }
    }

    pub(super) fn add(&mut self, z: f64) {
        let bin = ((z.clamp(-FARTHEST, FARTHEST) + FARTHEST) / STEP) as usize;
        if let Some(count) = self.bins.get_mut(bin) {
            *count += 1;
        }
    }

    pub(super) fn join(mut self, other: &Self) -> Self {
        self.bins.iter_mut().zip(&other.bins).for_each(|(sum, count)| *sum += count);
        self
    }

    pub(super) fn total(&self) -> u64 {
        self.bins.iter().sum()
    }

    /// Each bin that holds any: its lower and upper end, and how many.
    fn filled(&self) -> impl DoubleEndedIterator<Item = (f64, f64, u64)> {
        let bins = self.bins.iter().enumerate().filter(|(_, count)| **count > 0);
        bins.map(|(at, count)| {
            let lower = at as f64 * STEP - FARTHEST;
            (lower, lower + STEP, *count)
        })
    }

    /// The score below which a share of the pairs lies, to a bin.
    fn quantile(&self, share: f64) -> f64 {
        let wanted = share * self.total() as f64;
        let mut below = 0.0;
        for (lower, upper, count) in self.filled() {
            let count = count as f64;
            if below + count >= wanted {
                return lower + (upper - lower) * ((wanted - below) / count).clamp(0.0, 1.0);
            }
            below += count;
        }
        0.0
    }
}

/// What scores pairs have by chance: an empirical null (Efron 2004) of all pairs of a screen.
///
/// Nearly all pairs have nothing to do with each other, so that the bulk of scores shows chance: a normal distribution
/// with the centre and quartiles of all. Above, where most true pairs lie, the spread is the largest that the *left* half
/// shows at the tail shares .1 to 10⁻⁶, as a mirror: screens with heavier tails than normal get no edges from them.
/// Below, where the mirror would be full of true pairs, the normal shape is taken on trust.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairNull {
    /// The median score.
    pub centre: f64,
    /// From the quartiles; what p-values of negative edges come from.
    pub spread: f64,
    /// What p-values of positive edges come from.
    pub upper_spread: f64,
}

impl PairNull {
    /// Learns it from the scores of all pairs; none of fewer than 1,000.
    pub(super) fn fit(scores: &ScoreCounts) -> Option<Self> {
        let total = scores.total();
        let [lower, centre, upper] = [0.25, 0.5, 0.75].map(|share| scores.quantile(share));
        let spread = (upper - lower) / (2.0 * NORMAL_QUARTILE);
        if total < FEWEST_PAIRS || spread <= 0.0 {
            return None;
        }
        let is_told = |(share, _): &&(f64, f64)| share * total as f64 >= FEWEST_IN_TAIL;
        let of_tail = |(share, at): &(f64, f64)| (centre - scores.quantile(*share)) / at;
        let upper_spread = TAIL_POINTS.iter().filter(is_told).map(of_tail).fold(spread, f64::max);
        Some(Self { centre, spread, upper_spread })
    }

    /// Learns it from the bulk alone, the same on either side of the centre: where true pairs lie on both, no tail shows
    /// chance. The spread is the larger of what the quartiles and the lighter tail at .1 show; none of fewer than 1,000.
    pub(super) fn fit_bulk(scores: &ScoreCounts) -> Option<Self> {
        let null = Self::fit(scores)?;
        let (share, at) = TAIL_POINTS[0];
        let below = null.centre - scores.quantile(share);
        let above = scores.quantile(1.0 - share) - null.centre;
        let spread = null.spread.max(below.min(above) / at);
        Some(Self { spread, upper_spread: spread, ..null })
    }

    /// Returns the chance of a score as far from the centre, either way, for a pair that has nothing in common.
    #[must_use]
    pub fn p_value(&self, z: f64) -> f64 {
        let spread = if z > self.centre { self.upper_spread } else { self.spread };
        (2.0 * normal_tail((z - self.centre).abs() / spread)).min(1.0)
    }

    /// Returns the q-values over all pairs tested, of which these are the scores; each at least the exact one.
    pub(super) fn q_values(&self, scores: &ScoreCounts) -> BatchQValues {
        let mut counts = PValueCounts::default();
        for (lower, upper, count) in scores.filled() {
            // Of a bin's ends the one that is nearer to the centre has the larger p.
            counts.add_many(self.p_value(lower).max(self.p_value(upper)), count);
        }
        counts.step_up()
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rand_distr::StandardNormal;

    use super::*;

    fn scores(n: usize, of: impl Fn(f64) -> f64) -> ScoreCounts {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let mut scores = ScoreCounts::new();
        (0..n).for_each(|_| scores.add(of(random.sample(StandardNormal))));
        scores
    }

    #[test]
    fn normal_scores_have_their_own_p_values() {
        let null = PairNull::fit(&scores(200_000, |z| 0.3 + 0.9 * z)).unwrap();
        assert!((null.centre - 0.3).abs() < 0.01 && (null.spread - 0.9).abs() < 0.01, "{null:?}");
        assert!(null.upper_spread >= null.spread && null.upper_spread < 1.0, "{null:?}");
        let expected = 2.0 * normal_tail(2.0);
        assert!((null.p_value(0.3 - 0.9 * 2.0) / expected - 1.0).abs() < 0.1);
        assert!(null.p_value(0.3 + 0.9 * 2.0) >= 0.9 * expected);
    }

    #[test]
    fn a_heavy_left_tail_makes_positive_edges_harder_and_true_pairs_do_not() {
        let cubic = |z: f64| if z < -2.0 { 2.0 * z + 2.0 } else { z };
        let heavy = PairNull::fit(&scores(200_000, cubic)).unwrap();
        assert!(heavy.upper_spread > 1.2 && (heavy.spread - 1.0).abs() < 0.02, "{heavy:?}");
        let mut with_pairs = scores(200_000, |z| z);
        (0..400).for_each(|_| with_pairs.add(7.0));
        let null = PairNull::fit(&with_pairs).unwrap();
        assert!(null.upper_spread < 1.15, "{null:?}");
        let q = null.q_values(&with_pairs).q_value(null.p_value(7.0));
        assert!(q < 1e-4, "{q}");
        assert!(PairNull::fit(&scores(999, |z| z)).is_none(), "too few");
    }

    #[test]
    fn counted_quantiles_are_those_of_the_scores() {
        let mut counts = ScoreCounts::new();
        (0..1000).for_each(|i| counts.add(f64::from(i) / 100.0));
        assert!((counts.quantile(0.5) - 5.0).abs() < 0.02 && counts.total() == 1000);
    }
}
