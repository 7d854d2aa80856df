//! Parquet files, both ways: the only door to the crate `parquet`.
//!
//! A file becomes rows of text cells, as text tables have them, so that every reader of tables reads it; rows of
//! [`Value`](super::Value)s become a file with types. Columns are flat, but for one of vectors (lists of numbers, all of one
//! length), which is read as columns of its own; other lists and structures are refused. Two columns of lists that belong
//! together, what is listed and its values, are read as the rows of a sparse matrix.

mod arrow_schema;
mod cell;
mod list;
mod list_column;
mod page;
mod paired_lists;
mod read;
mod write;

pub(super) use list_column::{Element, ElementKind};
pub(super) use paired_lists::{ListName, PairedLists, list_names};
pub(super) use read::{ParquetRows, is_parquet};
pub use write::ParquetTable;
