/// Packs a node and its similarity so that the order of the numbers is the order of [`Neighbour`](crate::embedding::Neighbour):
/// greater is better. The sign bit is flipped for positive numbers, all bits for negative ones.
#[inline(always)]
pub(super) fn key_of(node: u32, similarity: f32) -> u64 {
    let bits = similarity.to_bits();
    let ordered = if bits >> 31 == 0 { bits | 1 << 31 } else { !bits };
    u64::from(ordered) << 32 | u64::from(!node)
}

#[inline(always)]
pub(super) fn row_of(key: u64) -> u32 {
    !(key as u32)
}

pub(super) fn similarity_of(key: u64) -> f32 {
    let ordered = (key >> 32) as u32;
    f32::from_bits(if ordered >> 31 == 1 { ordered & !(1 << 31) } else { !ordered })
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use super::*;
    use crate::embedding::Neighbour;

    #[test]
    fn keys_order_as_neighbours_do() {
        let mut neighbours: Vec<Neighbour> = [-1.0, -0.25, 0.0, 1e-20, 0.5, 0.5, 1.0]
            .into_iter()
            .enumerate()
            .map(|(row, similarity)| Neighbour { row: row as u32, similarity })
            .collect();
        let mut keys: Vec<u64> = neighbours.iter().map(|n| key_of(n.row, n.similarity)).collect();
        neighbours.sort();
        keys.sort_by_key(|key| Reverse(*key));
        let unpacked: Vec<Neighbour> = keys
            .iter()
            .map(|key| Neighbour { row: row_of(*key), similarity: similarity_of(*key) })
            .collect();
        assert_eq!(unpacked, neighbours);
    }
}
