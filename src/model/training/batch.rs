use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::data::{Part, TrainingData};
use crate::model::config::LpmConfig;

/// Values copied out of the dataset at once (64 MiB); a larger dataset is read window by window.
const VALUES_PER_WINDOW: usize = 1 << 24;

/// One training step: some profiles at some readouts.
#[derive(Debug)]
pub(super) struct Block {
    /// (perturbation, context) of each profile.
    pub(super) pairs: Vec<(u32, u32)>,
    pub(super) readouts: Vec<u32>,
    /// (n pairs × n readouts), 0 where there is nothing to learn from.
    pub(super) targets: Vec<f32>,
    /// 1 where there is a value to learn from, else 0.
    pub(super) mask: Vec<f32>,
}

impl Block {
    pub(super) fn n_values(&self) -> usize {
        self.mask.iter().filter(|weight| **weight > 0.0).count()
    }
}

/// Some whole profiles, copied once per epoch, from which blocks are cut in random order.
#[derive(Debug)]
pub(super) struct Window {
    pairs: Vec<(u32, u32)>,
    /// (n profiles × n readouts), NaN where there is nothing to learn from.
    values: Vec<f32>,
    n_readouts: usize,
}

impl Window {
    pub(super) fn copy(data: &TrainingData<'_>, profiles: &[u32]) -> Self {
        let n_readouts = data.dataset.profiles.n_readouts();
        let mut values = vec![f32::NAN; profiles.len() * n_readouts];
        for (row, profile) in values.chunks_exact_mut(n_readouts.max(1)).zip(profiles) {
            data.copy_part(*profile as usize, Part::Training, row);
        }
        let pairs = profiles.iter().map(|profile| data.pair(*profile as usize)).collect();
        Self { pairs, values, n_readouts }
    }

    /// Returns which rows meet which readouts in each step: together, every value once.
    pub(super) fn plan(
        &self,
        config: &LpmConfig,
        rng: &mut ChaCha8Rng,
    ) -> Vec<(Vec<u32>, Vec<u32>)> {
        let rows: Vec<u32> = (0..self.pairs.len() as u32).collect();
        let mut readouts: Vec<u32> = (0..self.n_readouts as u32).collect();
        let mut steps = Vec::new();
        for rows in even_chunks(&rows, config.profiles_per_batch) {
            readouts.shuffle(rng);
            for readouts in even_chunks(&readouts, config.readouts_per_batch) {
                steps.push((rows.to_vec(), readouts.to_vec()));
            }
        }
        steps.shuffle(rng);
        steps
    }

    pub(super) fn block(&self, rows: &[u32], readouts: Vec<u32>) -> Block {
        let mut targets = Vec::with_capacity(rows.len() * readouts.len());
        let mut mask = Vec::with_capacity(rows.len() * readouts.len());
        for row in rows.iter().filter_map(|row| self.row(*row)) {
            for readout in &readouts {
                let value = row.get(*readout as usize).copied().unwrap_or(f32::NAN);
                targets.push(if value.is_nan() { 0.0 } else { value });
                mask.push(if value.is_nan() { 0.0 } else { 1.0 });
            }
        }
        let pairs = rows.iter().filter_map(|row| self.pairs.get(*row as usize).copied()).collect();
        Block { pairs, readouts, targets, mask }
    }

    fn row(&self, row: u32) -> Option<&[f32]> {
        let start = row as usize * self.n_readouts;
        self.values.get(start..start + self.n_readouts)
    }
}

/// Returns all profiles in random order, cut into windows of whole batches.
pub(super) fn windows(
    n_profiles: usize,
    n_readouts: usize,
    config: &LpmConfig,
    rng: &mut ChaCha8Rng,
) -> Vec<Vec<u32>> {
    let mut profiles: Vec<u32> = (0..n_profiles as u32).collect();
    profiles.shuffle(rng);
    let batch = config.profiles_per_batch.min(n_profiles.max(1));
    let batches = (VALUES_PER_WINDOW / (batch * n_readouts.max(1))).max(1);
    even_chunks(&profiles, batches * batch).map(<[u32]>::to_vec).collect()
}

/// Cuts into as few chunks of at most `size` as needed, of equal length to within one: a short last
/// chunk would make a noisy step.
fn even_chunks(items: &[u32], size: usize) -> impl Iterator<Item = &[u32]> {
    let n_chunks = items.len().div_ceil(size.max(1));
    let bound = move |chunk: usize| chunk * items.len() / n_chunks.max(1);
    (0..n_chunks).filter_map(move |chunk| items.get(bound(chunk)..bound(chunk + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn even_chunks_cover_everything_once(n in 0_u32..200, size in 1_usize..50) {
            let items: Vec<u32> = (0..n).collect();
            let chunks: Vec<&[u32]> = even_chunks(&items, size).collect();
            prop_assert_eq!(&chunks.concat(), &items);
            let longest = chunks.iter().map(|chunk| chunk.len()).max().unwrap_or(0);
            let shortest = chunks.iter().map(|chunk| chunk.len()).min().unwrap_or(0);
            prop_assert!(longest <= size && longest - shortest <= 1);
        }
    }
}
