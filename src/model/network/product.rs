use candle_core::{Result, Tensor, Var};

use super::forward::Projection;
use super::weights::Weights;

/// ŷ = Σ_k zP_k · a(C)_k · zR_k + b(C): a low-rank factorisation whose factors contexts rescale.
#[derive(Debug)]
pub(super) struct Product {
    biases: Var,
}

impl Product {
    pub(super) fn new(weights: &Weights) -> crate::Result<Self> {
        Ok(Self { biases: weights.find("contexts.bias")? })
    }

    /// Returns zP ⊙ a(C) and b(C) of (n × d) rows; `contexts` are their n positions.
    pub(super) fn project(
        &self,
        perturbations: &Tensor,
        scales: &Tensor,
        contexts: &Tensor,
    ) -> Result<Projection> {
        let offsets = Some(self.biases.index_select(contexts, 0)?);
        Ok(Projection { rows: (perturbations * scales)?, offsets })
    }

    /// Returns the predicted values of n pairs at m (m × d) readouts: (n × m).
    pub(super) fn predict_block(pairs: &Projection, readouts: &Tensor) -> Result<Tensor> {
        let values = pairs.rows.matmul(&readouts.t()?)?;
        match &pairs.offsets {
            Some(offsets) => values.broadcast_add(offsets),
            None => Ok(values),
        }
    }
}
