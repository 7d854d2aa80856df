use super::addition::Addition;
use super::manifest::TrainingSummary;
use crate::dataset::{InputFile, Recipe};

/// Where an index comes from; all of it goes into the manifest.
#[derive(Debug, Clone, Default)]
pub struct Provenance {
    /// The recipe the data were read by.
    pub recipe: Option<Recipe>,
    /// The files that were read.
    pub inputs: Vec<InputFile>,
    /// What was merged, dropped and suggested while reading, a sentence each.
    pub notes: Vec<String>,
    /// Contexts trained on.
    pub contexts: Vec<String>,
    /// Number of readouts trained on.
    pub readouts: usize,
    /// Number of profiles trained on.
    pub profiles: usize,
    /// Number of measured values trained on.
    pub observations: usize,
    /// Seeds of the ensemble.
    pub seeds: Vec<u64>,
    /// The model's configuration.
    pub model: Option<serde_json::Value>,
    /// What training reported.
    pub training: Option<TrainingSummary>,
    /// Rows that were added after training, one entry for each time.
    pub additions: Vec<Addition>,
}
