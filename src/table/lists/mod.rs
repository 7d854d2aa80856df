//! Parquet tables whose rows are samples with lists: what was measured in each cell, and a value for each (as Tahoe-100M is
//! published), in one file or in several.
//!
//! Takes the files in their order; gives the sample sheet that their other columns are, and their rows one after another, with
//! the sum of all their values (a cell's depth). Samples have no names: what tells them apart is their row, counted over all
//! files. It knows Parquet only by its door.

mod file;
mod form;
mod selection;
mod shards;
mod vocabulary;

pub use file::{ListsFile, ListsPart};
pub use form::ListsForm;
pub use selection::{ListsRead, ListsSelection};
pub use shards::Shards;
