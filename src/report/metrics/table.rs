use serde::{Deserialize, Serialize};

/// Named figures of several methods, some with an interval.
///
/// ```
/// use phenocopy::report::{MetricFormat, MetricRow, MetricTable, MetricValue};
///
/// let mut table = MetricTable::new("retrieval", "method", ["hit@10", "MRR"]);
/// table.rows.push(MetricRow::new("index", [
///     Some(MetricValue::with_interval(0.31, 0.25, 0.37)),
///     None,
/// ]));
/// assert!(table.render(MetricFormat::Tsv).starts_with("table\tmethod\thit@10\thit@10_lower\thit@10_upper\tMRR\n"));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricTable {
    /// What is measured.
    pub title: String,
    /// The name of the column of row names.
    pub row_name: String,
    /// The names of the figures.
    pub columns: Vec<String>,
    /// One row per method.
    pub rows: Vec<MetricRow>,
    /// What a reader must know: counts, definitions.
    pub notes: Vec<String>,
    /// The index the figures are about, by name and fingerprint; empty where there is none.
    pub source: String,
}

/// One method's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricRow {
    /// The method.
    pub name: String,
    /// In the order of the table's columns; `None` where there is no figure.
    pub values: Vec<Option<MetricValue>>,
}

/// A figure, perhaps with an interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MetricValue {
    /// The figure.
    pub value: f64,
    /// Lower and upper end.
    pub interval: Option<(f64, f64)>,
    /// Whether it counts something, so that it is written without decimals.
    #[serde(default)]
    pub is_count: bool,
}

impl MetricTable {
    /// Creates a table without rows.
    #[must_use]
    pub fn new<'a>(
        title: impl Into<String>,
        row_name: impl Into<String>,
        columns: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            title: title.into(),
            row_name: row_name.into(),
            columns: columns.into_iter().map(str::to_owned).collect(),
            rows: Vec::new(),
            notes: Vec::new(),
            source: String::new(),
        }
    }

    /// Returns a row's value in a column.
    #[must_use]
    pub fn value(&self, row: &str, column: &str) -> Option<MetricValue> {
        let at = self.columns.iter().position(|name| name == column)?;
        self.rows.iter().find(|candidate| candidate.name == row)?.values.get(at).copied().flatten()
    }

    /// Returns whether any value of a column has an interval.
    #[must_use]
    pub fn has_intervals(&self, column: usize) -> bool {
        let value = |row: &MetricRow| row.values.get(column).copied().flatten();
        self.rows.iter().filter_map(value).any(|value| value.interval.is_some())
    }
}

impl MetricRow {
    /// Creates a row.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        values: impl IntoIterator<Item = Option<MetricValue>>,
    ) -> Self {
        Self { name: name.into(), values: values.into_iter().collect() }
    }
}

impl MetricValue {
    /// Creates a figure without an interval.
    #[must_use]
    pub fn new(value: f64) -> Self {
        Self { value, interval: None, is_count: false }
    }

    /// Creates a figure with an interval.
    #[must_use]
    pub fn with_interval(value: f64, lower: f64, upper: f64) -> Self {
        Self { value, interval: Some((lower, upper)), is_count: false }
    }

    /// Creates a count.
    #[must_use]
    pub fn count(n: usize) -> Self {
        Self { value: n as f64, interval: None, is_count: true }
    }
}
