use serde::{Deserialize, Serialize};

use crate::model::fit::{Fit, FitComparison};

/// What a training run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Finding the number of epochs on held-out entries.
    Selection,
    /// Training a member of the ensemble on all entries.
    Member,
}

/// The fit on held-out entries.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// On all held-out entries.
    pub overall: Fit,
    /// On those of all perturbations but CRISPR knock-outs: published gene effects are low-rank
    /// reconstructions, fit almost exactly, and would hide how well noisy screens are predicted.
    pub without_knockouts: Fit,
}

/// What happened in one epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// What the run is for.
    pub phase: Phase,
    /// The seed of the run.
    pub seed: u64,
    /// The epoch, from 1.
    pub epoch: usize,
    /// The last epoch there can be; the selection run may stop before.
    pub planned_epochs: usize,
    /// Mean squared error over the epoch's training values, as they were met (dropout on).
    pub training_loss: f64,
    /// The fit on held-out entries; none when there are none.
    pub validation: Option<Validation>,
    /// Wall-clock seconds the epoch took, validation included.
    pub seconds: f64,
}

/// How a training went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingReport {
    /// Epochs that every member was trained for.
    pub epochs: usize,
    /// The epochs of the selection run; empty when nothing was held out.
    pub selection: Vec<EpochReport>,
    /// The chosen epoch's fit on all held-out entries beside the baselines.
    pub overall: Option<FitComparison>,
    /// The same on the entries of all perturbations but CRISPR knock-outs.
    pub without_knockouts: Option<FitComparison>,
    /// Wall-clock seconds of this call; a resumed training counts from its resumption.
    pub seconds: f64,
}

/// Returns the report of the epoch with the least validation RMSE; the earliest of equals.
pub(super) fn best_epoch(reports: &[EpochReport]) -> Option<&EpochReport> {
    let rmse = |report: &EpochReport| report.validation.map_or(f64::INFINITY, |v| v.overall.rmse);
    reports.iter().min_by(|a, b| rmse(a).total_cmp(&rmse(b)))
}
