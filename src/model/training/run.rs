use std::time::Instant;

use super::batch::{Block, Window, windows};
use super::data::TrainingData;
use super::report::{EpochReport, Phase, Validation, best_epoch};
use super::trainer::Trainer;
use super::validation::validate;
use crate::dataset::Split;
use crate::error::{Error, Result};
use crate::model::config::LpmConfig;
use crate::model::engine::StepId;
use crate::model::network::{Network, TableSizes, Weights};
use crate::model::randomness::{Purpose, stream};

/// A model in training: weights, optimiser, and the epochs behind it.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) data: TrainingData<'a>,
    pub(super) config: LpmConfig,
    pub(super) phase: Phase,
    pub(super) planned_epochs: usize,
    pub(super) sizes: TableSizes,
    pub(super) trainer: Trainer,
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
        self.trainer.finish_epoch();
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

    fn validation(&mut self) -> Result<Option<Validation>> {
        match self.data.held_out {
            Split::None => Ok(None),
            _ => {
                let network = self.network()?;
                validate(&self.data, &network).map(Some)
            }
        }
    }

    /// Returns a network with the weights of the last step.
    pub(super) fn network(&mut self) -> Result<Network> {
        let mut values = self.trainer.state()?.tensors.into_iter().map(|tensor| tensor.value);
        let weights = Weights::build(&self.config, self.sizes, &candle_core::Device::Cpu, |_| {
            Ok(values.next().unwrap_or_default())
        })?;
        Network::new(&self.config, weights)
    }

    /// Returns the mean loss over all values.
    fn train_on_every_value(&mut self, epoch: usize) -> Result<f64> {
        let (seed, profiles) = (self.config.seed, &self.data.dataset.profiles);
        let mut order = stream(seed, epoch, Purpose::Order);
        let learning_rate =
            self.config.learning_rate * self.config.learning_rate_decay.powi(epoch as i32 - 1);
        let (mut loss, mut n_values, mut id) =
            (0.0, 0, StepId { seed, epoch: epoch as u64, step: 0 });
        let mut block = Block::default();
        let windows =
            windows(profiles.n_profiles(), profiles.n_readouts(), &self.config, &mut order);
        let (data, config, trainer) = (&self.data, &self.config, &mut self.trainer);
        // The next window is read while this one is trained on: a store on a disk makes one wait.
        std::thread::scope(|scope| {
            let mut windows = windows.iter().map(Vec::as_slice);
            let copy = |profiles| scope.spawn(move || Window::copy(data, profiles));
            let mut upcoming = windows.next().map(copy);
            while let Some(window) = upcoming.take() {
                let window = window.join().map_err(|_| lost_window(seed))?;
                upcoming = windows.next().map(copy);
                let plan = window.plan(config, &mut order);
                window.for_each_block(&plan, &mut block, |block| {
                    let n = block.n_values();
                    if n == 0 {
                        return Ok(());
                    }
                    id.step += 1;
                    let squares = trainer.step(block, learning_rate, id)?;
                    require_finite(squares / n as f64, seed, epoch)?;
                    loss += squares;
                    n_values += n;
                    Ok(())
                })?;
            }
            Ok::<(), Error>(())
        })?;
        if n_values == 0 {
            let what = format!("dataset `{}`", self.data.dataset.name);
            return Err(Error::data(what, "no value is left to train on", "hold out fewer values"));
        }
        Ok(loss / n_values as f64)
    }
}

fn lost_window(seed: u64) -> Error {
    Error::data(
        format!("training with seed {seed}"),
        "a thread that reads profiles has died",
        "run the command again; if it happens again, report it",
    )
}

fn require_finite(loss: f64, seed: u64, epoch: usize) -> Result<()> {
    if loss.is_finite() {
        return Ok(());
    }
    Err(Error::data(
        format!("training with seed {seed}"),
        format!("the loss became {loss} in epoch {epoch}"),
        "lower `learning_rate`, or look for extreme values in the tables",
    ))
}
