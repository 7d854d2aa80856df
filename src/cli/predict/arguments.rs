use std::path::PathBuf;

use clap::{Args, ValueEnum};
use phenocopy::Error;
use phenocopy::experiment::PerturbationType;

use crate::cli::IndexArgument;
use crate::cli::filter_arguments::perturbation_type;
use crate::cli::output::{Form, OutputArguments};

/// How many responses of each profile a table shows.
const SHOWN: usize = 10;

/// What is predicted of whom and where, and the form of the answer.
#[derive(Debug, Args)]
#[command(
    after_help = "Values are in the normalised units of the context's profiles, which the table tells; they are the\n\
    model's, never the measured ones. `phenocopy schema predictions` describes the columns.\n\
    Features: a name in the first column, numbers in the others; rows that the index holds teach\n\
    what the numbers mean, the others are predicted.\n\n\
    Examples:\n  \
    phenocopy predict venetoclax --context GDSC2\n  \
    phenocopy predict venetoclax BCL2 --context GDSC2 CRISPR --readouts MOLM-13,OCI-AML2\n  \
    phenocopy predict 'dabrafenib+trametinib' --context GDSC1 --format tsv\n  \
    phenocopy predict --table pairs.csv -o predicted.parquet\n  \
    phenocopy predict --table screen.csv:drug,assay,cell_line -o predicted.tsv\n  \
    phenocopy predict --signature my-profile.csv --context GDSC1\n  \
    phenocopy predict --features cell-lines.csv --context GDSC2\n  \
    phenocopy predict venetoclax MDM2 --features cell-lines.csv --context GDSC2 --format tsv"
)]
pub(crate) struct PredictArguments {
    /// Compounds or genes, `A+B` for a combination [with --features: all that were measured in the context]
    #[arg(value_name = "QUERY", required_unless_present_any = ["perturbations", "context", "table", "signature", "features"])]
    pub(super) queries: Vec<String>,
    /// The same behind an option; repeatable
    #[arg(long = "perturbation", value_name = "P")]
    pub(super) perturbations: Vec<String>,
    /// Contexts to predict in, one or more [default: all]; of a signature or features the one they belong to, of new
    /// contexts none
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub(super) context: Vec<String>,
    /// Only these readouts, by any name, joined by commas; repeatable
    #[arg(long, value_name = "READOUTS", value_delimiter = ',', conflicts_with = "features")]
    pub(super) readouts: Vec<String>,
    /// Pairs of a table (CSV, TSV, Excel, Parquet) with columns perturbation, context and, if you like, readout; or name
    /// the columns in this order
    #[arg(long, value_name = "FILE[:COLUMNS]", conflicts_with_all = ["queries", "perturbations", "context", "signature", "features"])]
    pub(super) table: Option<String>,
    /// A profile of your own, folded in, whose perturbation is predicted in all contexts
    #[arg(long, value_name = "FILE[:COLUMN]", conflicts_with_all = ["queries", "perturbations", "features", "query_type"])]
    pub(super) signature: Option<String>,
    /// The signature is normalised already; otherwise the context's normalisation is applied
    #[arg(long, requires = "signature")]
    pub(super) normalised: bool,
    /// Features of cell lines (CSV, TSV), measured ones and others, which are predicted: a name, then numbers
    #[arg(long, value_name = "FILE")]
    pub(super) features: Option<PathBuf>,
    /// The type the names must have, where one means several (trt_cp, trt_xpr, trt_sh, trt_si, trt_oe)
    #[arg(long, value_name = "TYPE", value_parser = perturbation_type, conflicts_with = "features")]
    pub(super) query_type: Option<PerturbationType>,
    #[command(flatten)]
    pub(super) index: IndexArgument,
    /// How many responses of each, the largest first, whichever sign [default: 10 in a table or of features, else all]
    #[arg(short, value_name = "N")]
    pub(super) k: Option<usize>,
    /// Form of the answer [default: by the ending of -o, else table]
    #[arg(long, value_enum)]
    pub(super) format: Option<PredictionFormat>,
    #[command(flatten)]
    pub(super) output: OutputArguments,
}

/// How predictions are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PredictionFormat {
    /// Aligned columns for reading
    Table,
    /// Tab-separated values with a header
    Tsv,
    /// A Parquet file: the columns of TSV with types, for pandas, polars, R or DuckDB
    Parquet,
}

impl Form for PredictionFormat {
    const ENDINGS: &'static [(&'static str, Self)] =
        &[("txt", Self::Table), ("tsv", Self::Tsv), ("parquet", Self::Parquet)];
    const WITHOUT: Self = Self::Table;
}

impl PredictArguments {
    /// The form of the answer, once `check` has found that there is one.
    pub(super) fn form(&self) -> PredictionFormat {
        self.output.form(self.format).unwrap_or(PredictionFormat::WITHOUT)
    }

    /// Refuses what cannot be done before work is done for it.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if self.k == Some(0) {
            return Err(Error::parameter("k", "at least 1", 0).into());
        }
        if self.output.form(self.format)? == PredictionFormat::Parquet {
            self.output.refuse_terminal()?;
        }
        Ok(self.output.probe()?)
    }

    /// How many values of a profile are wanted where some readouts are named; none for all.
    pub(super) fn k_of(&self, readouts: &[String]) -> Option<usize> {
        let is_short = self.form() == PredictionFormat::Table && readouts.is_empty();
        self.k.or(is_short.then_some(SHOWN))
    }

    /// How many values of a new cell line are wanted.
    pub(super) fn k_of_features(&self) -> usize {
        self.k.unwrap_or(SHOWN)
    }
}
