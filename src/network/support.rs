use rayon::prelude::*;

use super::edge::Edge;
use super::space::NetworkSpace;
use crate::embedding::similarity;
use crate::experiment::Side;
use crate::index::Index;
use crate::search::Support;

/// The other end of an edge, and the edge.
type Partner = (usize, usize);

/// Counts for each edge in how many contexts the profile of one end alone puts the other among its nearest twentieth (of
/// opposites, its farthest), of the contexts that either end was measured in; leaves it out where profiles are not known.
pub(super) fn add_support(index: &Index, space: &NetworkSpace, rows: &[u32], edges: &mut [Edge]) {
    let mut partners: Vec<Vec<Partner>> = vec![Vec::new(); space.len()];
    for (at, Edge { nodes: (i, j), .. }) in edges.iter().enumerate() {
        partners[*i].push((*j, at));
        partners[*j].push((*i, at));
    }
    let known = &*edges;
    let of_node = |(node, partners): (usize, &Vec<Partner>)| {
        if partners.is_empty() {
            return Some(Vec::new());
        }
        let profiles = profiles(index, space, rows[node], node)?;
        let mut found: Vec<(usize, Support)> = Vec::with_capacity(partners.len());
        let measured = profiles.len() as u32;
        found.extend(partners.iter().map(|(_, at)| (*at, Support { agreeing: 0, measured })));
        for profile in &profiles {
            let twentieths = Twentieths::around(space, profile);
            for ((partner, at), (_, support)) in partners.iter().zip(&mut found) {
                let is_opposite = known[*at].similarity < 0.0;
                support.agreeing += u32::from(twentieths.hold(space, *partner, is_opposite));
            }
        }
        Some(found)
    };
    let counted: Option<Vec<Vec<(usize, Support)>>> =
        partners.par_iter().enumerate().map(of_node).collect();
    for (at, support) in counted.into_iter().flatten().flatten() {
        let sum = edges[at].support.get_or_insert(Support { agreeing: 0, measured: 0 });
        sum.agreeing += support.agreeing;
        sum.measured += support.measured;
    }
}

/// How near all are to a profile, and where the farthest and the nearest twentieth of each side begin.
struct Twentieths {
    line: Vec<f32>,
    ends: [(f32, f32); 2],
}

impl Twentieths {
    fn around(space: &NetworkSpace, profile: &[f32]) -> Self {
        let to_profile = |at: usize| similarity(profile, space.vector(at));
        let line: Vec<f32> = (0..space.len()).map(to_profile).collect();
        let ends = [Side::Chemical, Side::Genetic].map(|side| {
            let of_side = line.iter().zip(&space.sides).filter(|(_, own)| **own == side);
            ends_of(of_side.map(|(similarity, _)| *similarity).collect())
        });
        Self { line, ends }
    }

    /// Says whether one is in the nearest twentieth of its side, or in the farthest.
    fn hold(&self, space: &NetworkSpace, at: usize, is_farthest: bool) -> bool {
        let (low, high) = self.ends[usize::from(space.sides[at] == Side::Genetic)];
        if is_farthest { self.line[at] <= low } else { self.line[at] >= high }
    }
}

fn ends_of(mut values: Vec<f32>) -> (f32, f32) {
    let n = values.len();
    if n == 0 {
        return (f32::NEG_INFINITY, f32::INFINITY);
    }
    let n_in_end = n.div_ceil(20);
    let low = *values.select_nth_unstable_by(n_in_end - 1, f32::total_cmp).1;
    let high = *values.select_nth_unstable_by(n - n_in_end, f32::total_cmp).1;
    (low, high)
}

/// The whitened profiles of a node by context; its own vector where it was measured in one; none where several are
/// not known.
fn profiles(index: &Index, space: &NetworkSpace, row: u32, node: usize) -> Option<Vec<Vec<f32>>> {
    let placed = index.calibration()?.profiles(row, index.dim());
    let side = space.sides[node];
    let whitened: Vec<Vec<f32>> =
        placed.map(|profile| space.whitening.apply(profile, side)).collect();
    if !whitened.is_empty() {
        return Some(whitened);
    }
    let is_single = index.record(row).ok()?.contexts.len() <= 1;
    is_single.then(|| vec![space.vector(node).to_vec()])
}
