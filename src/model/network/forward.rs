use candle_core::{Result, Tensor, Var};

use super::concat::Concat;
use super::product::Product;
use super::weights::Weights;
use crate::model::bag::EmbeddingBag;
use crate::model::config::{Head, LpmConfig};
use crate::model::randomness::Dropout;

/// An LPM's arithmetic over its [`Weights`].
#[derive(Debug)]
pub(in crate::model) struct Network {
    weights: Weights,
    perturbations: Var,
    contexts: Var,
    readouts: Var,
    head: HeadNetwork,
}

#[derive(Debug)]
enum HeadNetwork {
    Concat(Concat),
    Product(Product),
}

/// What a head makes of (perturbation, context) pairs before it meets the readouts.
#[derive(Debug)]
pub(in crate::model) struct Projection {
    /// (n pairs × width).
    pub(super) rows: Tensor,
    /// (n pairs × 1), added to every predicted value of a pair; the product head's b(C).
    pub(super) offsets: Option<Tensor>,
}

impl Network {
    pub(in crate::model) fn new(config: &LpmConfig, weights: Weights) -> crate::Result<Self> {
        let head = match config.head {
            Head::Concat => HeadNetwork::Concat(Concat::new(config, &weights)?),
            Head::Product => HeadNetwork::Product(Product::new(&weights)?),
        };
        Ok(Self {
            perturbations: weights.find("perturbations.weight")?,
            contexts: weights.find("contexts.weight")?,
            readouts: weights.find("readouts.weight")?,
            weights,
            head,
        })
    }

    pub(in crate::model) fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Returns the projection of pairs of a perturbation and a context.
    pub(in crate::model) fn project(
        &self,
        bag: &EmbeddingBag,
        pairs: &[(u32, u32)],
        dropout: Option<&mut Dropout>,
    ) -> Result<Projection> {
        let (perturbations, contexts): (Vec<u32>, Vec<u32>) = pairs.iter().copied().unzip();
        let perturbations = bag.embed(&self.perturbations, &perturbations)?;
        let contexts = Tensor::new(contexts.as_slice(), self.contexts.device())?;
        let embeddings = self.contexts.index_select(&contexts, 0)?;
        match &self.head {
            HeadNetwork::Concat(head) => head.project(&perturbations, &embeddings),
            HeadNetwork::Product(head) => {
                let perturbations = dropped(&perturbations, dropout)?;
                head.project(&perturbations, &embeddings, &contexts)
            }
        }
    }

    /// Returns what the head makes of readouts before they meet pairs: (n readouts × width).
    pub(in crate::model) fn project_readouts(&self, readouts: &[u32]) -> Result<Tensor> {
        let readouts = Tensor::new(readouts, self.readouts.device())?;
        let embeddings = self.readouts.index_select(&readouts, 0)?;
        match &self.head {
            HeadNetwork::Concat(head) => head.project_readouts(&embeddings),
            HeadNetwork::Product(_) => Ok(embeddings),
        }
    }

    /// Returns the predicted values of every pair at every readout: (n pairs × n readouts).
    pub(in crate::model) fn predict_block(
        &self,
        pairs: &Projection,
        readouts: &Tensor,
        dropout: Option<&mut Dropout>,
    ) -> Result<Tensor> {
        match &self.head {
            HeadNetwork::Concat(head) => head.predict_block(&pairs.rows, readouts, dropout),
            HeadNetwork::Product(_) => Product::predict_block(pairs, readouts),
        }
    }

    /// Returns the predicted value of each (pair, readout), positions in the two projections.
    pub(in crate::model) fn predict_entries(
        &self,
        pairs: &Projection,
        readouts: &Tensor,
        entries: &[(u32, u32)],
    ) -> Result<Vec<f32>> {
        match &self.head {
            HeadNetwork::Concat(head) => head.predict_entries(&pairs.rows, readouts, entries),
            // A whole block is one matrix product, cheaper than gathering a tenth of its entries.
            HeadNetwork::Product(_) => {
                let block = Product::predict_block(pairs, readouts)?;
                let (n_readouts, values) = (block.dim(1)?, block.flatten_all()?.to_vec1::<f32>()?);
                let at =
                    |&(pair, readout): &(u32, u32)| pair as usize * n_readouts + readout as usize;
                Ok(entries.iter().filter_map(|entry| values.get(at(entry)).copied()).collect())
            }
        }
    }
}

/// Applies dropout where training asks for it.
pub(super) fn dropped(x: &Tensor, dropout: Option<&mut Dropout>) -> Result<Tensor> {
    match dropout {
        Some(dropout) => dropout.apply(x),
        None => Ok(x.clone()),
    }
}
