use faer::Mat;

use super::symmetric::{n_packed, pack_outer};
use crate::error::{Error, Result};

/// What one member of an ensemble has learned of readouts: zR and b(C) of a product head.
#[derive(Debug, Clone)]
pub struct ReadoutWeights {
    /// zR, n readouts × d.
    pub(super) readouts: Mat<f64>,
    /// zR · zRᵀ of each readout, packed: n readouts × d(d+1)/2.
    pub(super) outer: Mat<f64>,
    /// b(C) of each context.
    pub(super) offsets: Vec<f64>,
}

impl ReadoutWeights {
    /// Takes zR (n readouts × `dim`, row-major) and b(C) (one per context).
    ///
    /// # Errors
    /// When the numbers do not make whole rows, or one of them is not finite.
    pub fn new(readouts: &[f32], offsets: &[f32], dim: usize) -> Result<Self> {
        let is_finite = readouts.iter().chain(offsets).all(|weight| weight.is_finite());
        if dim == 0 || readouts.is_empty() || !readouts.len().is_multiple_of(dim) || !is_finite {
            return Err(Error::data(
                "readout embeddings",
                format!("{} numbers do not make finite rows of {dim}", readouts.len()),
                "take them from a trained model of the product head",
            ));
        }
        let n_readouts = readouts.len() / dim;
        let at = |readout: usize, k: usize| f64::from(readouts[readout * dim + k]);
        let mut outer = Mat::zeros(n_readouts, n_packed(dim));
        for readout in 0..n_readouts {
            let row: Vec<f64> = (0..dim).map(|k| at(readout, k)).collect();
            pack_outer(&row, |position, product| outer[(readout, position)] = product);
        }
        Ok(Self {
            readouts: Mat::from_fn(n_readouts, dim, at),
            outer,
            offsets: offsets.iter().map(|offset| f64::from(*offset)).collect(),
        })
    }

    /// Takes them from a trained model; none from one of the `concat` head, whose readouts do not enter as
    /// factors.
    ///
    /// # Errors
    /// When the weights cannot be read or are not finite.
    #[cfg(feature = "train")]
    pub fn of(model: &crate::model::Lpm) -> Result<Option<Self>> {
        let Some(offsets) = model.context_offsets()? else { return Ok(None) };
        Self::new(&model.readout_embeddings()?, &offsets, model.config().embedding_dim).map(Some)
    }

    pub(super) fn dim(&self) -> usize {
        self.readouts.ncols()
    }

    pub(super) fn n_readouts(&self) -> usize {
        self.readouts.nrows()
    }

    /// Mean of |zR|² over readouts: what a unit of variance of an embedding makes of a response.
    pub(super) fn mean_square(&self) -> f64 {
        let squares: f64 = (0..self.dim())
            .map(|k| self.readouts.col(k).iter().map(|weight| weight * weight).sum::<f64>())
            .sum();
        squares / self.n_readouts() as f64
    }
}
