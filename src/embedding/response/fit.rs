use faer::Mat;
use rayon::prelude::*;

use super::chunks::{Chunk, SideChunks};
use super::covariance::ContextCovariance;
use super::posterior::{Inference, SideState};
use super::statistics::Statistics;
use super::uncertainty::Uncertainty;
use super::weights::ReadoutWeights;
use crate::dataset::Entries;
use crate::error::Result;

/// Rounds of expectation and maximisation.
const ROUNDS: usize = 12;
/// Pseudo-values that draw a readout's noise towards the mean of its context.
const NOISE_POOLING: f64 = 50.0;
/// Values have about unit spread, so variances below this are none, and only their inverse matters.
const LEAST_VARIANCE: f64 = 1e-9;
/// Chunks whose sums are added up in one order before they are joined.
pub(super) const CHUNKS_PER_BLOCK: usize = 48;

/// What is learned of one member: the state of each side, and how uncertain its zR are.
pub(super) struct MemberFit {
    pub(super) sides: Vec<SideState>,
    pub(super) uncertainty: Uncertainty,
}

impl MemberFit {
    /// Fits covariances and noise by expectation and maximisation.
    pub(super) fn new(
        weights: &ReadoutWeights,
        sides: &[SideChunks],
        observed: &Entries,
    ) -> Result<Self> {
        let start = |side: &SideChunks| start(weights, side, observed);
        let mut fit = Self {
            sides: sides.iter().map(start).collect(),
            uncertainty: Uncertainty::none(weights.n_readouts()),
        };
        for _ in 0..ROUNDS {
            fit = fit.improved(weights, sides, observed)?;
        }
        Ok(fit)
    }

    fn improved(
        self,
        weights: &ReadoutWeights,
        sides: &[SideChunks],
        observed: &Entries,
    ) -> Result<Self> {
        let mut states = Vec::with_capacity(sides.len());
        let (mut scatters, mut columns) = (Vec::new(), Vec::new());
        for (side, state) in sides.iter().zip(&self.sides) {
            let inference = Inference::new(weights, side, state, observed, &self.uncertainty)?;
            let statistics = learn(&inference, &side.sample(), || {
                Statistics::new(weights.dim(), side.contexts.len(), weights.n_readouts())
            })?;
            let noise = noise(&statistics);
            columns.extend((0..noise.ncols()).map(|slot| noise.col(slot).to_owned()));
            let covariance = ContextCovariance::estimate(&statistics);
            states.push(SideState { covariance, noise });
            scatters.extend(statistics.scatters);
        }
        let noise =
            Mat::from_fn(weights.n_readouts(), columns.len(), |r, column| columns[column][r]);
        let variance = weights.mean_square() / weights.dim() as f64;
        Ok(Self { sides: states, uncertainty: Uncertainty::new(&noise, &scatters, variance) })
    }
}

/// Adds up blocks in parallel and joins them in order, so that threads do not change a bit.
fn learn(
    inference: &Inference<'_>,
    sample: &[(&Chunk, f64)],
    zero: impl Fn() -> Statistics,
) -> Result<Statistics> {
    let blocks: Vec<Statistics> = sample
        .par_chunks(CHUNKS_PER_BLOCK)
        .map(|block| inference.learn(block))
        .collect::<Result<_>>()?;
    Ok(blocks.into_iter().fold(zero(), |mut sum, block| {
        sum.merge(block);
        sum
    }))
}

/// Starts with half of the values' variance in the embeddings, and the noise as large as the values.
fn start(weights: &ReadoutWeights, side: &SideChunks, observed: &Entries) -> SideState {
    let profiles = side.chunks.iter().flat_map(|chunk| &chunk.profiles);
    let values = || profiles.clone().flat_map(|profile| observed.row(*profile));
    let squares: f64 = values().map(|(_, value)| f64::from(*value).powi(2)).sum();
    let variance = (squares / values().count().max(1) as f64).max(LEAST_VARIANCE);
    let share = 0.5 * variance / weights.mean_square().max(LEAST_VARIANCE);
    let n_contexts = side.contexts.len();
    SideState {
        covariance: ContextCovariance::start(weights.dim(), n_contexts, share),
        noise: Mat::from_fn(weights.n_readouts(), n_contexts, |_, _| variance),
    }
}

/// The mean squared error of each readout in each context, drawn towards the context's.
fn noise(statistics: &Statistics) -> Mat<f64> {
    let (squares, counts) = (&statistics.squares, &statistics.counts);
    let mean = |slot: usize| {
        let total: f64 = counts.col(slot).iter().sum();
        squares.col(slot).iter().sum::<f64>() / total.max(1.0)
    };
    let means: Vec<f64> = (0..squares.ncols()).map(mean).collect();
    Mat::from_fn(squares.nrows(), squares.ncols(), |readout, slot| {
        let sum = squares[(readout, slot)] + NOISE_POOLING * means[slot];
        (sum / (counts[(readout, slot)] + NOISE_POOLING)).max(LEAST_VARIANCE)
    })
}
