//! Rows that are added to an index without training it anew.
//!
//! Takes an open index and a dataset of profiles at its readouts, in its contexts, or of vectors of its own space; gives
//! the builder of a larger index. Each row is folded in with all weights frozen, as a signature is, and judged as one:
//! the nulls are those of the base, whose rows keep their vectors to the bit. Names that the index holds already are
//! refused, unless an alias is ambiguous or the InChIKeys differ: then it is told.

mod aligned;
mod collision;
mod extend;
mod summary;
mod way;

pub use summary::{AddedBy, Addition};
