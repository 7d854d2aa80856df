//! What a similarity is worth: null distributions, p-values, q-values, probabilities, and whether a query does anything.
//!
//! Takes vectors or similarities of reference queries and which of them are known to be true; gives a [`NullModel`],
//! which turns the similarities of a query into standardised scores and p-values, [`q_values`] over a panel,
//! [`MechanismClass`]es and how near a query is to them, the [`ProbabilityCurve`] of known pairs and its
//! [`ReliabilityTable`], and the [`Activity`] of a dataset's perturbations. It knows no index, no file and no name but those
//! of classes: rows and columns are positions.

mod activity;
mod mechanism;
mod null;
mod probability;
mod q_value;
mod references;
mod share;

pub use activity::Activity;
pub(crate) use activity::{agreement_of, correlation};
pub use mechanism::{ClassKind, FEWEST_MEMBERS, MOST_MEMBERS, MechanismClass, class_score};
pub(crate) use null::normal_tail;
pub use null::{FEWEST_REFERENCES, Null, NullModel, Scores};
pub use probability::{
    FEWEST_KNOWN_PAIRS, FOLDS, ProbabilityCurve, ReliabilityBin, ReliabilityTable, ScoreCounts,
};
pub use q_value::{BatchQValues, PValueCounts, StepUp, q_values};
pub use references::{KnownPairs, References};
pub use share::{LEVEL, Share};
