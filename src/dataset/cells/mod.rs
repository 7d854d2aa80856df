//! Cells that are kept out of profiles, at the genes that are both perturbed and measured.
//!
//! [`CellSource`] reads them where the file of an assay was chosen and its names are known; [`HeldOutCells`] are what comes
//! of it, sparse: only what is not 0 is held.

mod comoments;
mod group;
mod held_out;
mod source;

pub use group::{CellGroup, Expression};
pub use held_out::{HeldOutCells, PerturbedGene};
pub(super) use source::{CellSource, has_cells};
