use std::ops::Range;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::data::{Part, TrainingData};
use crate::model::config::LpmConfig;

/// Values copied out of the dataset at once (64 MiB); a larger dataset is read window by window.
const VALUES_PER_WINDOW: usize = 1 << 24;

/// Values that are read from a mapped store in one go (1 MiB): seeks cost as much.
const VALUES_PER_RUN: usize = 1 << 18;

/// One training step: some profiles at some readouts.
#[derive(Debug, Clone, Default)]
pub(in crate::model) struct Block {
    /// (perturbation, context) of each profile.
    pub(in crate::model) pairs: Vec<(u32, u32)>,
    pub(in crate::model) readouts: Vec<u32>,
    /// (n pairs × n readouts), NaN where there is nothing to learn from.
    pub(in crate::model) values: Vec<f32>,
}

impl Block {
    /// Returns how many values there are to learn from.
    pub(in crate::model) fn n_values(&self) -> usize {
        self.values.iter().filter(|value| !value.is_nan()).count()
    }
}

/// Which rows of a window meet which readouts, step by step: together, every value once.
#[derive(Debug)]
pub(super) struct Plan {
    /// A random order of all readouts per batch of rows.
    readouts: Vec<u32>,
    /// Rows, and where their readouts lie.
    steps: Vec<(Range<usize>, Range<usize>)>,
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
        let rows = values.chunks_exact_mut(n_readouts.max(1)).zip(profiles);
        rows.for_each(|(row, profile)| data.copy_part(*profile as usize, Part::Training, row));
        let pairs = profiles.iter().map(|profile| data.pair(*profile as usize)).collect();
        Self { pairs, values, n_readouts }
    }

    /// Draws the order of an epoch's steps.
    pub(super) fn plan(&self, config: &LpmConfig, rng: &mut ChaCha8Rng) -> Plan {
        let mut plan = Plan { readouts: Vec::new(), steps: Vec::new() };
        for rows in even_ranges(self.pairs.len(), config.profiles_per_batch) {
            let first = plan.readouts.len();
            plan.readouts.extend(0..self.n_readouts as u32);
            plan.readouts[first..].shuffle(rng);
            for readouts in even_ranges(self.n_readouts, config.readouts_per_batch) {
                let readouts = first + readouts.start..first + readouts.end;
                plan.steps.push((rows.clone(), readouts));
            }
        }
        plan.steps.shuffle(rng);
        plan
    }

    /// Fills a block with the values of each step in turn, and hands it to `visit`.
    pub(super) fn for_each_block<E>(
        &self,
        plan: &Plan,
        block: &mut Block,
        mut visit: impl FnMut(&Block) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        for (rows, readouts) in &plan.steps {
            let readouts = plan.readouts.get(readouts.clone()).unwrap_or_default();
            block.pairs.clear();
            block.pairs.extend_from_slice(self.pairs.get(rows.clone()).unwrap_or_default());
            block.readouts.clear();
            block.readouts.extend_from_slice(readouts);
            block.values.clear();
            for row in
                self.values.chunks_exact(self.n_readouts.max(1)).take(rows.end).skip(rows.start)
            {
                let value = |readout: &u32| row.get(*readout as usize).copied().unwrap_or(f32::NAN);
                block.values.extend(readouts.iter().map(value));
            }
            visit(block)?;
        }
        Ok(())
    }
}

/// Returns all profiles in random order, cut into windows of whole batches.
///
/// Where one window holds them all, every order is equally likely. Otherwise a window is made of random runs of
/// neighbouring profiles, each long enough to be read from a disk in one go, and shuffled within.
pub(super) fn windows(
    n_profiles: usize,
    n_readouts: usize,
    config: &LpmConfig,
    rng: &mut ChaCha8Rng,
) -> Vec<Vec<u32>> {
    let batch = config.profiles_per_batch.min(n_profiles.max(1));
    let batches = (VALUES_PER_WINDOW / (batch * n_readouts.max(1))).max(1);
    let run = (VALUES_PER_RUN / n_readouts.max(1)).max(1);
    let mut runs: Vec<Range<usize>> = even_ranges(n_profiles, run).collect();
    runs.shuffle(rng);
    let profiles: Vec<u32> = runs.into_iter().flatten().map(|profile| profile as u32).collect();
    let windows = even_ranges(n_profiles, batches * batch);
    let shuffled = windows.filter_map(|window| profiles.get(window)).map(|window| {
        let mut window = window.to_vec();
        window.shuffle(rng);
        window
    });
    shuffled.collect()
}

/// Cuts into as few ranges of at most `size` as needed, of equal length to within one: a short last
/// one would make a noisy step.
fn even_ranges(n: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    let n_ranges = n.div_ceil(size.max(1));
    let bound = move |range: usize| range * n / n_ranges.max(1);
    (0..n_ranges).map(move |range| bound(range)..bound(range + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn even_ranges_cover_everything_once(n in 0_usize..200, size in 1_usize..50) {
            let ranges: Vec<Range<usize>> = even_ranges(n, size).collect();
            let covered: Vec<usize> = ranges.iter().cloned().flatten().collect();
            prop_assert_eq!(covered, (0..n).collect::<Vec<usize>>());
            let longest = ranges.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
            let shortest = ranges.iter().map(ExactSizeIterator::len).min().unwrap_or(0);
            prop_assert!(longest <= size && longest - shortest <= 1);
        }
    }
}
