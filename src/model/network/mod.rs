//! The weights and the arithmetic of an LPM: three embedding tables and a head.
//!
//! Takes rows of perturbations, contexts and readouts; gives predicted values in blocks (every
//! perturbation × every readout) or entry by entry, as candle tensors that can be differentiated.

mod concat;
mod forward;
mod product;
mod weights;

pub(super) use forward::Network;
pub(super) use weights::{Specification, TableSizes, Weights, specification};
