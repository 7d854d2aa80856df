//! A query by name, or a profile of one's own, becomes ranked hits.
//!
//! Takes an open index and a [`Query`] or, for what the index does not hold, a [`SignatureQuery`] or features; gives
//! an [`Answer`]: the hits of the panel in order of similarity, with their records. Filters narrow the panel before
//! neighbours are chosen; a planner picks the graph or the exact scan. In `prediction/` it predicts what perturbations
//! do, in `unmeasured.rs` what cell lines that no screen holds respond; it lists what the index holds ([`Entry`]). It prints
//! nothing and reads no tables.

mod batch;
mod choice;
#[cfg(feature = "train")]
mod contexts;
mod entry;
mod explain;
mod features;
mod hit;
mod mechanism;
mod members;
mod panel;
mod picklist;
mod plan;
mod prediction;
mod query;
mod recognise;
mod resolve;
mod responses;
mod signature;
mod significance;
#[cfg(feature = "structures")]
mod structures;
mod subject;
#[cfg(feature = "train")]
mod unmeasured;
#[cfg(feature = "train")]
mod untrained;

#[cfg(feature = "train")]
pub use contexts::ContextResponses;
pub use entry::{Entries, Entry};
pub use explain::{ContextSimilarity, Explanation, ExplanationTerm};
pub use features::{FEWEST_ROWS, FeaturePlacement};
pub use hit::{Answer, Hit, RankedBy};
pub use mechanism::{MOST_MECHANISMS, MechanismHit};
pub use picklist::Picklist;
pub use plan::Engine;
pub use prediction::{
    HeldOut, PredictedProfile, PredictedValue, PredictionFlag, PredictionStatus, ReadoutLabel,
    SignaturePrediction,
};
#[cfg(feature = "train")]
pub use prediction::{PredictionQuery, ResponseModel};
pub use query::{Correction, Direction, Query, Scope, Via};
pub use recognise::Recognised;
pub use responses::PredictedResponses;
pub use signature::{FEWEST_READOUTS, ProfileUnits, Signature, SignatureFit, SignatureQuery};
pub use significance::{Flag, QueryActivity, Significance, Support};
#[cfg(feature = "structures")]
pub use structures::StructurePlacement;
pub use subject::Origin;
#[cfg(feature = "train")]
pub use unmeasured::{
    FEWEST_KNOWN, FeatureAxis, PredictedResponse, UnmeasuredAnswer, UnmeasuredQuery, UnmeasuredRow,
};
