use std::collections::BTreeMap;

use crate::dataset::{Dataset, Entries};
use crate::experiment::Side;

/// Most profiles of one perturbation whose embeddings are estimated together: the cost grows with the
/// third power. Of perturbations with more, each chunk of so many contexts is estimated by itself.
const MOST_TOGETHER: usize = 4;
/// Most chunks of one set of contexts that covariances and noise are learned from.
const MOST_LEARNED_FROM: usize = 768;

/// Profiles of one perturbation, in the order of their contexts.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    pub(super) perturbation: u32,
    /// Positions of the contexts among the side's.
    pub(super) slots: Vec<usize>,
    pub(super) profiles: Vec<usize>,
}

impl Chunk {
    /// Returns the profile measured in a context.
    pub(super) fn profile_in(&self, slot: usize) -> Option<usize> {
        let part = self.slots.iter().position(|measured| *measured == slot)?;
        self.profiles.get(part).copied()
    }
}

/// One side's contexts and profiles.
#[derive(Debug)]
pub(super) struct SideChunks {
    pub(super) side: Side,
    /// Contexts in which the side was measured, ascending.
    pub(super) contexts: Vec<u32>,
    /// Sorted by perturbation.
    pub(super) chunks: Vec<Chunk>,
}

impl SideChunks {
    /// Gathers the side's profiles that have values.
    pub(super) fn of(dataset: &Dataset, observed: &Entries, side: Side) -> Self {
        let mut of_perturbation: BTreeMap<u32, Vec<(u32, usize)>> = BTreeMap::new();
        for (profile, key) in dataset.profiles.keys().iter().enumerate() {
            let perturbation = &dataset.perturbations[key.perturbation as usize];
            if perturbation.side() == side && !observed.row(profile).is_empty() {
                of_perturbation.entry(key.perturbation).or_default().push((key.context, profile));
            }
        }
        let mut contexts: Vec<u32> =
            of_perturbation.values().flatten().map(|(context, _)| *context).collect();
        contexts.sort_unstable();
        contexts.dedup();
        let mut chunks = Vec::new();
        for (perturbation, mut profiles) in of_perturbation {
            profiles.sort_unstable();
            for part in profiles.chunks(MOST_TOGETHER) {
                let slot = |(context, _): &(u32, usize)| contexts.partition_point(|c| c < context);
                chunks.push(Chunk {
                    perturbation,
                    slots: part.iter().map(slot).collect(),
                    profiles: part.iter().map(|(_, profile)| *profile).collect(),
                });
            }
        }
        Self { side, contexts, chunks }
    }

    /// Returns the position of a context among the side's.
    pub(super) fn slot(&self, context: u32) -> Option<usize> {
        self.contexts.binary_search(&context).ok()
    }

    /// Returns the positions of a perturbation's chunks.
    pub(super) fn of_perturbation(&self, perturbation: u32) -> std::ops::Range<usize> {
        let start = self.chunks.partition_point(|chunk| chunk.perturbation < perturbation);
        let end = self.chunks.partition_point(|chunk| chunk.perturbation <= perturbation);
        start..end
    }

    /// Returns chunks to learn from, and how many each stands for: of a set of contexts with very many,
    /// some at equal distances.
    pub(super) fn sample(&self) -> Vec<(&Chunk, f64)> {
        let mut of_set: BTreeMap<&[usize], Vec<&Chunk>> = BTreeMap::new();
        self.chunks.iter().for_each(|chunk| of_set.entry(&chunk.slots).or_default().push(chunk));
        let mut sample = Vec::new();
        for chunks in of_set.into_values() {
            let taken = chunks.len().min(MOST_LEARNED_FROM);
            let represents = chunks.len() as f64 / taken as f64;
            sample.extend((0..taken).map(|i| (chunks[i * chunks.len() / taken], represents)));
        }
        sample
    }
}
