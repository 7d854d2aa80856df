//! What the samples of a matrix (cells, signatures, wells) measured, by the columns of a table, and their values one after another.
//!
//! Takes the rows of a table from wherever it lies; gives the [`SampleSheet`] of them: a [`Condition`] for each sample, named
//! by [`Pattern`]s of columns, with agents and controls told apart as [`AgentNames`] says. Takes the entries of a matrix row by
//! row; gives each sample's values at the wanted readouts ([`SampleValues`]). It knows no format.

mod agent_names;
mod pattern;
mod sheet;
mod values;

pub(super) use agent_names::KNOWN_CONTROLS;
pub use agent_names::{AgentNames, Agents};
pub use pattern::Pattern;
pub(super) use sheet::SheetBuilder;
pub use sheet::{Condition, SampleColumns, SampleSheet, read_sample_sheet};
pub use values::SampleValues;
pub(super) use values::{ChosenReadouts, SampleRow, Visit};
