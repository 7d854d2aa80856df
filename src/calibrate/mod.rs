//! What a similarity is worth: null distributions, p-values and q-values.
//!
//! Takes similarities of reference queries and which of them are known to be true; gives a [`NullModel`], which
//! turns the similarities of a query into standardised scores and p-values, and [`q_values`] over a panel. It knows
//! no index, no file and no name: rows and columns are positions.

mod null;
mod q_value;

pub use null::{FEWEST_REFERENCES, NullModel};
pub use q_value::q_values;
