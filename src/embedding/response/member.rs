use faer::Mat;
use rayon::prelude::*;

use super::super::algebra::product;
use super::chunks::{Chunk, SideChunks};
use super::fit::{CHUNKS_PER_BLOCK, MemberFit};
use super::posterior::{Inference, Posterior, SideState};
use super::weights::ReadoutWeights;
use crate::dataset::Entries;
use crate::error::Result;

/// One member's inferred embeddings of all profiles, and what leads to other contexts.
#[derive(Debug)]
pub(super) struct Member {
    readouts: Vec<f32>,
    dim: usize,
    offsets: Vec<f64>,
    sides: Vec<MemberSide>,
}

#[derive(Debug)]
struct MemberSide {
    /// Of each chunk, in the order of the side's.
    inferred: Vec<Inferred>,
    fit: SideState,
}

/// What is known of one chunk's perturbation.
#[derive(Debug)]
struct Inferred {
    /// The stacked embeddings in its contexts.
    mean: Vec<f64>,
    /// Ω⁻¹ · mean: Ω between other contexts and these, times it, is the embedding in the others.
    source: Vec<f64>,
}

impl Member {
    pub(super) fn fit(
        weights: &ReadoutWeights,
        sides: &[SideChunks],
        observed: &Entries,
    ) -> Result<Self> {
        let MemberFit { sides: states, uncertainty } = MemberFit::new(weights, sides, observed)?;
        let mut done = Vec::with_capacity(sides.len());
        for (side, state) in sides.iter().zip(states) {
            let inference = Inference::new(weights, side, &state, observed, &uncertainty)?;
            let inferred = infer_all(&inference, &side.chunks)?;
            done.push(MemberSide { inferred, fit: state });
        }
        let (n_readouts, dim) = (weights.n_readouts(), weights.dim());
        let at = |position: usize| weights.readouts[(position / dim, position % dim)] as f32;
        Ok(Self {
            readouts: (0..n_readouts * dim).map(at).collect(),
            dim,
            offsets: weights.offsets.clone(),
            sides: done,
        })
    }

    /// Returns how well the contexts of a chunk determine another: the sum of their squared correlations.
    pub(super) fn relevance(&self, side: usize, chunk: &Chunk, slot: usize) -> f64 {
        let covariance = &self.sides[side].fit.covariance;
        chunk.slots.iter().map(|other| covariance.correlation(slot, *other).powi(2)).sum()
    }

    /// Returns the embedding of a chunk's perturbation in a context.
    pub(super) fn embedding(&self, side: usize, at: usize, chunk: &Chunk, slot: usize) -> Vec<f64> {
        let own = &self.sides[side];
        if let Some(part) = chunk.slots.iter().position(|measured| *measured == slot) {
            return own.inferred[at].mean[part * self.dim..(part + 1) * self.dim].to_vec();
        }
        let source = &own.inferred[at].source;
        let across = own.fit.covariance.between(&[slot], &chunk.slots);
        (0..self.dim).map(|i| (0..source.len()).map(|j| across[(i, j)] * source[j]).sum()).collect()
    }

    /// Adds the response of an embedding in a context.
    pub(super) fn add_response(
        &self,
        embedding: &[f64],
        context: u32,
        add: &mut dyn FnMut(usize, f64),
    ) {
        let offset = self.offsets[context as usize];
        for (readout, row) in self.readouts.chunks_exact(self.dim).enumerate() {
            let value: f64 = row.iter().zip(embedding).map(|(r, z)| f64::from(*r) * z).sum();
            add(readout, value + offset);
        }
    }

    pub(super) fn dim(&self) -> usize {
        self.dim
    }

    /// Returns the variance of what is not explained, per readout.
    pub(super) fn noise(&self, side: usize, slot: usize) -> impl Iterator<Item = f64> + '_ {
        self.sides[side].fit.noise.col(slot).iter().copied()
    }
}

fn infer_all(inference: &Inference<'_>, chunks: &[Chunk]) -> Result<Vec<Inferred>> {
    let blocks = chunks.par_chunks(CHUNKS_PER_BLOCK).map(|block| {
        let block: Vec<&Chunk> = block.iter().collect();
        let pairs = block.iter().zip(inference.infer(&block)?);
        let inferred = pairs.map(|(chunk, Posterior { mean, .. })| {
            let source = times(inference.precision(&chunk.slots)?.as_ref(), &mean);
            Ok(Inferred { mean, source })
        });
        inferred.collect::<Result<Vec<_>>>()
    });
    let blocks: Vec<Vec<Inferred>> = blocks.collect::<Result<_>>()?;
    Ok(blocks.into_iter().flatten().collect())
}

fn times(matrix: &Mat<f64>, vector: &[f64]) -> Vec<f64> {
    let column = Mat::from_fn(vector.len(), 1, |i, _| vector[i]);
    product(matrix.as_ref(), column.as_ref()).col(0).iter().copied().collect()
}
