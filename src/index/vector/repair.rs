//! Makes every node reachable from the entry point.
//!
//! hnsw_rs drops the farthest link of a full list, so a node may lose the last link that leads to
//! it. Each such node gets a link from its most similar reached node. Where that list is full, the
//! new link takes the place of the farthest, which moves into the new node's list: what was
//! reached before stays reached.

use super::links::{LinkView, NONE};
use crate::embedding::similarity;

/// Marks everything that can be reached from `start` and returns how many nodes that newly is.
pub(super) fn reach(links: LinkView<'_>, start: u32, reached: &mut [bool]) -> usize {
    let mut n_reached = 0;
    let mut stack = vec![start];
    while let Some(node) = stack.pop() {
        match reached.get_mut(node as usize) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        n_reached += 1;
        stack.extend(links.of(node));
    }
    n_reached
}

/// Level 0 while it is repaired.
pub(super) struct Repair<'a> {
    pub(super) vectors: &'a [f32],
    pub(super) dim: usize,
    pub(super) stride: usize,
    pub(super) words: &'a mut [u32],
}

impl Repair<'_> {
    /// Links every one of `nodes` to what `entry` reaches; returns how many links were made.
    pub(super) fn connect(&mut self, nodes: &[u32], entry: u32) -> usize {
        let mut reached = vec![false; self.words.len() / self.stride];
        self.reach(entry, &mut reached);
        let mut n_made = 0;
        for &node in nodes {
            if reached[node as usize] {
                continue;
            }
            let host = self.nearest_reached(node, nodes, &reached);
            self.link(host.unwrap_or(entry), node);
            self.reach(node, &mut reached);
            n_made += 1;
        }
        n_made
    }

    fn reach(&self, start: u32, reached: &mut [bool]) {
        reach(LinkView::new(self.stride, self.words), start, reached);
    }

    fn nearest_reached(&self, node: u32, nodes: &[u32], reached: &[bool]) -> Option<u32> {
        let vector = self.vector(node);
        let candidates = nodes.iter().filter(|row| reached[**row as usize]);
        let with_similarity = candidates.map(|row| (similarity(self.vector(*row), vector), *row));
        // Of equally similar rows the first.
        with_similarity.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))).map(|(_, row)| row)
    }

    fn link(&mut self, host: u32, node: u32) {
        let displaced = self.push(host, node);
        if displaced != NONE && !self.slots(node).contains(&displaced) {
            self.push(node, displaced);
        }
    }

    /// Puts `neighbour` into a free slot or in place of the last one, which is returned.
    fn push(&mut self, node: u32, neighbour: u32) -> u32 {
        let start = node as usize * self.stride;
        let slots = &mut self.words[start..start + self.stride];
        let free = slots.iter().position(|slot| *slot == NONE).unwrap_or(slots.len() - 1);
        std::mem::replace(&mut slots[free], neighbour)
    }

    fn slots(&self, node: u32) -> &[u32] {
        &self.words[node as usize * self.stride..(node as usize + 1) * self.stride]
    }

    fn vector(&self, row: u32) -> &[f32] {
        &self.vectors[row as usize * self.dim..(row as usize + 1) * self.dim]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn islands_are_joined_even_where_all_lists_are_full() {
        // Two rings of three nodes with two slots each: all full, no link between the rings.
        let mut words = vec![1, 2, 2, 0, 0, 1, 4, 5, 5, 3, 3, 4];
        let vectors = [1.0, 0.0, 0.8, 0.6, 0.6, 0.8, -1.0, 0.0, -0.8, -0.6, -0.6, -0.8];
        let nodes = [0, 1, 2, 3, 4, 5];
        let mut repair = Repair { vectors: &vectors, dim: 2, stride: 2, words: &mut words };
        assert_eq!(repair.connect(&nodes, 0), 1);
        let mut reached = vec![false; 6];
        assert_eq!(reach(LinkView::new(2, &words), 0, &mut reached), 6);
    }

    #[test]
    fn a_node_without_any_link_is_joined_to_its_nearest() {
        let mut words = vec![1, NONE, 0, NONE, NONE, NONE];
        let vectors = [1.0, 0.0, 0.0, 1.0, 0.6, 0.8];
        let mut repair = Repair { vectors: &vectors, dim: 2, stride: 2, words: &mut words };
        assert_eq!(repair.connect(&[0, 1, 2], 0), 1);
        assert_eq!(words, [1, NONE, 0, 2, NONE, NONE]);
    }
}
