//! Answers, networks, predicted values and metrics become files: one file per format.
//!
//! Takes what `search/`, `network/` and `evaluate/` give; writes it to any `io::Write`, and only AnnData, which is not
//! written front to back, to a path. Columns are those of the output contract and never change meaning by mode. It knows
//! no arguments.

mod aligned;
mod columns;
mod explanation;
pub mod export;
mod file_form;
mod found;
mod h5ad_form;
mod hit_cautions;
mod hit_columns;
mod hit_grp;
mod hit_parquet;
mod hit_table;
mod hit_writer;
mod lists_form;
mod mechanism_columns;
mod mechanisms;
mod metrics;
mod ndjson;
mod ndjson_fields;
pub mod network;
mod plot;
mod predicted;
mod reading;
mod schema;
mod source;
mod tsv;
#[cfg(feature = "train")]
mod unmeasured;

pub use columns::{SCHEMA_VERSION, significant};
pub use explanation::{write_explanation_table, write_explanation_tsv};
pub use file_form::{KnownAxes, write_file_form, writing_text};
pub use found::{write_found_table, write_found_tsv};
pub use hit_grp::HitGrp;
pub use hit_parquet::HitParquet;
pub use hit_table::HitTable;
pub use hit_writer::HitWriter;
pub use metrics::{
    MetricFormat, MetricRow, MetricTable, MetricValue, causal_tables, directed_tables,
    grouped_retrieval_tables, honesty_tables, metrics_json, network_tables, noise_ceiling_table,
    prediction_table, retrieval_difference_table, retrieval_table, scaling_table,
};
pub use ndjson::HitNdjson;
pub use plot::{reliability_plot, retrieval_plot, scaling_plot};
pub use predicted::{PredictedParquet, PredictedTable, PredictedTsv, PredictedWriter};
pub use reading::{LabelSummary, Reading};
pub use schema::{Schema, SchemaFormat, write_schema};
pub use source::Source;
pub use tsv::HitTsv;
#[cfg(feature = "train")]
pub use unmeasured::{write_unmeasured_table, write_unmeasured_tsv};
