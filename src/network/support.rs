use rayon::prelude::*;

use super::edge::Edge;
use super::space::NetworkSpace;
use crate::embedding::similarity;
use crate::index::Index;
use crate::search::Support;

/// Counts for each edge in how many contexts the profile of one end alone puts the other among its nearest (of
/// opposites, its farthest) twentieth, of
/// the contexts that either end was measured in; leaves it out where profiles are not known.
pub(super) fn add_support(index: &Index, space: &NetworkSpace, rows: &[u32], edges: &mut [Edge]) {
    let mut of_node: Vec<Vec<(usize, usize)>> = vec![Vec::new(); space.len()];
    for (at, Edge { nodes: (i, j), .. }) in edges.iter().enumerate() {
        of_node[*i].push((at, *j));
        of_node[*j].push((at, *i));
    }
    let edges_so_far = &*edges;
    let count = |(node, partners): (usize, &Vec<(usize, usize)>)| -> Option<Vec<(usize, Support)>> {
        if partners.is_empty() {
            return Some(Vec::new());
        }
        let profiles = profiles(index, space, rows[node], node)?;
        let measured = profiles.len() as u32;
        let mut found: Vec<(usize, Support)> =
            partners.iter().map(|(at, _)| (*at, Support { agreeing: 0, measured })).collect();
        for profile in profiles {
            let line: Vec<f32> =
                (0..space.len()).map(|other| similarity(&profile, space.vector(other))).collect();
            for ((edge, support), (_, partner)) in found.iter_mut().zip(partners) {
                let sign = if edges_so_far[*edge].similarity < 0.0 { -1.0 } else { 1.0 };
                let is_same_side = |other: &usize| space.sides[*other] == space.sides[*partner];
                let others: Vec<usize> = (0..space.len()).filter(is_same_side).collect();
                let is_farther = |other: &&usize| sign * line[**other] > sign * line[*partner];
                let n_farther = others.iter().filter(is_farther).count();
                support.agreeing += u32::from(n_farther < others.len().div_ceil(20));
            }
        }
        Some(found)
    };
    let counted: Option<Vec<Vec<(usize, Support)>>> =
        of_node.par_iter().enumerate().map(count).collect();
    for (at, support) in counted.into_iter().flatten().flatten() {
        let sum = edges[at].support.get_or_insert(Support { agreeing: 0, measured: 0 });
        sum.agreeing += support.agreeing;
        sum.measured += support.measured;
    }
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
