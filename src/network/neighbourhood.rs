use std::collections::BTreeSet;

use super::query::{Network, NetworkNode};

impl Network {
    /// Returns what lies within one edge of some rows: they, the nodes joined with them, and all edges among these.
    /// Degrees are those of the whole network; of communities what is left of them.
    #[must_use]
    pub fn around(&self, rows: &[u32]) -> Self {
        let is_centre = |at: usize| rows.contains(&self.nodes[at].row);
        let centres = (0..self.nodes.len()).filter(|at| is_centre(*at));
        let mut kept: BTreeSet<usize> = centres.collect();
        for edge in &self.edges {
            let (i, j) = edge.nodes;
            if is_centre(i) || is_centre(j) {
                kept.extend([i, j]);
            }
        }
        let kept: Vec<usize> = kept.into_iter().collect();
        let place = |at: usize| kept.binary_search(&at).ok();
        let mut part = self.clone();
        part.nodes = kept.iter().map(|at| self.nodes[*at].clone()).collect();
        part.edges.retain_mut(|edge| match (place(edge.nodes.0), place(edge.nodes.1)) {
            (Some(i), Some(j)) => {
                edge.nodes = (i, j);
                true
            }
            _ => false,
        });
        for community in &mut part.communities {
            community.nodes = community.nodes.iter().filter_map(|at| place(*at)).collect();
        }
        part.communities.retain(|community| !community.nodes.is_empty());
        part.nodes.iter_mut().for_each(|node: &mut NetworkNode| node.community = None);
        for (number, community) in part.communities.iter().enumerate() {
            for at in &community.nodes {
                part.nodes[*at].community = Some(number);
            }
        }
        part
    }
}
