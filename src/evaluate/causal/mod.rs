//! Does perturbing a gene change another in cells that were held out? CausalBench's statistical evaluation of directed
//! networks (Chevalley et al. 2025).
//!
//! [`CausalTask`] compares the held-out cells of every perturbation with the held-out controls, gene by gene, once for all
//! methods; [`Responses`] and [`baseline_edges`] rank edges by what the other cells say; [`evaluate_causal`] scores edges,
//! whoever found them.

mod baselines;
mod edges;
mod evaluation;
mod responses;
mod task;
mod two_sample;

pub use baselines::baseline_edges;
pub use edges::{Edge, strongest_edges};
pub use evaluation::{
    CAUSAL_METRICS, CausalDifference, CausalMethod, CausalReport, RankedEdges, evaluate_causal,
};
pub use responses::Responses;
pub use task::{CausalTask, SIGNIFICANCE};
pub use two_sample::{Reference, mann_whitney, wasserstein_distance};
