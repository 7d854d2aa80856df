use clap::{Args, ValueEnum};
use phenocopy::report::{Schema, SchemaFormat, write_schema};

use super::output::{OutputArguments, ReportFormat, width};

/// The output to describe, and the form of the description.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  phenocopy schema\n  \
    phenocopy schema ndjson --format json\n  \
    phenocopy schema parquet --format tsv -o columns.tsv")]
pub(crate) struct SchemaArguments {
    /// Which output of `search`, `predict`, `network` or `export`
    #[arg(value_enum, default_value_t = SchemaArgument::Hits, value_name = "OUTPUT")]
    schema: SchemaArgument,
    /// Form of the description [default: by the ending of -o, else table]
    #[arg(long, value_enum)]
    format: Option<ReportFormat>,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SchemaArgument {
    /// Rows of --format tsv
    Hits,
    /// Rows of --format tsv --mechanisms
    Mechanisms,
    /// Objects of --format ndjson
    Ndjson,
    /// Columns and metadata of --format parquet
    Parquet,
    /// Columns and metadata of what `export` writes
    Export,
    /// Rows of `predict`, --format tsv and parquet
    Predictions,
    /// Edges, --nodes, --communities and --directed edges of `network`, as TSV
    Network,
}

impl SchemaArguments {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let schema = match self.schema {
            SchemaArgument::Hits => Schema::Hits,
            SchemaArgument::Mechanisms => Schema::Mechanisms,
            SchemaArgument::Ndjson => Schema::Ndjson,
            SchemaArgument::Parquet => Schema::Parquet,
            SchemaArgument::Export => Schema::Export,
            SchemaArgument::Predictions => Schema::Predictions,
            SchemaArgument::Network => Schema::Network,
        };
        let format = match self.output.form(self.format)? {
            ReportFormat::Table => SchemaFormat::Table(width()),
            ReportFormat::Tsv => SchemaFormat::Tsv,
            ReportFormat::Json => SchemaFormat::Json,
        };
        self.output.fill(|out| Ok(write_schema(out, schema, format)?))
    }
}
