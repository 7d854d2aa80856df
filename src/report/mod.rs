//! Hits and metrics become text: one file per format.
//!
//! Takes the answers of `search/` and the metrics of `evaluate/`; writes them to any `io::Write`.
//! Columns are those of the output contract and never change meaning by mode. It opens no files and knows no arguments.

mod aligned;
mod columns;
mod explanation;
mod found;
mod grouped_retrieval;
mod hit_cautions;
mod hit_table;
mod honesty;
mod mechanisms;
mod metrics;
mod metrics_json;
mod metrics_of;
mod metrics_text;
mod ndjson;
mod picture;
mod reliability_plot;
mod retrieval_plot;
mod scaling_plot;
mod tsv;
#[cfg(feature = "train")]
mod unmeasured;

pub use columns::{HIT_COLUMNS, MECHANISM_COLUMNS, significant};
pub use explanation::{write_explanation_table, write_explanation_tsv};
pub use found::{write_found_table, write_found_tsv};
pub use grouped_retrieval::grouped_retrieval_tables;
pub use hit_table::HitTable;
pub use honesty::honesty_tables;
pub use metrics::{MetricRow, MetricTable, MetricValue};
pub use metrics_json::metrics_json;
pub use metrics_of::{
    noise_ceiling_table, prediction_table, retrieval_difference_table, retrieval_table,
    scaling_table,
};
pub use metrics_text::MetricFormat;
pub use ndjson::HitNdjson;
pub use reliability_plot::reliability_plot;
pub use retrieval_plot::retrieval_plot;
pub use scaling_plot::scaling_plot;
pub use tsv::HitTsv;
#[cfg(feature = "train")]
pub use unmeasured::{write_unmeasured_table, write_unmeasured_tsv};

use std::io;

use crate::search::Answer;

/// Where answers come from; every output names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The index's name.
    pub index: String,
    /// The index's fingerprint.
    pub fingerprint: String,
    /// The command that was run.
    pub command: String,
}

/// Writes answers one by one, in one format.
pub trait HitWriter {
    /// Writes what comes before the first answer.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn begin(&mut self) -> io::Result<()>;

    /// Writes one answer.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn answer(&mut self, answer: &Answer) -> io::Result<()>;

    /// Takes note of a query that could not be answered; formats without a place for it say nothing.
    fn unanswered(&mut self, _asked: &str, _reason: &str) {}

    /// Writes what comes after the last answer and flushes.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn finish(&mut self) -> io::Result<()>;
}
