use std::collections::HashMap;

use super::block::fold_pairs;
use super::null::{PairNull, ScoreCounts, Standard, stratum};
use super::space::NetworkSpace;
use crate::calibrate::BatchQValues;
use crate::search::{Direction, Support};

/// Two perturbations that act alike, or against each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Edge {
    /// Positions among the network's nodes, the lower first.
    pub nodes: (usize, usize),
    /// Cosine of the whitened vectors; below 0 they act against each other.
    pub similarity: f32,
    /// Standardised by what either has with others, the mean of both.
    pub z: f64,
    /// Chance of a score as far from the centre, either way; NaN where there are too few pairs to know chance.
    pub p_value: f64,
    /// Share of false ones among edges up to this p-value, over all pairs tested.
    pub q_value: f64,
    /// Of the contexts that either end was measured in, those whose profile alone puts the other end among its nearest
    /// twentieth (of opposites, its farthest); none where profiles are not known.
    pub support: Option<Support>,
}

/// Which pairs become edges.
#[derive(Debug, Clone, Copy)]
pub(super) struct EdgeChoice {
    pub(super) max_q: f64,
    pub(super) min_similarity: f32,
    pub(super) direction: Direction,
}

impl EdgeChoice {
    fn takes(self, similarity: f32) -> bool {
        let is_wanted = match self.direction {
            Direction::Mimic => similarity > 0.0,
            Direction::Oppose => similarity < 0.0,
            Direction::Both => true,
        };
        is_wanted && similarity.abs() >= self.min_similarity
    }
}

/// What chance is for one kind of pairs, and how many of them were tested.
#[derive(Clone)]
pub(super) struct Tested {
    pub(super) null: Option<PairNull>,
    pub(super) n_pairs: u64,
    q_values: Option<BatchQValues>,
}

/// Learns chance from all pairs of a space, and counts those tested: both ends chosen.
pub(super) fn test(space: &NetworkSpace, standard: &Standard, chosen: &[bool]) -> [Tested; 3] {
    let start = || [(); 3].map(|()| (ScoreCounts::new(), ScoreCounts::new()));
    let visit = |counts: &mut [(ScoreCounts, ScoreCounts); 3], i: usize, j: usize, s: f32| {
        let z = standard.z(&space.sides, (i, j), s);
        let (all, tested) = &mut counts[stratum(space.sides[i], space.sides[j])];
        all.add(z);
        if chosen[i] && chosen[j] {
            tested.add(z);
        }
    };
    let join = |a: [(ScoreCounts, ScoreCounts); 3], b: [(ScoreCounts, ScoreCounts); 3]| {
        let mut others = b.iter();
        a.map(|(all, tested)| match others.next() {
            Some(other) => (all.join(&other.0), tested.join(&other.1)),
            None => (all, tested),
        })
    };
    fold_pairs(space, start, visit, join)
        .map(|(all, tested)| Tested::new(PairNull::fit(&all), &tested))
}

/// Returns the pairs that become edges, those that are least due to chance first.
pub(super) fn edges(
    space: &NetworkSpace,
    standard: &Standard,
    (chosen, tested): (&[bool], &[Tested; 3]),
    choice: EdgeChoice,
) -> Vec<Edge> {
    let visit = |edges: &mut Vec<Edge>, i: usize, j: usize, similarity: f32| {
        if !(choice.takes(similarity) && chosen[i] && chosen[j]) {
            return;
        }
        let z = standard.z(&space.sides, (i, j), similarity);
        let (p_value, q_value) = tested[stratum(space.sides[i], space.sides[j])].values(z);
        // What has no q passes only where all pass.
        if q_value <= choice.max_q || choice.max_q >= 1.0 {
            edges.push(Edge { nodes: (i, j), similarity, z, p_value, q_value, support: None });
        }
    };
    let join = |mut a: Vec<Edge>, mut b: Vec<Edge>| {
        a.append(&mut b);
        a
    };
    let mut edges = fold_pairs(space, Vec::new, visit, join);
    edges.sort_by(|a, b| {
        let by_p = a.p_value.total_cmp(&b.p_value);
        by_p.then(b.z.abs().total_cmp(&a.z.abs())).then(a.nodes.cmp(&b.nodes))
    });
    edges
}

impl Tested {
    /// Takes what chance is and the scores of the pairs tested.
    pub(super) fn new(null: Option<PairNull>, tested: &ScoreCounts) -> Self {
        let q_values = null.map(|null| null.q_values(tested));
        Self { null, n_pairs: tested.total(), q_values }
    }

    /// Returns p and q of a score; NaN where chance is not known.
    pub(super) fn values(&self, z: f64) -> (f64, f64) {
        match (&self.null, &self.q_values) {
            (Some(null), Some(q_values)) => {
                let p = null.p_value(z);
                (p, q_values.q_value(p).max(p))
            }
            _ => (f64::NAN, f64::NAN),
        }
    }
}

/// Keeps the edges of which each end is among the other's `k` strongest of the same sign, with each side by itself: else a
/// compound's many genes would crowd out its fellows.
pub(super) fn keep_mutual(edges: Vec<Edge>, k: usize, space: &NetworkSpace) -> Vec<Edge> {
    let mut order: Vec<usize> = (0..edges.len()).collect();
    let strength = |at: &usize| edges[*at].similarity.abs();
    order.sort_by(|a, b| strength(b).total_cmp(&strength(a)).then(a.cmp(b)));
    let mut n_stronger: HashMap<(usize, usize, bool), usize> = HashMap::new();
    let mut is_near = vec![0; edges.len()];
    for at in order {
        let Edge { nodes: (i, j), similarity, .. } = &edges[at];
        for (own, other) in [(*i, *j), (*j, *i)] {
            let kind = (own, stratum(space.sides[own], space.sides[other]), *similarity > 0.0);
            let rank = n_stronger.entry(kind).or_default();
            is_near[at] += usize::from(*rank < k);
            *rank += 1;
        }
    }
    let kept = edges.into_iter().zip(is_near).filter(|(_, n_ends)| *n_ends == 2);
    kept.map(|(edge, _)| edge).collect()
}
