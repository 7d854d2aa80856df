use std::time::Instant;

use candle_core::Tensor;

use super::batch::{Block, Window, windows};
use super::data::TrainingData;
use super::report::{EpochReport, Phase, Validation, best_epoch};
use super::validation::validate;
use crate::dataset::Split;
use crate::error::{Error, Result};
use crate::model::adamw::AdamW;
use crate::model::config::LpmConfig;
use crate::model::device::{device, engine};
use crate::model::network::Network;
use crate::model::randomness::{Dropout, Purpose, stream};

/// A model in training: weights, optimiser, and the epochs behind it.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) data: TrainingData<'a>,
    pub(super) config: LpmConfig,
    pub(super) phase: Phase,
    pub(super) planned_epochs: usize,
    pub(super) network: Network,
    pub(super) optimiser: AdamW,
    pub(super) reports: Vec<EpochReport>,
}

impl Run<'_> {
    /// Returns whether the planned epochs are done or, when validating, patience has run out.
    pub(super) fn is_finished(&self) -> bool {
        let epoch = self.reports.len();
        let is_validated = self.phase == Phase::Selection;
        let best = best_epoch(&self.reports).map_or(0, |report| report.epoch);
        epoch >= self.planned_epochs || (is_validated && epoch >= best + self.config.patience)
    }

    /// Trains one epoch and returns its report, which is also kept.
    pub(super) fn train_epoch(&mut self) -> Result<EpochReport> {
        let start = Instant::now();
        let epoch = self.reports.len() + 1;
        let training_loss = self.train_on_every_value(epoch)?;
        let report = EpochReport {
            phase: self.phase,
            seed: self.config.seed,
            epoch,
            planned_epochs: self.planned_epochs,
            training_loss,
            validation: self.validation()?,
            seconds: start.elapsed().as_secs_f64(),
        };
        self.reports.push(report.clone());
        Ok(report)
    }

    fn validation(&self) -> Result<Option<Validation>> {
        match self.data.held_out {
            Split::None => Ok(None),
            _ => validate(&self.data, &self.network).map(Some),
        }
    }

    /// Returns the mean loss over all values.
    fn train_on_every_value(&mut self, epoch: usize) -> Result<f64> {
        let (seed, profiles) = (self.config.seed, &self.data.dataset.profiles);
        let mut order = stream(seed, epoch, Purpose::Order);
        let mut dropout = Dropout::new(self.config.dropout, stream(seed, epoch, Purpose::Dropout));
        let (mut loss, mut n_values) = (0.0, 0);
        for profiles in
            windows(profiles.n_profiles(), profiles.n_readouts(), &self.config, &mut order)
        {
            let window = Window::copy(&self.data, &profiles);
            for (rows, readouts) in window.plan(&self.config, &mut order) {
                let block = window.block(&rows, readouts);
                let n = block.n_values();
                if n == 0 {
                    continue;
                }
                let step = self.step(block, n, &mut dropout, epoch);
                loss += n as f64 * self.require_finite(step.map_err(engine("train"))?, epoch)?;
                n_values += n;
            }
        }
        if n_values == 0 {
            let what = format!("dataset `{}`", self.data.dataset.name);
            return Err(Error::data(what, "no value is left to train on", "hold out fewer values"));
        }
        Ok(loss / n_values as f64)
    }

    fn require_finite(&self, loss: f32, epoch: usize) -> Result<f64> {
        if loss.is_finite() {
            return Ok(f64::from(loss));
        }
        Err(Error::data(
            format!("training with seed {}", self.config.seed),
            format!("the loss became {loss} in epoch {epoch}"),
            "lower `learning_rate`, or look for extreme values in the tables",
        ))
    }

    /// Makes one AdamW step on the block's mean squared error and returns that error.
    pub(super) fn step(
        &mut self,
        block: Block,
        n_values: usize,
        dropout: &mut Dropout,
        epoch: usize,
    ) -> candle_core::Result<f32> {
        let shape = (block.pairs.len(), block.readouts.len());
        let targets = Tensor::from_vec(block.targets, shape, &device())?;
        let mask = Tensor::from_vec(block.mask, shape, &device())?;
        let pairs = self.network.project(self.data.bag, &block.pairs, Some(dropout))?;
        let readouts = self.network.project_readouts(&block.readouts)?;
        let predicted = self.network.predict_block(&pairs, &readouts, Some(dropout))?;
        let errors = ((predicted - targets)? * mask)?;
        let loss = (errors.sqr()?.sum_all()? / n_values as f64)?;
        let gradients = loss.backward()?;
        let decay = self.config.learning_rate_decay.powi(epoch as i32 - 1);
        let learning_rate = self.config.learning_rate * decay;
        self.optimiser.step(self.network.weights().variables(), &gradients, learning_rate)?;
        loss.to_scalar()
    }
}
