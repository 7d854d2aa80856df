use std::path::Path;

use clap::ValueEnum;
use phenocopy::Error;

use super::OutputArguments;

/// A form that the ending of a file's name tells.
pub(crate) trait Form: Copy + 'static {
    /// Endings, in lower case, and the form that each means.
    const ENDINGS: &'static [(&'static str, Self)];
    /// The form where nothing tells one.
    const WITHOUT: Self;
}

impl OutputArguments {
    /// Returns the form that was asked for, else what the ending of the file's name means, else what there is without one.
    ///
    /// # Errors
    /// When the ending means no form.
    pub(crate) fn form<F: Form>(&self, asked: Option<F>) -> phenocopy::Result<F> {
        let ending =
            self.file().and_then(Path::extension).map(|e| e.to_string_lossy().to_lowercase());
        let (Some(ending), None) = (ending, asked) else {
            return Ok(asked.unwrap_or(F::WITHOUT));
        };
        let meant = F::ENDINGS.iter().find(|(own, _)| *own == ending).map(|(_, form)| *form);
        meant.ok_or_else(|| {
            let known: Vec<String> = F::ENDINGS.iter().map(|(own, _)| format!(".{own}")).collect();
            let expected = format!("a file that ends in {}, or a --format", known.join(", "));
            Error::parameter("-o", expected, format!(".{ending}"))
        })
    }
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns for reading
    Table,
    /// Tab-separated values with a header
    Tsv,
    /// One JSON object a line
    Ndjson,
    /// A Parquet file: the columns of TSV with types, for pandas, polars, R or DuckDB
    Parquet,
    /// The names of the hits, one a line: a set for other tools, or a picklist
    Grp,
}

impl Form for Format {
    const ENDINGS: &'static [(&'static str, Self)] = &[
        ("txt", Self::Table),
        ("tsv", Self::Tsv),
        ("ndjson", Self::Ndjson),
        ("jsonl", Self::Ndjson),
        ("parquet", Self::Parquet),
        ("grp", Self::Grp),
    ];
    const WITHOUT: Self = Self::Table;
}

/// How a list of records is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// Aligned columns for reading
    Table,
    /// Tab-separated values with a header
    Tsv,
}

impl Form for ListFormat {
    const ENDINGS: &'static [(&'static str, Self)] = &[("txt", Self::Table), ("tsv", Self::Tsv)];
    const WITHOUT: Self = Self::Table;
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// Aligned columns and sentences for reading
    Table,
    /// Tab-separated values with a header
    Tsv,
    /// One JSON document
    Json,
}

impl Form for ReportFormat {
    const ENDINGS: &'static [(&'static str, Self)] =
        &[("txt", Self::Table), ("tsv", Self::Tsv), ("json", Self::Json)];
    const WITHOUT: Self = Self::Table;
}
