use std::sync::Arc;

use candle_core::Tensor;

use super::batch::Block;
use crate::error::Result;
use crate::model::adamw::{AdamW, Moments};
use crate::model::bag::EmbeddingBag;
use crate::model::config::LpmConfig;
use crate::model::device::{Device, engine};
use crate::model::engine::{Engine, State, StepId, TensorState};
use crate::model::network::{Network, TableSizes, Weights};
use crate::model::randomness::{Dropout, Purpose, stream};

/// What makes the steps of a run: our engine on the processor, candle on a graphics card.
#[derive(Debug)]
pub(super) enum Trainer {
    Engine(Engine),
    Candle(Box<CandleTrainer>),
}

impl Trainer {
    /// Goes on from a state.
    pub(super) fn new(
        config: &LpmConfig,
        sizes: TableSizes,
        bag: &Arc<EmbeddingBag>,
        state: &State,
        device: Device,
    ) -> Result<Self> {
        match device {
            Device::Cpu => Ok(Self::Engine(Engine::new(config, Arc::clone(bag), state))),
            Device::Cuda(_) => {
                let device = device.open()?;
                let trainer = CandleTrainer::new(config, sizes, Arc::clone(bag), state, &device)?;
                Ok(Self::Candle(Box::new(trainer)))
            }
        }
    }

    /// Makes one AdamW step on the mean squared error of a block's values, of which there is at
    /// least one; returns the sum of their squared errors before the step.
    pub(super) fn step(&mut self, block: &Block, learning_rate: f64, id: StepId) -> Result<f64> {
        match self {
            Self::Engine(engine) => Ok(engine.step(block, learning_rate, id)),
            Self::Candle(trainer) => {
                trainer.step(block, learning_rate, id).map_err(engine("train"))
            }
        }
    }

    /// Ends an epoch: due before the learning rate changes.
    pub(super) fn finish_epoch(&mut self) {
        match self {
            Self::Engine(engine) => engine.finish_epoch(),
            Self::Candle(_) => {}
        }
    }

    /// Returns weights and moments after the last step.
    pub(super) fn state(&mut self) -> Result<State> {
        match self {
            Self::Engine(engine) => Ok(engine.state()),
            Self::Candle(trainer) => trainer.state(),
        }
    }
}

/// Automatic differentiation: the reference for the engine's gradients, and the way to other devices.
#[derive(Debug)]
pub(super) struct CandleTrainer {
    network: Network,
    optimiser: AdamW,
    bag: Arc<EmbeddingBag>,
    dropout: Dropout,
    epoch: Option<u64>,
    rate: f64,
}

impl CandleTrainer {
    pub(super) fn new(
        config: &LpmConfig,
        sizes: TableSizes,
        bag: Arc<EmbeddingBag>,
        state: &State,
        device: &candle_core::Device,
    ) -> Result<Self> {
        let mut values = state.tensors.iter().map(|tensor| tensor.value.clone());
        let weights =
            Weights::build(config, sizes, device, |_| Ok(values.next().unwrap_or_default()))?;
        let network = Network::new(config, weights)?;
        let optimiser = Self::optimiser(&network, config, state).map_err(engine("train"))?;
        let dropout = Dropout::new(0.0, stream(0, 0, Purpose::Dropout));
        Ok(Self { network, optimiser, bag, dropout, epoch: None, rate: config.dropout })
    }

    fn optimiser(
        network: &Network,
        config: &LpmConfig,
        state: &State,
    ) -> candle_core::Result<AdamW> {
        let variables = network.weights().variables();
        let mut optimiser = AdamW::new(variables, config.weight_decay)?;
        optimiser.steps = state.steps;
        let moments = variables.iter().zip(&state.tensors).map(|(variable, tensor)| {
            let copy =
                |values: &[f32]| Tensor::from_slice(values, variable.shape(), variable.device());
            Ok(Moments { first: copy(&tensor.first)?, second: copy(&tensor.second)? })
        });
        optimiser.moments = moments.collect::<candle_core::Result<_>>()?;
        Ok(optimiser)
    }

    fn step(&mut self, block: &Block, learning_rate: f64, id: StepId) -> candle_core::Result<f64> {
        let variables = self.network.weights().variables();
        let Some(device) = variables.first().map(|variable| variable.device().clone()) else {
            return Ok(0.0);
        };
        if self.epoch != Some(id.epoch) {
            self.epoch = Some(id.epoch);
            let stream = stream(id.seed, id.epoch as usize, Purpose::Dropout);
            self.dropout = Dropout::new(self.rate, stream);
        }
        let shape = (block.pairs.len(), block.readouts.len());
        let is_measured = |value: &f32| if value.is_nan() { 0.0_f32 } else { 1.0 };
        let mask: Vec<f32> = block.values.iter().map(is_measured).collect();
        let targets = block.values.iter().map(|value| if value.is_nan() { 0.0 } else { *value });
        let targets = Tensor::from_vec(targets.collect(), shape, &device)?;
        let mask = Tensor::from_vec(mask, shape, &device)?;
        let dropout = &mut self.dropout;
        let pairs = self.network.project(&self.bag, &block.pairs, Some(&mut *dropout))?;
        let readouts = self.network.project_readouts(&block.readouts)?;
        let predicted = self.network.predict_block(&pairs, &readouts, Some(dropout))?;
        let squares = ((predicted - targets)? * mask)?.sqr()?.sum_all()?;
        let gradients = (&squares / block.n_values() as f64)?.backward()?;
        self.optimiser.step(self.network.weights().variables(), &gradients, learning_rate)?;
        squares.to_scalar::<f32>().map(f64::from)
    }

    fn state(&self) -> Result<State> {
        let copy = |tensor: &Tensor| {
            let values = tensor.flatten_all().and_then(|flat| flat.to_vec1::<f32>());
            values.map_err(engine("copy weights"))
        };
        let weights = self.network.weights().named().zip(&self.optimiser.moments);
        let tensors = weights.map(|((_, weight), moments)| {
            let (first, second) = (copy(&moments.first)?, copy(&moments.second)?);
            Ok(TensorState { value: copy(weight)?, first, second })
        });
        Ok(State { tensors: tensors.collect::<Result<_>>()?, steps: self.optimiser.steps })
    }
}
