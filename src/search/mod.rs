//! A query by name, or a profile of one's own, becomes ranked hits.
//!
//! Takes an open index and a [`Query`] or, for what the index does not hold, a [`SignatureQuery`] or features; gives
//! an [`Answer`]: the hits of the panel in order of similarity, with their records. Filters narrow the panel before
//! neighbours are chosen; a planner picks the graph or the exact scan. Of cell lines that no screen holds it
//! predicts responses, and it lists what the index holds ([`Entry`]). It prints nothing and reads no tables.

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
pub use contexts::ContextResponses;
pub use entry::{Entries, Entry};
pub use explain::{ContextSimilarity, Explanation, ExplanationTerm};
pub use features::{FEWEST_ROWS, FeaturePlacement};
pub use hit::{Answer, Hit, RankedBy};
pub use mechanism::{MOST_MECHANISMS, MechanismHit};
pub use picklist::Picklist;
pub use plan::Engine;
pub use query::{Correction, Direction, Query, Scope, Via};
pub use recognise::Recognised;
pub use responses::PredictedResponses;
pub use signature::{FEWEST_READOUTS, Signature, SignatureFit, SignatureQuery};
pub use significance::{Flag, QueryActivity, Significance, Support};
#[cfg(feature = "structures")]
pub use structures::StructurePlacement;
pub use subject::Origin;
#[cfg(feature = "train")]
pub use unmeasured::{
    FEWEST_KNOWN, FeatureAxis, PredictedResponse, UnmeasuredAnswer, UnmeasuredQuery, UnmeasuredRow,
};
