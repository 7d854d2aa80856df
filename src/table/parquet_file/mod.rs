//! Parquet files, both ways: the only door to the crate `parquet`.
//!
//! A file becomes rows of text cells, as text tables have them, so that every reader of tables reads it; rows of
//! [`Value`](super::Value)s become a file with types. Columns are flat: lists and structures are refused.

mod cell;
mod page;
mod read;
mod write;

pub(super) use read::{ParquetRows, is_parquet};
pub use write::ParquetTable;
