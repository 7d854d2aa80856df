use candle_core::{Result, Tensor, Var};

use super::forward::{Projection, dropped};
use super::weights::Weights;
use crate::model::config::LpmConfig;
use crate::model::randomness::Dropout;

/// The published head: x = [zC; zP; zR] → L × (Linear → ReLU → Dropout) → Linear → ŷ.
///
/// The first layer is linear in x, so W·x + b is computed as (W_C·zC + W_P·zP + b) + W_R·zR: once per
/// pair and once per readout instead of once per value. The numbers are those of the published form.
#[derive(Debug)]
pub(super) struct Concat {
    embedding_dim: usize,
    layers: Vec<Linear>,
    output: Linear,
}

#[derive(Debug)]
struct Linear {
    weight: Var,
    bias: Var,
}

impl Linear {
    fn new(name: &str, weights: &Weights) -> crate::Result<Self> {
        let weight = weights.find(&format!("{name}.weight"))?;
        Ok(Self { weight, bias: weights.find(&format!("{name}.bias"))? })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.matmul(&self.weight.t()?)?.broadcast_add(&self.bias)
    }
}

impl Concat {
    pub(super) fn new(config: &LpmConfig, weights: &Weights) -> crate::Result<Self> {
        let layers = 0..config.hidden_widths.len();
        let layers = layers.map(|layer| Linear::new(&format!("layers.{layer}"), weights));
        Ok(Self {
            embedding_dim: config.embedding_dim,
            layers: layers.collect::<crate::Result<_>>()?,
            output: Linear::new("output", weights)?,
        })
    }

    /// Returns W_C·zC + W_P·zP + b of (n × d) rows: (n × first width).
    pub(super) fn project(&self, perturbations: &Tensor, contexts: &Tensor) -> Result<Projection> {
        let d = self.embedding_dim;
        let rows = (self.first_layer(contexts, 0)? + self.first_layer(perturbations, d)?)?;
        let Some(first) = self.layers.first() else {
            return Ok(Projection { rows, offsets: None });
        };
        Ok(Projection { rows: rows.broadcast_add(&first.bias)?, offsets: None })
    }

    /// Returns W_R·zR of (n × d) rows: (n × first width).
    pub(super) fn project_readouts(&self, readouts: &Tensor) -> Result<Tensor> {
        self.first_layer(readouts, 2 * self.embedding_dim)
    }

    /// Multiplies with the first layer's columns from `start` on.
    fn first_layer(&self, x: &Tensor, start: usize) -> Result<Tensor> {
        match self.layers.first() {
            Some(first) => x.matmul(&first.weight.narrow(1, start, self.embedding_dim)?.t()?),
            None => Ok(x.clone()),
        }
    }

    pub(super) fn predict_block(
        &self,
        pairs: &Tensor,
        readouts: &Tensor,
        dropout: Option<&mut Dropout>,
    ) -> Result<Tensor> {
        let (n_pairs, width) = pairs.dims2()?;
        let n_readouts = readouts.dim(0)?;
        let hidden = pairs.unsqueeze(1)?.broadcast_add(&readouts.unsqueeze(0)?)?;
        let hidden = hidden.reshape((n_pairs * n_readouts, width))?;
        self.predict_hidden(&hidden, dropout)?.reshape((n_pairs, n_readouts))
    }

    /// Returns the predicted value of each (pair, readout), without dropout.
    pub(super) fn predict_entries(
        &self,
        pairs: &Tensor,
        readouts: &Tensor,
        entries: &[(u32, u32)],
    ) -> Result<Vec<f32>> {
        let (pair_rows, readout_rows): (Vec<u32>, Vec<u32>) = entries.iter().copied().unzip();
        let gather = |table: &Tensor, rows: Vec<u32>| {
            table.index_select(&Tensor::new(rows.as_slice(), table.device())?, 0)
        };
        let sums = (gather(pairs, pair_rows)? + gather(readouts, readout_rows)?)?;
        self.predict_hidden(&sums, None)?.to_vec1()
    }

    /// Goes on from the first layer's sums (n × first width) to the predicted values (n).
    pub(super) fn predict_hidden(
        &self,
        sums: &Tensor,
        mut dropout: Option<&mut Dropout>,
    ) -> Result<Tensor> {
        let mut hidden = dropped(&sums.relu()?, dropout.as_deref_mut())?;
        for layer in self.layers.iter().skip(1) {
            hidden = dropped(&layer.forward(&hidden)?.relu()?, dropout.as_deref_mut())?;
        }
        self.output.forward(&hidden)?.squeeze(1)
    }
}
