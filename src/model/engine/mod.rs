//! The training engine: forward, backward and AdamW of both heads, written for the processor.
//!
//! Takes blocks of measured values; moves weights that it keeps in the layout its matrix products
//! want, and gives them back as a [`State`]. It uses the structure of the problem: the first layer is computed
//! once per pair and once per readout, the values go through the other layers in tiles that stay in the
//! cache, and only rows of embeddings that a step touches pay for the optimiser. Every sum is made in one order, so the
//! weights do not depend on the number of threads or the width of the processor's vectors. Its
//! gradients are checked against candle's automatic ones.

mod adam;
mod concat;
mod dense_layer;
mod embeddings;
mod first_layer;
mod layers;
mod line;
mod multiply;
mod noise;
mod product;
mod slots;
mod state;
mod tile;

use std::sync::Arc;

use concat::ConcatEngine;
use product::ProductEngine;

use super::bag::EmbeddingBag;
use super::config::{Head, LpmConfig};
use super::training::Block;

pub(super) use noise::StepId;
pub(super) use state::{State, TensorState};

/// A model in training.
#[derive(Debug)]
pub(super) struct Engine {
    head: HeadEngine,
    /// Numbers in each tensor of a state.
    lengths: Vec<usize>,
}

#[derive(Debug)]
enum HeadEngine {
    Concat(Box<ConcatEngine>),
    Product(Box<ProductEngine>),
}

impl Engine {
    /// Goes on from a state whose tensors are those of the configuration's specification.
    pub(super) fn new(config: &LpmConfig, bag: Arc<EmbeddingBag>, state: &State) -> Self {
        let head = match config.head {
            Head::Concat => HeadEngine::Concat(Box::new(ConcatEngine::new(config, bag, state))),
            Head::Product => HeadEngine::Product(Box::new(ProductEngine::new(config, bag, state))),
        };
        Self { head, lengths: state.tensors.iter().map(|tensor| tensor.value.len()).collect() }
    }

    /// Makes one AdamW step on the mean squared error of a block's values, of which there is at least one,
    /// and returns the sum of their squared errors before the step.
    pub(super) fn step(&mut self, block: &Block, learning_rate: f64, id: StepId) -> f64 {
        match &mut self.head {
            HeadEngine::Concat(head) => head.step(block, learning_rate, id),
            HeadEngine::Product(head) => head.step(block, learning_rate, id),
        }
    }

    /// Brings rows up to date that no step has touched for a while: due before the learning rate changes, and so
    /// after each epoch.
    pub(super) fn finish_epoch(&mut self) {
        match &mut self.head {
            HeadEngine::Concat(head) => head.catch_up(),
            HeadEngine::Product(head) => head.catch_up(),
        }
    }

    /// Returns weights and moments after the last step.
    pub(super) fn state(&mut self) -> State {
        let mut state = State::zeros(&self.lengths);
        match &mut self.head {
            HeadEngine::Concat(head) => head.write(&mut state),
            HeadEngine::Product(head) => head.write(&mut state),
        }
        state
    }
}
