use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::measurements::Measurements;
use super::name::is_missing;
use super::number::{Cell, parse_cell};
use super::text::{Rows, TextFormat, whole_file};
use crate::error::{Error, Result};

/// Which way a wide matrix lies; its first column always holds the names of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Orientation {
    /// A row is a readout, a column a perturbation.
    ReadoutRows,
    /// A row is a perturbation, a column a readout.
    PerturbationRows,
}

/// Reads a wide matrix of numbers with named rows and columns.
///
/// # Errors
/// Names file, line and column of a cell that is no number or infinite, of a nameless row or
/// column, and of a readout that occurs twice; refuses a matrix without rows or columns.
///
/// # Examples
/// ```
/// use phenocopy::table::{Orientation, TextFormat, read_matrix};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("screen.tsv");
/// std::fs::write(&path, "line\tBRAF\tMDM2\nA375\t-1.5\t\nMCF7\t0\t-2\n").unwrap();
/// let screen = read_matrix(&path, TextFormat::Detect, Orientation::ReadoutRows)?;
/// assert_eq!(screen.perturbations, ["BRAF", "MDM2"]);
/// assert_eq!(screen.readouts, ["A375", "MCF7"]);
/// assert_eq!(screen.n_values(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_matrix(
    path: &Path,
    format: TextFormat,
    orientation: Orientation,
) -> Result<Measurements> {
    let mut rows = Rows::open(path, format)?;
    let columns: Vec<String> = rows.header().iter().skip(1).cloned().collect();
    let mut names = Vec::new();
    let mut values: Vec<f32> = Vec::new();
    while read_row(&mut rows, &mut names, &mut values)? {}
    if names.is_empty() || columns.is_empty() {
        return Err(empty_matrix(path, names.len(), columns.len()));
    }
    if let Some(column) = columns.iter().position(|name| is_missing(name)) {
        return Err(nameless_column(path, column + 2));
    }
    let readouts_are_rows = orientation == Orientation::ReadoutRows;
    refuse_repeated(path, if readouts_are_rows { &names } else { &columns }, readouts_are_rows)?;
    Ok(if readouts_are_rows {
        let values = transposed(&values, names.len(), columns.len());
        Measurements::dense(columns, names, values)
    } else {
        Measurements::dense(names, columns, values)
    })
}

/// Appends one row's name and values; false after the last row.
fn read_row(rows: &mut Rows, names: &mut Vec<String>, values: &mut Vec<f32>) -> Result<bool> {
    let Some(record) = rows.next_record()? else { return Ok(false) };
    let name = String::from_utf8_lossy(record.get(0).unwrap_or_default()).trim().to_owned();
    let mut bad = None;
    for (column, bytes) in record.iter().enumerate().skip(1) {
        match parse_cell(bytes) {
            Cell::Number(value) => values.push(value),
            Cell::Missing => values.push(f32::NAN),
            cell => {
                bad = Some((column, cell, String::from_utf8_lossy(bytes).into_owned()));
                break;
            }
        }
    }
    if let Some((column, cell, text)) = bad {
        return Err(bad_cell(rows, column, cell, &text));
    }
    if is_missing(&name) {
        let advice = "name the row or remove it";
        return Err(rows.refuse(Some(0), "a name", format!("`{name}`"), advice));
    }
    names.push(name);
    Ok(true)
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
fn refuse_repeated(path: &Path, readouts: &[String], are_rows: bool) -> Result<()> {
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
