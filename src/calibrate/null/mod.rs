//! What similarities are worth when two have nothing to do with each other.
//!
//! Takes the similarities of reference queries to targets; gives a [`NullModel`], which learns from them and may be given
//! targets that it was not learnt from, and a [`Null`] in use, wherever its numbers lie.

mod model;
mod scores;

pub use model::NullModel;
pub(crate) use scores::normal_tail;
pub use scores::{FEWEST_REFERENCES, Null, Scores};
