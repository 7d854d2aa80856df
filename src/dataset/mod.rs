//! Tables and a recipe become observations (perturbation, context, readout, value).
//!
//! Takes the rows and matrices of `table/` and a [`Recipe`]; gives a [`Dataset`]: vocabularies,
//! normalised profiles in profile-major form, annotations, the merges that were made, and the
//! provenance of every input. [`synthetic`] plants a world of known truth. It knows neither how
//! files are spelt nor how a model is trained.

mod agents;
mod assemble;
mod cells;
mod collapse;
mod compound_report;
mod compounds;
mod contrast;
mod entries;
mod gather;
mod given;
mod naming;
mod normalise;
mod places;
mod profiles;
mod read;
mod readouts;
mod recipe;
mod reject;
mod report;
mod restrict;
mod samples;
mod screen;
mod sentences;
mod source;
mod split;
pub mod synthetic;
mod translation;
mod value_columns;
mod vectors;

pub use assemble::{Dataset, DatasetOptions};
pub use cells::{CellGroup, Expression, HeldOutCells, PerturbedGene};
pub use collapse::Collapse;
pub(crate) use collapse::unit_ranks;
pub(crate) use entries::Entries;
pub(crate) use normalise::median;
pub use normalise::{NormalisationStep, normalise_profile};
pub(crate) use profiles::shuffle_profile;
pub use profiles::{ProfileKey, Profiles, StorageLimits};
pub use recipe::{AgentKind, AnnotationTable, Assay, AssayLayout, ReadoutChoice, Recipe};
pub use reject::Reject;
pub use report::{
    AssaySummary, Doubt, DroppedProfile, Merge, MergeReason, NameCount, NameSummary, Place,
    ReadingReport, Suggestion, SuggestionReason, UnresolvedName,
};
pub use samples::{SampleScale, Samples};
pub use split::{SampleSplit, Split};
pub use translation::Untranslated;
pub use value_columns::ValueColumns;
pub use vectors::VectorFile;

pub use crate::table::{Duplicates, InputFile};
