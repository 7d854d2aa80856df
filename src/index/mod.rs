//! One folder per index: written atomically, verified when opened.
//!
//! Takes unit vectors, records and (where a model was trained) responses and weights; gives an
//! [`Index`] that any number of threads and processes read at once. Each engine has one file here:
//! hnsw_rs in `vector/`, tantivy in `metadata/`, rkyv in `record.rs`. It knows nothing of queries
//! by name or of ranking; that is `search/`.

mod addition;
mod builder;
mod calibration;
#[cfg(feature = "train")]
mod compile;
mod describe;
pub mod file;
mod folder;
mod given_vectors;
mod manifest;
mod metadata;
mod open;
mod placement;
mod progress;
mod provenance;
mod readouts;
mod record;
mod response;
mod screen;
pub mod vector;
mod vector_space;

pub use addition::{AddedBy, Addition};
pub use builder::{IndexBuilder, TARGET_RECALL};
pub use calibration::{
    Calibration, CalibrationSummary, CalibrationTable, HonestySummary, MOST_REFERENCES, Measure,
    MeasuredActivity, PlacedProfiles, ReferenceKind, Stratum, StratumSummary, TargetKind,
};
pub use describe::describe;
pub use folder::StagedFolder;
pub use given_vectors::GivenVectors;
pub use manifest::{
    Counts, FORMAT_VERSION, FileDigest, GraphSummary, HeldOutFit, Manifest, TrainingSummary,
};
pub use metadata::{Filter, Metadata, NameKind};
pub use open::Index;
pub use placement::{FEWEST_READOUTS, StoredPlacement};
pub use progress::{BuildStep, Progress};
pub use provenance::Provenance;
pub(crate) use readouts::AlignedProfile;
pub use readouts::ReadoutNames;
pub use record::{Record, Records};
pub use response::{RESPONSE_RANK, ResponseTable, Responses};
pub(crate) use screen::KnownScreen;
pub use screen::ProfileUnits;
pub(crate) use vector_space::VectorSpace;

/// What to do about a damaged index.
const REBUILD: &str = "restore it from a copy, or rebuild the index with `phenocopy build`";
