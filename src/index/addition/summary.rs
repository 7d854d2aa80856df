use std::fmt;

use serde::{Deserialize, Serialize};

use crate::dataset::InputFile;
use crate::experiment::Side;

/// How rows came to their vectors that were added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddedBy {
    /// Measured profiles, folded in with all weights of the model frozen.
    FoldIn,
    /// Vectors of the index's own space, centred as those that it was made of.
    Given,
}

impl fmt::Display for AddedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FoldIn => "folded in",
            Self::Given => "given",
        })
    }
}

/// Rows that were added at one time: the last ones of their sides then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addition {
    /// Fingerprint of the index that they were added to.
    pub base: String,
    /// How.
    pub by: AddedBy,
    /// Whether their values were given as the model knows them, not in the units of their screens.
    pub are_normalised: bool,
    /// Rows on the chemical side.
    pub chemical: usize,
    /// Rows on the genetic side.
    pub genetic: usize,
    /// The contexts that they were measured in.
    pub contexts: Vec<String>,
    /// Profiles.
    pub profiles: usize,
    /// Values at readouts of the index.
    pub observations: usize,
    /// The files that were read.
    pub inputs: Vec<InputFile>,
    /// What was merged, dropped and suggested while reading, a sentence each.
    pub notes: Vec<String>,
    /// What was left out and what to look at, a sentence each.
    pub notices: Vec<String>,
}

impl Addition {
    /// Returns how many rows of a side were added.
    #[must_use]
    pub fn rows(&self, side: Side) -> usize {
        match side {
            Side::Chemical => self.chemical,
            Side::Genetic => self.genetic,
        }
    }
}
