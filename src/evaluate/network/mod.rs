//! Are genes that are known to work together among the nearest pairs? Recall in the tails, precision at the top, AUPRC.
//!
//! [`NetworkTask`] says which pairs are sought, similarities of all pairs come from [`AllPairs`], [`evaluate_network`]
//! compares methods on the same pairs; [`GenesOfOneAssay`] holds genes out of training except in one assay.

mod all_pairs;
mod evaluation;
mod one_assay;
mod task;

pub use all_pairs::AllPairs;
pub use evaluation::{
    NETWORK_METRICS, NetworkDifference, NetworkMethod, NetworkReport, evaluate_network,
    profile_baselines,
};
pub use one_assay::GenesOfOneAssay;
pub use task::NetworkTask;
