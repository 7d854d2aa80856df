use std::path::Path;

use super::config::LpmConfig;
use super::lpm::Lpm;
use super::storage::ModelFolder;
use super::training::{TrainingOptions, TrainingReport, train_members};
use super::vocabulary::Vocabularies;
use crate::dataset::Dataset;
use crate::error::{Error, Result};

/// Models that differ only in their seed; their predictions are averaged, their embeddings never.
#[derive(Debug)]
pub struct Ensemble {
    members: Vec<Lpm>,
}

impl Ensemble {
    /// Trains one model per seed.
    ///
    /// If `config.validation_share` is above 0, a selection run with the first seed holds that share of
    /// the entries out and chooses the number of epochs; then every seed is trained on all entries
    /// for that many. Otherwise all train `max_epochs`. `config.seed` is not used. The weights
    /// depend on dataset, configuration, seeds and `options.excluded`, not on the thread count.
    ///
    /// # Errors
    /// * [`Error::Parameter`] for a value out of range, no seeds, or a seed given twice.
    /// * [`Error::Data`] if nothing is left to train on, the loss is no longer a number, or a
    ///   checkpoint belongs to other data or another configuration.
    /// * [`Error::Interrupted`] if the observer asked to stop.
    /// * [`Error::Missing`], [`Error::Damaged`], [`Error::Io`] for the files of a checkpoint.
    pub fn train(
        dataset: &Dataset,
        config: &LpmConfig,
        seeds: &[u64],
        options: &TrainingOptions<'_>,
    ) -> Result<(Self, TrainingReport)> {
        require_distinct(seeds)?;
        let (members, report) = train_members(dataset, config, seeds, options)?;
        Ok((Self { members }, report))
    }

    /// Opens an ensemble that [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// [`Error::Missing`] without a model there, [`Error::Damaged`] if a file was truncated or edited.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = ModelFolder::open(folder.as_ref())?;
        let members = folder.read_seeds()?.into_iter().map(|seed| folder.read_member(Some(seed)));
        Ok(Self { members: members.collect::<Result<_>>()? })
    }

    /// Saves `weights-SEED.safetensors` per member, `ensemble.json`, `config.json` and
    /// `vocabularies.json` into `folder`, creating it.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<()> {
        let Some(first) = self.members.first() else { return Ok(()) };
        let folder = ModelFolder::create(folder.as_ref(), first.config(), first.vocabularies())?;
        for member in &self.members {
            folder.write_weights(Some(member.config().seed), member.network().weights())?;
        }
        folder.write_seeds(&self.seeds())
    }

    /// Returns the members, in the order of their seeds; there is at least one.
    #[must_use]
    pub fn members(&self) -> &[Lpm] {
        &self.members
    }

    pub(super) fn into_members(self) -> Vec<Lpm> {
        self.members
    }

    /// Returns the seeds, in the order given.
    #[must_use]
    pub fn seeds(&self) -> Vec<u64> {
        self.members.iter().map(|member| member.config().seed).collect()
    }

    /// Returns what the rows of the members' embedding tables stand for; all members share it.
    #[must_use]
    pub fn vocabularies(&self) -> Option<&Vocabularies> {
        self.members.first().map(Lpm::vocabularies)
    }

    /// Predicts responses, the mean over the members: (n perturbations × n readouts).
    ///
    /// # Errors
    /// [`Error::Parameter`] for a position outside the vocabularies.
    pub fn predict(&self, perturbations: &[u32], context: u32) -> Result<Vec<f32>> {
        let share = 1.0 / self.members.len().max(1) as f32;
        let mut mean = Vec::new();
        for member in &self.members {
            let predicted = member.predict(perturbations, context)?;
            mean.resize(predicted.len(), 0.0);
            for (sum, value) in mean.iter_mut().zip(predicted) {
                *sum += share * value;
            }
        }
        Ok(mean)
    }

    /// Predicts what [`Lpm::predict_pairs`] does, a block for each member: (n pairs × n readouts).
    ///
    /// # Errors
    /// As [`Lpm::predict_pairs`].
    pub fn predict_pairs(&self, pairs: &[(&[u32], u32)]) -> Result<Vec<Vec<f32>>> {
        self.members.iter().map(|member| member.predict_pairs(pairs)).collect()
    }
}

fn require_distinct(seeds: &[u64]) -> Result<()> {
    if seeds.is_empty() {
        return Err(Error::parameter("seeds", "at least one number", "an empty list"));
    }
    let twice =
        seeds.iter().enumerate().find(|(i, seed)| seeds.iter().take(*i).any(|s| s == *seed));
    match twice {
        Some((_, seed)) => Err(Error::parameter("seeds", "all different", format!("{seed} twice"))),
        None => Ok(()),
    }
}
