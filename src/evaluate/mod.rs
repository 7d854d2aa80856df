//! How good the answers are: retrieval of known targets, pairs of genes that are known to work together, genes that change
//! others in cells that were held out or respond to others in an assay that was left out, and prediction of held-out values,
//! always beside baselines, and whether significance is honest.
//!
//! Takes a [`Dataset`](crate::dataset::Dataset), known pairs of compound and target gene, and
//! anything that gives similarities or predictions (an index, a model, a closure); gives estimates
//! with intervals. The protocols are those of the project's STATISTICS document and of the field:
//! labels are used here and nowhere else. It knows no file format, no engine and no way to print;
//! `report/` turns its results into tables.

mod bootstrap;
pub mod causal;
pub mod directed;
pub mod honesty;
pub mod network;
pub mod prediction;
pub mod retrieval;
pub mod scaling;

pub use bootstrap::{Bootstrap, Clustering, Clusters, Estimate};
pub use causal::{CausalReport, CausalTask, evaluate_causal};
pub use directed::{DirectedReport, DirectedTask, evaluate_directed};
pub use honesty::{HonestyReport, evaluate_honesty};
pub use network::{NetworkReport, NetworkTask, evaluate_network};
pub use prediction::{PredictionConfig, PredictionReport, evaluate_prediction};
pub use retrieval::{
    Grouping, Half, QueryGroups, RetrievalEvaluation, RetrievalReport, RetrievalTask,
};
