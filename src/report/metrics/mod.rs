//! Figures of evaluations as tables: for reading, as TSV, NDJSON, Markdown and one JSON document.
//!
//! Takes the reports of [`evaluate`](crate::evaluate); gives [`MetricTable`]s, which render themselves.

mod causal;
mod directed;
mod grouped_retrieval;
mod honesty;
mod json;
mod of_report;
mod table;
mod text;

pub use causal::causal_tables;
pub use directed::directed_tables;
pub use grouped_retrieval::grouped_retrieval_tables;
pub use honesty::honesty_tables;
pub use json::metrics_json;
pub use of_report::{
    network_tables, noise_ceiling_table, prediction_table, retrieval_difference_table,
    retrieval_table, scaling_table,
};
pub use table::{MetricRow, MetricTable, MetricValue};
pub use text::MetricFormat;
