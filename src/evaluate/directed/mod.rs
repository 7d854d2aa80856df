//! Do genes respond to others as an assay says that the model never saw? Signs, correlation and recall beside baselines.
//!
//! [`DirectedTask`] holds what the assay measured, less each readout's mean there; [`DirectedPrediction`]s come from an
//! index's directed network or from profiles; [`evaluate_directed`] compares them on the same pairs.

mod evaluation;
mod prediction;
mod task;

pub use evaluation::{
    DIRECTED_METRICS, DirectedDifference, DirectedMethod, DirectedReport, EdgeAgreement,
    evaluate_directed,
};
pub use prediction::{DirectedPrediction, JudgedEdge, ProfilesOf};
pub use task::DirectedTask;
