use std::path::PathBuf;

use clap::Args;
use phenocopy::Error;
use phenocopy::report::{write_unmeasured_table, write_unmeasured_tsv};
use phenocopy::search::UnmeasuredQuery;
use phenocopy::table::read_features;

use super::IndexArgument;
use super::output::{ListFormat, OutputArguments, complain, width};

/// Features of cell lines, and what is predicted for those that no screen of the index holds.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    phenocopy predict --features cell-lines.csv --context GDSC2\n  \
    phenocopy predict venetoclax MDM2 --features cell-lines.csv --context GDSC2 --format tsv\n\n\
    The table has a name in its first column and numbers in the others; rows that the index\n\
    holds teach what the numbers mean, the others are predicted.")]
pub(crate) struct PredictArguments {
    /// Compounds or genes [default: all that were measured in the context]
    #[arg(value_name = "QUERY")]
    queries: Vec<String>,
    /// Features of cell lines (CSV, TSV), measured ones and others: a name, then numbers
    #[arg(long, value_name = "FILE")]
    features: PathBuf,
    /// The context in which the cell lines respond; not asked for where they are contexts themselves
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    #[command(flatten)]
    index: IndexArgument,
    /// How many responses of each cell line, the largest first, whichever sign
    #[arg(short, default_value_t = 10, value_name = "N")]
    k: usize,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = ListFormat::Table)]
    format: ListFormat,
    #[command(flatten)]
    output: OutputArguments,
}

impl PredictArguments {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        if self.k == 0 {
            return Err(Error::parameter("k", "at least 1", self.k).into());
        }
        self.output.probe()?;
        let index = self.index.open()?;
        let table = read_features(&self.features)?;
        let query =
            UnmeasuredQuery { perturbations: self.queries, context: self.context, k: Some(self.k) };
        let answer = index.predict_unmeasured(&table, &query)?;
        if !answer.quality.predicts() {
            complain("warning: these features predict nothing of the index's responses");
        }
        let manifest = index.manifest();
        self.output.fill(|out| {
            match self.format {
                ListFormat::Table => {
                    write_unmeasured_table(out, &answer, (self.k, width()))?;
                    writeln!(out, "index {} {}", manifest.name, manifest.fingerprint)?;
                }
                ListFormat::Tsv => {
                    write_unmeasured_tsv(out, &answer, (self.k, &manifest.fingerprint))?;
                }
            }
            Ok(())
        })
    }
}
