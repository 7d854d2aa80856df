use std::sync::LazyLock;

use crate::dataset::median;

/// References without which a target's centre and spread mean little.
pub const FEWEST_REFERENCES: usize = 30;
/// Median absolute deviation to standard deviation, for normal values.
const NORMAL_MAD: f64 = 1.482_602_218_505_602;
/// Scores of at least this many spreads are counted together.
const GRID_END: usize = 40;
/// Points of the grid per spread.
const GRID_STEPS: usize = 100;
pub(super) const GRID_POINTS: usize = GRID_END * GRID_STEPS + 1;
/// Targets that a query's breadth is taken from at most, at equal distances: it is known to a hundredth then.
const BREADTH_TARGETS: usize = 8_192;

/// The standardised scores of one query.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// The score of each target; NaN where there was no similarity.
    pub z: Vec<f64>,
    /// The spread b of the scores before they were made stricter: about 1 for most queries, more for one that is near
    /// to and far from everything.
    pub breadth: f64,
}

/// A [`NullModel`](super::NullModel) in use, wherever its numbers lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Null<'a> {
    pub(super) centre: &'a [f32],
    pub(super) spread: &'a [f32],
    /// The share of the references' scores at or below −x, for x in steps of 1/[`GRID_STEPS`] from 0.
    pub(super) tail: &'a [f32],
    /// The breadth that five of 100 references exceed.
    pub(super) breadth: f32,
    /// The first targets, which it was learnt from.
    pub(super) n_learnt: usize,
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
            n_learnt: centre.len(),
        })
    }

    /// Says that only the first targets were learnt from: a query's breadth is taken over them, so that targets added
    /// later change no score of theirs.
    #[must_use]
    pub fn learnt_from(self, n_targets: usize) -> Self {
        Self { n_learnt: n_targets.min(self.centre.len()), ..self }
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
        let learnt = &z[..self.n_learnt.min(z.len())];
        let some = learnt.iter().copied().step_by(learnt.len().div_ceil(BREADTH_TARGETS).max(1));
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

/// The last point of the grid at or below a score; none below 0.
pub(super) fn grid_position(z: f64) -> Option<usize> {
    (z >= 0.0).then(|| ((z * GRID_STEPS as f64) as usize).min(GRID_POINTS - 1))
}

/// Median and spread of the values that are there, the spread from the median absolute deviation; none of too few.
pub(super) fn robust_moments(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let values: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
    if values.len() < FEWEST_REFERENCES {
        return None;
    }
    let centre = median(&values);
    let deviations: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
    Some((centre, NORMAL_MAD * median(&deviations)))
}
