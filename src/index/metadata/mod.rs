//! Names, identifiers and annotation in tantivy: the only door to tantivy.
//!
//! Takes records and writes the folder `metadata/`; opened, it turns names, filters and texts into
//! rows. The folder is never written again: readers take no locks.

mod expression;
mod fields;
mod filter;
mod frozen;
mod reader;
mod rows;
mod write;

pub use filter::Filter;
pub use reader::Metadata;
pub(super) use write::write_metadata;

/// How closely a name has to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameKind {
    /// The symbol or the display name.
    Name,
    /// Another name, alias or previous symbol.
    Synonym,
    /// A foreign identifier.
    Identifier,
}
