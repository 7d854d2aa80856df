use crate::error::Result;
use crate::experiment::Side;

/// What a build is doing, for progress bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildStep {
    /// Inserting the vectors of a side into its graph.
    Graph {
        /// The side.
        side: Side,
        /// Vectors inserted.
        done: usize,
        /// Vectors in all.
        total: usize,
    },
    /// Choosing the walk's breadth against the exact scan.
    Recall(Side),
    /// Learning what similarities are worth.
    Calibration,
    /// Writing names and annotation.
    Metadata,
    /// Opening the finished folder and checking it.
    Verification,
}

/// Hears of each step of a build, and may stop it with an error.
pub type Progress<'a> = dyn Fn(BuildStep) -> Result<()> + 'a;
