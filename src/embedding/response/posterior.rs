use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use faer::Mat;

use super::super::algebra::product;
use super::chunks::{Chunk, SideChunks};
use super::covariance::ContextCovariance;
use super::statistics::Statistics;
use super::symmetric::{add_packed, inverse, pack_doubled};
use super::uncertainty::Uncertainty;
use super::weights::ReadoutWeights;
use crate::dataset::Entries;
use crate::error::{Error, Result};

/// Sets of contexts whose inverse covariance is kept; screens of very many contexts have too many sets.
const MOST_SETS_KEPT: usize = 64;

/// What a member's fit knows of one side.
#[derive(Debug, Clone)]
pub(super) struct SideState {
    pub(super) covariance: ContextCovariance,
    /// Variance of what zR does not explain, n readouts × n contexts.
    pub(super) noise: Mat<f64>,
}

/// All that embeddings of profiles are inferred from, for one member and side.
///
/// With y = zR · z + b(C) + ε, ε of variance `noise`, and the embeddings z of one perturbation in its contexts
/// jointly normal with `covariance`, their posterior is normal with precision Ω⁻¹ + Σ_r E[zR · zRᵀ]/noise_r.
/// E[zR · zRᵀ] is zR · zRᵀ plus the covariance of its error.
pub(super) struct Inference<'a> {
    weights: &'a ReadoutWeights,
    side: &'a SideChunks,
    state: &'a SideState,
    observed: &'a Entries,
    uncertainty: &'a Uncertainty,
    precisions: BTreeMap<&'a [usize], Mat<f64>>,
}

/// The posterior of one chunk's stacked embeddings.
pub(super) struct Posterior {
    pub(super) mean: Vec<f64>,
    covariance: Mat<f64>,
}

impl<'a> Inference<'a> {
    pub(super) fn new(
        weights: &'a ReadoutWeights,
        side: &'a SideChunks,
        state: &'a SideState,
        observed: &'a Entries,
        uncertainty: &'a Uncertainty,
    ) -> Result<Self> {
        let sets: BTreeSet<&[usize]> = side.chunks.iter().map(|c| c.slots.as_slice()).collect();
        let invert = |set| Ok((set, state.covariance.precision(set).ok_or_else(singular)?));
        let kept = sets.into_iter().take(MOST_SETS_KEPT);
        let precisions = kept.map(invert).collect::<Result<_>>()?;
        Ok(Self { weights, side, state, observed, uncertainty, precisions })
    }

    /// Returns the inverse prior covariance of some contexts.
    pub(super) fn precision(&self, slots: &[usize]) -> Result<Cow<'_, Mat<f64>>> {
        match self.precisions.get(slots) {
            Some(precision) => Ok(Cow::Borrowed(precision)),
            None => self.state.covariance.precision(slots).map(Cow::Owned).ok_or_else(singular),
        }
    }

    /// Returns the posterior of each chunk.
    pub(super) fn infer(&self, chunks: &[&Chunk]) -> Result<Vec<Posterior>> {
        let places = places(chunks);
        let n_readouts = self.weights.n_readouts();
        let mut precision = Mat::zeros(n_readouts, places.len());
        let mut weighted = Mat::zeros(n_readouts, places.len());
        for (column, (slot, profile)) in places.iter().enumerate() {
            let offset = self.offset(*slot);
            for (readout, value) in self.observed.row(*profile) {
                let readout = *readout as usize;
                let weight = 1.0 / self.state.noise[(readout, *slot)];
                precision[(readout, column)] = weight;
                weighted[(readout, column)] = weight * (f64::from(*value) - offset);
            }
        }
        let grams = product(self.weights.outer.transpose(), precision.as_ref());
        let targets = product(self.weights.readouts.transpose(), weighted.as_ref());
        let sums = Sums { grams, targets, ratios: self.uncertainty.ratios(precision.as_ref()) };
        let mut first = 0;
        let one = |chunk: &&Chunk| {
            let columns = first..first + chunk.slots.len();
            first = columns.end;
            self.solve(chunk, columns, &sums)
        };
        chunks.iter().map(one).collect()
    }

    fn solve(
        &self,
        chunk: &Chunk,
        columns: std::ops::Range<usize>,
        sums: &Sums,
    ) -> Result<Posterior> {
        let dim = self.weights.dim();
        let mut system = self.precision(&chunk.slots)?.into_owned();
        let mut target = Mat::zeros(chunk.slots.len() * dim, 1);
        for (part, column) in columns.enumerate() {
            let start = part * dim;
            add_packed(&mut system, start, sums.grams.col(column).iter().copied());
            self.uncertainty.add_to(&mut system, start, sums.ratios.col(column).iter().copied());
            (0..dim).for_each(|i| target[(start + i, 0)] = sums.targets[(i, column)]);
        }
        let covariance = inverse(system.as_ref()).ok_or_else(singular)?;
        let mean = product(covariance.as_ref(), target.as_ref());
        Ok(Posterior { mean: mean.col(0).iter().copied().collect(), covariance })
    }

    /// Adds up what chunks, each standing for so many, say of covariances and noise.
    pub(super) fn learn(&self, sample: &[(&Chunk, f64)]) -> Result<Statistics> {
        let dim = self.weights.dim();
        let n_contexts = self.side.contexts.len();
        let mut statistics = Statistics::new(dim, n_contexts, self.weights.n_readouts());
        let chunks: Vec<&Chunk> = sample.iter().map(|(chunk, _)| *chunk).collect();
        let mut parts = Vec::new();
        for ((chunk, represents), posterior) in sample.iter().zip(self.infer(&chunks)?) {
            let n = posterior.mean.len();
            let moment = Mat::from_fn(n, n, |i, j| {
                posterior.covariance[(i, j)] + posterior.mean[i] * posterior.mean[j]
            });
            statistics.add_moment(&chunk.slots, &moment, *represents);
            for part in 0..chunk.slots.len() {
                let block = |m: &Mat<f64>| m.submatrix(part * dim, part * dim, dim, dim).to_owned();
                parts.push(Part {
                    mean: posterior.mean[part * dim..(part + 1) * dim].to_vec(),
                    covariance: pack_doubled(block(&posterior.covariance).as_ref()),
                    moment: block(&moment),
                    represents: *represents,
                });
            }
        }
        self.add_noise(&places(&chunks), &parts, &mut statistics);
        Ok(statistics)
    }

    /// Adds the expected squared error of each measured value, uncertainty of z and zR included.
    fn add_noise(&self, places: &[(usize, usize)], parts: &[Part], statistics: &mut Statistics) {
        let (dim, n_readouts) = (self.weights.dim(), self.weights.n_readouts());
        let means = Mat::from_fn(dim, parts.len(), |k, part| parts[part].mean[k]);
        let packed = |k, part: usize| parts[part].covariance[k];
        let packed = Mat::from_fn(self.weights.outer.ncols(), parts.len(), packed);
        let fitted = product(self.weights.readouts.as_ref(), means.as_ref());
        let spread = product(self.weights.outer.as_ref(), packed.as_ref());
        for (column, ((slot, profile), part)) in places.iter().zip(parts).enumerate() {
            let offset = self.offset(*slot);
            let by_readouts = self.uncertainty.squares(&part.moment);
            let row = self.observed.row(*profile);
            for (readout, value) in row {
                let readout = *readout as usize;
                let error = f64::from(*value) - offset - fitted[(readout, column)];
                let square = error * error + spread[(readout, column)] + by_readouts[readout];
                statistics.squares[(readout, *slot)] += part.represents * square;
                statistics.counts[(readout, *slot)] += part.represents;
            }
            let share = part.represents * row.len() as f64 / n_readouts as f64;
            statistics.scatters[*slot] += share * &part.moment;
        }
    }

    fn offset(&self, slot: usize) -> f64 {
        self.weights.offsets[self.side.contexts[slot] as usize]
    }
}

/// Per profile (column): Σ_r zR·zRᵀ/noise_r packed, Σ_r zR·(y − b)/noise_r, and what errors of zR weigh.
struct Sums {
    grams: Mat<f64>,
    targets: Mat<f64>,
    ratios: Mat<f64>,
}

/// One profile's part of a posterior.
struct Part {
    mean: Vec<f64>,
    /// Packed, entries off the diagonal doubled.
    covariance: Vec<f64>,
    moment: Mat<f64>,
    represents: f64,
}

/// Returns slot and profile of each embedding, chunk after chunk.
fn places(chunks: &[&Chunk]) -> Vec<(usize, usize)> {
    let places = chunks.iter().flat_map(|chunk| chunk.slots.iter().zip(&chunk.profiles));
    places.map(|(slot, profile)| (*slot, *profile)).collect()
}

fn singular() -> Error {
    Error::data(
        "embeddings of profiles",
        "their covariance has no inverse",
        "lower the learning rate: the weights of the model have diverged",
    )
}
