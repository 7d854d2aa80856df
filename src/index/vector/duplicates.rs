use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64;

use super::links::NONE;

/// Rows with exactly equal vectors, chained from the first of them.
///
/// hnsw_rs cannot hold many equal vectors: their lists fill with one another and other rows become
/// unreachable. So only the first of each group is a node, and a walk that finds it returns all.
#[derive(Debug)]
pub(super) struct Duplicates {
    /// Rows that stand for themselves, ascending.
    pub(super) nodes: Vec<u32>,
    /// Next row of the same vector, [`NONE`] at the end of a chain; empty when all vectors differ.
    pub(super) next: Vec<u32>,
}

impl Duplicates {
    /// Groups the rows by the bits of their vectors.
    pub(super) fn find(vectors: &[f32], dim: usize) -> Self {
        let n_rows = vectors.len() / dim;
        let bytes = |row: u32| -> &[u8] {
            bytemuck::cast_slice(&vectors[row as usize * dim..(row as usize + 1) * dim])
        };
        let mut last_of_group: HashMap<u64, Vec<u32>> = HashMap::with_capacity(n_rows);
        let (mut nodes, mut next) = (Vec::with_capacity(n_rows), vec![NONE; n_rows]);
        for row in 0..n_rows as u32 {
            let lasts = last_of_group.entry(xxh3_64(bytes(row))).or_default();
            match lasts.iter_mut().find(|last| bytes(**last) == bytes(row)) {
                Some(last) => {
                    next[*last as usize] = row;
                    *last = row;
                }
                None => {
                    nodes.push(row);
                    lasts.push(row);
                }
            }
        }
        if nodes.len() == n_rows {
            next.clear();
        }
        Self { nodes, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rows_form_one_chain_in_row_order() {
        let vectors = [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0];
        let duplicates = Duplicates::find(&vectors, 2);
        assert_eq!(duplicates.nodes, [0, 1]);
        assert_eq!(duplicates.next, [2, NONE, 3, NONE]);
    }
}
