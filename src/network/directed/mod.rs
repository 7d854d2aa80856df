//! Which readout genes respond to which perturbed gene: directed edges, from a perturbation to a readout.
//!
//! Takes an open index whose readouts are genes and a [`DirectedQuery`]; gives a [`DirectedNetwork`]. A response is judged
//! against what that perturbation does to other readouts and what others of its type do to that readout: directions that
//! all share make no edges.

mod edge;
mod query;
mod responses;
mod support;

pub use edge::{DirectedEdge, Effect};
pub use query::{
    DirectedNetwork, DirectedQuery, DirectedSource, DirectedSummary, DirectedTarget, SelfResponses,
};
pub use responses::ResponseMatrix;
