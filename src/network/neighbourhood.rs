use std::collections::BTreeSet;

use super::query::Network;

impl Network {
    /// Returns what lies within one edge of some rows: they, the nodes joined with them, and all edges among these.
    /// Degrees are those of the whole network; of communities what is left of them.
    #[must_use]
    pub fn around(&self, rows: &[u32]) -> Self {
        let is_centre = |at: usize| self.nodes.get(at).is_some_and(|node| rows.contains(&node.row));
        let mut kept: BTreeSet<usize> = (0..self.nodes.len()).filter(|at| is_centre(*at)).collect();
        for edge in &self.edges {
            let (i, j) = edge.nodes;
            if is_centre(i) || is_centre(j) {
                kept.extend([i, j]);
            }
        }
        let kept: Vec<usize> = kept.into_iter().collect();
        let place = |at: &usize| kept.binary_search(at).ok();
        let mut part = Self {
            nodes: kept.iter().filter_map(|at| self.nodes.get(*at)).cloned().collect(),
            edges: self.edges.clone(),
            communities: self.communities.clone(),
            tested: self.tested.clone(),
        };
        part.edges.retain_mut(|edge| match (place(&edge.nodes.0), place(&edge.nodes.1)) {
            (Some(i), Some(j)) => {
                edge.nodes = (i, j);
                true
            }
            _ => false,
        });
        for community in &mut part.communities {
            community.nodes = community.nodes.iter().filter_map(place).collect();
        }
        part.communities.retain(|community| !community.nodes.is_empty());
        part.number_communities();
        part
    }
}
