//! What the samples of a matrix (cells, signatures, wells) measured, by the columns of a table.
//!
//! Takes the rows of a table from wherever it lies; gives the [`SampleSheet`] of them: a [`Condition`] for each sample, named
//! by [`Pattern`]s of columns, with agents and controls told apart as [`AgentNames`] says. It knows no format.

mod agent_names;
mod pattern;
mod sheet;

pub(super) use agent_names::KNOWN_CONTROLS;
pub use agent_names::{AgentNames, Agents};
pub use pattern::Pattern;
pub(super) use sheet::SheetBuilder;
pub use sheet::{Condition, SampleColumns, SampleSheet, read_sample_sheet};
