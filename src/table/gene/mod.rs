//! Genes: what their names mean, and sets of them.

mod names;
mod set;

pub use names::{GeneNames, GeneResolution, excel_date};
pub(super) use set::gene_set_format;
pub use set::{GeneSet, holds_gene_sets, read_gene_sets};
