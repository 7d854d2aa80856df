//! Which perturbations act alike, all pairs of them: a network, and the groups in it.
//!
//! Takes an open index and a [`NetworkQuery`]; gives a [`Network`]: nodes, edges with statistics, communities and what
//! their members share. All pairs are compared in blocks, so that memory does not grow with their number; what is
//! kept are edges. It reads and writes no files.

mod block;
mod community;
pub mod directed;
mod edge;
mod enrichment;
mod neighbourhood;
mod null;
mod query;
mod space;
mod support;

pub use community::Community;
pub use edge::Edge;
pub use enrichment::SharedMechanism;
pub use null::{PairNull, Standard};
pub use query::{Compared, Network, NetworkNode, NetworkQuery, PairSummary};
pub use space::{NetworkSpace, Whitening};
