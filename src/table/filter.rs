use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::name::{fits_wildcard, is_missing_bytes};
use super::text::{Rows, find_column, whole_file};
use crate::error::{Error, Result};
use crate::experiment::{Dose, TimePoint};

/// Keeps the rows of a table whose column holds one of some values or fits a pattern, or lies between bounds.
///
/// Bounds are numbers, doses or times. A column whose unit stands in the cell (`10 uM`) or in the column
/// beside it (`pert_dose` and `pert_dose_unit`, `dose_value` and `dose_unit`) has bounds with a unit, and all is compared in one. A row
/// that does not know the column is not kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowFilter {
    /// The column.
    pub column: String,
    /// The values to keep, spelt exactly as in the table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Patterns of values to keep, too: `*` stands for any text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub like: Vec<String>,
    /// The smallest to keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Bound>,
    /// The largest to keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Bound>,
}

impl RowFilter {
    /// Returns the filter that keeps rows with one of some values.
    ///
    /// ```
    /// use phenocopy::table::RowFilter;
    ///
    /// assert_eq!(RowFilter::one_of("pert_type", ["trt_cp"]).values, ["trt_cp"]);
    /// ```
    pub fn one_of<'a>(column: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        let values = values.into_iter().map(str::to_owned).collect();
        let like = Vec::new();
        Self { column: column.to_owned(), values, like, at_least: None, at_most: None }
    }

    /// Returns whether it asks for values or patterns.
    fn asks_for_values(&self) -> bool {
        !self.values.is_empty() || !self.like.is_empty()
    }

    /// Returns whether a cell is one of the values, or fits one of the patterns.
    fn lists(&self, cell: &[u8]) -> bool {
        let text = String::from_utf8_lossy(cell);
        self.values.iter().any(|value| value.as_bytes() == cell)
            || self.like.iter().any(|pattern| fits_wildcard(pattern, &text))
    }
}

/// What a cell is compared with: `0.2`, `"10 uM"`, `"24 h"`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a number, a dose as \"10 uM\" or a time as \"24 h\"")]
pub enum Bound {
    /// A number without unit.
    Number(f64),
    /// A dose.
    Dose(Dose),
    /// A time.
    Time(TimePoint),
}

impl Bound {
    /// Returns the amount, in the one unit of its kind.
    fn amount(self) -> f64 {
        match self {
            Self::Number(number) => number,
            Self::Dose(dose) => dose.micromolar(),
            Self::Time(time) => time.hours(),
        }
    }

    /// Reads a cell, with what the column of units says, as an amount of this bound's kind.
    fn read(self, cell: &str, unit: Option<&str>) -> Option<f64> {
        let number = || cell.parse::<f64>().ok();
        match self {
            Self::Number(_) => number(),
            Self::Dose(_) => match unit.zip(number()) {
                Some((unit, amount)) => Dose::new(amount, unit),
                None => Dose::parse(cell),
            }
            .map(Dose::micromolar),
            Self::Time(_) => match unit.zip(number()) {
                Some((unit, amount)) => TimePoint::new(amount, unit),
                None => TimePoint::parse(cell),
            }
            .map(TimePoint::hours),
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Number(_) => "a number",
            Self::Dose(_) => "a dose in µM, nM or mM",
            Self::Time(_) => "a time in hours, minutes or days",
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Dose(dose) => write!(f, "{dose}"),
            Self::Time(time) => write!(f, "{time}"),
        }
    }
}

/// Row filters whose columns have been found in a table.
pub(super) struct Selection(Vec<Test>);

/// One filter at work.
struct Test {
    filter: RowFilter,
    column: usize,
    /// The column of its units, where there is one.
    unit: Option<usize>,
    units: BTreeSet<String>,
    n_unknown: u64,
    /// Rows with a dose that nobody gives, and the first of those doses.
    implausible: Option<(u64, Dose)>,
}

/// A cell that cannot be compared with a filter's bound.
pub(super) struct Incomparable {
    pub(super) column: usize,
    pub(super) expected: &'static str,
    pub(super) received: String,
}

impl Incomparable {
    pub(super) const ADVICE: &'static str =
        "write the bound with the unit of the column, or filter by `values` of the unit first";

    /// Returns the error about the row read last.
    pub(super) fn refuse(self, rows: &Rows) -> Error {
        rows.refuse(Some(self.column), self.expected, self.received, Self::ADVICE)
    }
}

impl Selection {
    pub(super) fn new(path: &Path, header: &[String], filters: &[RowFilter]) -> Result<Self> {
        filters
            .iter()
            .map(|filter| Test::new(path, header, filter))
            .collect::<Result<_>>()
            .map(Self)
    }

    /// Returns the positions of the columns that are compared.
    pub(super) fn columns(&self) -> impl Iterator<Item = usize> {
        self.0.iter().flat_map(|test| [Some(test.column), test.unit]).flatten()
    }

    /// Returns whether all filters keep a row; `cell` gives the row's cells.
    pub(super) fn keeps<'a>(
        &mut self,
        cell: impl Fn(usize) -> &'a [u8],
    ) -> Result<bool, Incomparable> {
        for test in &mut self.0 {
            if !test.keeps(&cell)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns what filtering found: rows that do not know a column, units that were converted.
    pub(super) fn notices(&self) -> Vec<String> {
        let unknown = self.0.iter().filter(|test| test.n_unknown > 0).map(|test| {
            format!("{} rows do not know `{}`: left out", test.n_unknown, test.filter.column)
        });
        let mixed = self.0.iter().filter(|test| test.units.len() > 1).map(|test| {
            let units: Vec<&str> = test.units.iter().map(String::as_str).collect();
            format!("`{}` in {} is compared in one unit", test.filter.column, units.join(", "))
        });
        let implausible = self.0.iter().filter_map(|test| {
            let (n_rows, first) = test.implausible?;
            let column = &test.filter.column;
            Some(format!("{n_rows} rows have a `{column}` such as {first}: check its unit, a power of ten may be wrong"))
        });
        unknown.chain(mixed).chain(implausible).collect()
    }
}

/// Returns whether a column holds the units of another: `pert_dose_unit` of `pert_dose`, `dose_unit` of `dose_value`.
fn is_unit_of(unit: &str, column: &str) -> bool {
    let stem = unit.strip_suffix("_unit");
    stem.is_some_and(|stem| stem == column || Some(stem) == column.strip_suffix("_value"))
}

impl Test {
    fn new(path: &Path, header: &[String], filter: &RowFilter) -> Result<Self> {
        let bounds = [filter.at_least, filter.at_most];
        let mut kinds = bounds.iter().flatten().map(|bound| bound.kind());
        let first = kinds.next();
        let problem = match first {
            None if !filter.asks_for_values() => Some("has neither `values`, `like` nor a bound"),
            Some(kind) if kinds.any(|other| other != kind) => Some("has bounds of two kinds"),
            _ => None,
        };
        if let Some(problem) = problem {
            return Err(Error::data(
                format!("the filter on `{}` of `{}`", filter.column, path.display()),
                problem,
                "give it `values`, `like`, `at_least` or `at_most`",
            ));
        }
        let column = find_column(path, header, &filter.column)?;
        let unit = header.iter().position(|name| is_unit_of(name, &filter.column));
        let is_number = |bound: &Bound| matches!(bound, Bound::Number(_));
        if let (Some(unit), true) = (unit, bounds.iter().flatten().any(is_number)) {
            let expected = format!("a bound with a unit for `{}`", filter.column);
            let received = format!("a bare number, though `{}` gives units", header[unit]);
            let advice = "write it as `at_most = \"10 uM\"` or `at_most = \"24 h\"`";
            return Err(whole_file(path, expected, received, advice));
        }
        let (filter, units) = (filter.clone(), BTreeSet::new());
        Ok(Self { filter, column, unit, units, n_unknown: 0, implausible: None })
    }

    fn keeps<'a>(&mut self, cell: impl Fn(usize) -> &'a [u8]) -> Result<bool, Incomparable> {
        let bytes = cell(self.column).trim_ascii();
        if self.filter.asks_for_values() && !self.filter.lists(bytes) {
            return Ok(false);
        }
        let Some(bound) = self.filter.at_least.or(self.filter.at_most) else { return Ok(true) };
        let unit = self.unit.map(|column| cell(column).trim_ascii());
        if is_missing_bytes(bytes) || unit.is_some_and(is_missing_bytes) {
            self.n_unknown += 1;
            return Ok(false);
        }
        let text = String::from_utf8_lossy(bytes);
        let unit = unit.map(String::from_utf8_lossy);
        let Some(amount) = bound.read(&text, unit.as_deref()) else {
            let received = format!("`{text}` {}", unit.as_deref().unwrap_or_default());
            let received = received.trim_end().to_owned();
            return Err(Incomparable { column: self.column, expected: bound.kind(), received });
        };
        if !matches!(bound, Bound::Number(_)) {
            let of_cell = text.trim_start_matches(|c: char| !c.is_alphabetic());
            self.units.insert(unit.as_deref().unwrap_or(of_cell).to_owned());
        }
        if let Some(dose) =
            matches!(bound, Bound::Dose(_)).then(|| Dose::new(amount, "uM")).flatten()
            && !dose.is_plausible()
        {
            self.implausible.get_or_insert((0, dose)).0 += 1;
        }
        let (at_least, at_most) = (self.filter.at_least, self.filter.at_most);
        Ok(at_least.is_none_or(|bound| amount >= bound.amount())
            && at_most.is_none_or(|bound| amount <= bound.amount()))
    }
}
