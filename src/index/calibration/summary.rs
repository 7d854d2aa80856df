use serde::{Deserialize, Serialize};

use super::stratum::Measure;
use crate::calibrate::{LEVEL, ReliabilityTable, Share};

/// What the manifest says of an index's calibration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationSummary {
    /// Each null, in the order of the file.
    pub strata: Vec<StratumSummary>,
    /// Mechanism classes that are tested.
    pub n_classes: usize,
    /// Whether significance is honest, for compounds against each genetic type.
    pub honesty: Vec<HonestySummary>,
    /// References at most: of more, as many at equal distances.
    pub most_references: usize,
}

/// How one null was learnt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StratumSummary {
    /// The stratum's key: measure, kind of references, type of queries, targets.
    pub key: String,
    /// Reference queries.
    pub n_references: usize,
    /// Targets.
    pub n_targets: usize,
    /// How reliable the probability of known pairs is; none where too few pairs are known.
    pub reliability: Option<ReliabilityTable>,
}

/// How often compounds have a hit of q ≤ .05 among the perturbations of a type or the mechanism classes, by what they are:
/// a mimic, or an opposite by the responses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HonestySummary {
    /// What is compared: vectors, for mimics, or responses, for opposites.
    #[serde(default)]
    pub measure: Measure,
    /// The targets' type (CMap code), or `classes`.
    pub targets: String,
    /// Profiles whose values were shuffled, folded in.
    pub controls: Share,
    /// Compounds of the index no stronger than the strongest twentieth of shuffled profiles.
    pub inactive: Share,
    /// All compounds of the index.
    pub compounds: Share,
    /// Compounds annotated with a target in the panel, or in a class: those whose target or class has q ≤ .05. None
    /// are asked for opposites, of which nothing is annotated.
    pub known: Share,
}

impl HonestySummary {
    /// Returns whether shuffled profiles have a significant hit no more often than the level promises, within error;
    /// without any it cannot be denied.
    #[must_use]
    pub fn is_honest(&self) -> bool {
        self.controls.is_within(LEVEL)
    }
}
