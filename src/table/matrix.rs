use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::measurements::Measurements;
use super::name::{is_missing, is_missing_bytes};
use super::npy_file::{is_npy, read_npy};
use super::number::{Cell, parse_cell};
use super::text::TextFormat;
use super::text::{Rows, whole_file};
use super::wanted::{LeftOut, Wanted};
use crate::error::{Error, Result};

/// Which way a wide matrix lies; its first column holds the names of the rows, unless [`RowNames`] say another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Orientation {
    /// A row is a readout, a column a perturbation.
    ReadoutRows,
    /// A row is a perturbation, a column a readout.
    PerturbationRows,
}

/// Which column of a wide matrix names its rows, and which columns hold no values. Where a Parquet file has a column of
/// vectors, only its numbers are values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowNames {
    /// The column with the names.
    pub column: String,
    /// Columns whose names begin with one of these hold no values, such as `Metadata_`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skip: Vec<String>,
}

/// Where in a row its name and its values stand.
pub(super) struct Positions {
    name: usize,
    /// Where a row's other name stands, which it goes by if it has one.
    other_name: Option<usize>,
    values: Vec<usize>,
}

impl Positions {
    fn new(rows: &Rows, names: Option<&RowNames>) -> Result<Self> {
        let name = names.map_or(Ok(0), |names| rows.column(&names.column))?;
        let skip = names.map_or(&[][..], |names| names.skip.as_slice());
        let vector = rows.vector();
        let is_value = |(at, column): &(usize, &String)| match &vector {
            Some(vector) => vector.contains(at),
            None => *at != name && !skip.iter().any(|prefix| column.starts_with(prefix.as_str())),
        };
        let values = rows.header().iter().enumerate().filter(is_value).map(|(at, _)| at).collect();
        Ok(Self { name, other_name: None, values })
    }

    /// The first column names the rows, the last ones hold the values.
    pub(super) fn last(rows: &Rows, n_values: usize) -> Self {
        let n_columns = rows.header().len();
        let values = (n_columns.saturating_sub(n_values)..n_columns).collect();
        Self { name: 0, other_name: None, values }
    }

    /// The same, but rows go by the names in another column, where they have one.
    pub(super) fn named_by(self, column: Option<usize>) -> Self {
        Self { other_name: column, ..self }
    }

    fn columns(&self, rows: &Rows) -> Vec<String> {
        self.values.iter().filter_map(|at| rows.header().get(*at).cloned()).collect()
    }

    /// These values only.
    fn only(&self, kept: &[usize]) -> Self {
        let values = kept.iter().filter_map(|at| self.values.get(*at).copied()).collect();
        Self { values, ..*self }
    }
}

/// Reads what is wanted of a wide matrix of numbers with named rows and columns, or of a NumPy array whose rows are
/// perturbations, named by the table beside it: `X.ids.tsv` for `X.npy`, or `ids.tsv`; its columns are `d0`, `d1`, …. Without `names`
/// the first column of a table names the rows.
///
/// # Errors
/// Names file, line and column of a wanted cell that is no number or infinite, of a nameless row or
/// column, and of a readout that occurs twice; refuses a matrix without rows or columns.
///
/// # Examples
/// ```
/// use phenocopy::table::{Orientation, TextFormat, Wanted, read_matrix};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("screen.tsv");
/// std::fs::write(&path, "line\tBRAF\tMDM2\nA375\t-1.5\t\nMCF7\t0\t-2\n").unwrap();
/// let screen = read_matrix(&path, TextFormat::Detect, Orientation::ReadoutRows, None, Wanted::ALL)?;
/// assert_eq!(screen.perturbations, ["BRAF", "MDM2"]);
/// assert_eq!(screen.readouts, ["A375", "MCF7"]);
/// assert_eq!(screen.n_values(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_matrix(
    path: &Path,
    format: TextFormat,
    orientation: Orientation,
    names: Option<&RowNames>,
    wanted: Wanted<'_>,
) -> Result<Measurements> {
    if is_npy(path)? {
        return match orientation {
            Orientation::PerturbationRows => read_npy(path, wanted),
            Orientation::ReadoutRows => {
                let received = "a NumPy array, whose rows are perturbations";
                let advice = "say `layout = \"wide-perturbation-rows\"`";
                Err(whole_file(path, "a table whose rows are readouts", received, advice))
            }
        };
    }
    let mut rows = Rows::open(path, format)?;
    let positions = Positions::new(&rows, names)?;
    let columns = positions.columns(&rows);
    let mut named = columns.iter().zip(&positions.values);
    if let Some((_, column)) = named.find(|(name, _)| is_missing(name)) {
        return Err(nameless_column(path, column + 1));
    }
    match orientation {
        Orientation::ReadoutRows => read_readout_rows(&mut rows, &columns, &positions, wanted),
        Orientation::PerturbationRows => {
            refuse_repeated(path, &columns, false)?;
            let kept = wanted.readout_positions(&columns);
            let is_wanted = |name: &str| wanted.wants(name);
            let body = Body::read(&mut rows, columns.len(), &positions.only(&kept), is_wanted)?;
            let left_out =
                LeftOut { samples: body.n_left_out, readouts: columns.len() - kept.len() };
            let measurements =
                Measurements::dense(body.names, chosen(&columns, &kept), body.values);
            Ok(measurements.with_left_out(left_out))
        }
    }
}

/// Reads rows of readouts; `positions` are those of the samples' values.
pub(super) fn read_readout_rows(
    rows: &mut Rows,
    samples: &[String],
    positions: &Positions,
    wanted: Wanted<'_>,
) -> Result<Measurements> {
    let kept = wanted.sample_positions(samples);
    let body = Body::read(rows, samples.len(), &positions.only(&kept), wanted.readout)?;
    if positions.other_name.is_none() {
        refuse_repeated(rows.path(), &body.names, true)?;
    }
    let left_out = LeftOut { samples: samples.len() - kept.len(), readouts: body.n_left_out };
    let values = transposed(&body.values, body.names.len(), kept.len());
    let measurements = Measurements::dense(chosen(samples, &kept), body.names, values);
    Ok(measurements.with_left_out(left_out))
}

fn chosen(names: &[String], positions: &[usize]) -> Vec<String> {
    positions.iter().filter_map(|at| names.get(*at)).cloned().collect()
}

/// The rows of a matrix that are wanted, less the columns that are not.
struct Body {
    names: Vec<String>,
    values: Vec<f32>,
    n_left_out: usize,
}

impl Body {
    /// Reads all rows of a matrix of so many columns.
    fn read(
        rows: &mut Rows,
        n_columns: usize,
        positions: &Positions,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Self> {
        let mut body = Self { names: Vec::new(), values: Vec::new(), n_left_out: 0 };
        while body.read_row(rows, positions, &is_wanted)? {}
        let n_rows = body.names.len() + body.n_left_out;
        if n_rows == 0 || n_columns == 0 {
            return Err(empty_matrix(rows.path(), n_rows, n_columns));
        }
        Ok(body)
    }

    /// Appends one row's name and values; false after the last row.
    fn read_row(
        &mut self,
        rows: &mut Rows,
        positions: &Positions,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<bool> {
        let Some(record) = rows.next_record()? else { return Ok(false) };
        let name = record.get(positions.name).unwrap_or_default();
        let other = positions.other_name.and_then(|at| record.get(at));
        let name = other.filter(|other| !is_missing_bytes(other)).unwrap_or(name);
        let name = String::from_utf8_lossy(name).trim().to_owned();
        if is_missing(&name) {
            let advice = "name the row or remove it";
            return Err(rows.refuse(Some(positions.name), "a name", format!("`{name}`"), advice));
        }
        if !is_wanted(&name) {
            self.n_left_out += 1;
            return Ok(true);
        }
        let mut bad = None;
        for column in positions.values.iter().copied() {
            let bytes = record.get(column).unwrap_or_default();
            match parse_cell(bytes) {
                Cell::Number(value) => self.values.push(value),
                Cell::Missing => self.values.push(f32::NAN),
                cell => {
                    bad = Some((column, cell, String::from_utf8_lossy(bytes).into_owned()));
                    break;
                }
            }
        }
        if let Some((column, cell, text)) = bad {
            return Err(bad_cell(rows, column, cell, &text));
        }
        self.names.push(name);
        Ok(true)
    }
}

pub(super) fn bad_cell(rows: &Rows, column: usize, cell: Cell, text: &str) -> Error {
    let advice = "correct the cell, or leave it empty if nothing was measured";
    bad_number(rows, column, cell, text, advice)
}

/// Says what is wrong with a cell that must be a number, and what to do.
pub(super) fn bad_number(
    rows: &Rows,
    column: usize,
    cell: Cell,
    text: &str,
    advice: &str,
) -> Error {
    let expected = if cell == Cell::Infinite { "a finite number" } else { "a number" };
    rows.refuse(Some(column), expected, format!("`{}`", text.trim()), advice)
}

fn empty_matrix(path: &Path, n_rows: usize, n_columns: usize) -> Error {
    whole_file(
        path,
        "a matrix with named rows and columns",
        format!("{n_rows} rows and {n_columns} columns of values"),
        "check the file and its separator (comma, tab or semicolon)",
    )
}

fn nameless_column(path: &Path, column: usize) -> Error {
    Error::Table {
        path: path.to_path_buf(),
        line: Some(1),
        column: Some(column.to_string()),
        expected: "a name".into(),
        received: "a header that is empty or says `nan`".into(),
        advice: "name the column or remove it".into(),
    }
}

/// Refuses a readout that occurs twice: nothing could say which of its values is meant.
pub(super) fn refuse_repeated(path: &Path, readouts: &[String], are_rows: bool) -> Result<()> {
    let mut first = HashMap::with_capacity(readouts.len());
    for (position, name) in readouts.iter().enumerate() {
        let Some(earlier) = first.insert(name, position) else { continue };
        let place = if are_rows { "row" } else { "column" };
        return Err(Error::Table {
            path: path.to_path_buf(),
            line: None,
            column: (!are_rows).then(|| name.clone()),
            expected: "each readout once".into(),
            received: format!("`{name}` as {place} {} and {}", earlier + 1, position + 1),
            advice: "remove or rename one of them".into(),
        });
    }
    Ok(())
}

/// Returns the transpose of a row-major matrix, tile by tile so that both sides stay in the cache.
fn transposed(values: &[f32], n_rows: usize, n_columns: usize) -> Vec<f32> {
    const TILE: usize = 64;
    let mut turned = vec![0.0; values.len()];
    for row_tile in (0..n_rows).step_by(TILE) {
        for column_tile in (0..n_columns).step_by(TILE) {
            for row in row_tile..n_rows.min(row_tile + TILE) {
                for column in column_tile..n_columns.min(column_tile + TILE) {
                    turned[column * n_rows + row] = values[row * n_columns + column];
                }
            }
        }
    }
    turned
}
