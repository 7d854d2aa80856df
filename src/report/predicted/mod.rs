//! Predicted values, a writer per form: table, TSV, Parquet; one list of columns.

mod columns;
mod parquet_file;
mod table;
mod tsv;
mod writer;

pub(super) use columns::PREDICTED_COLUMNS;
pub use parquet_file::PredictedParquet;
pub use table::PredictedTable;
pub use tsv::PredictedTsv;
pub use writer::PredictedWriter;
