use std::collections::HashSet;
use std::path::Path;

use super::matrix::bad_number;
use super::name::is_missing;
use super::number::{Cell, parse_cell};
use super::text::TextFormat;
use super::text::{Rows, whole_file};
use crate::error::Result;

/// Features of perturbations or cell lines, such as structure fingerprints: a row of numbers per name.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureTable {
    /// What the rows are about, each name once.
    pub names: Vec<String>,
    /// The features' names.
    pub features: Vec<String>,
    /// `names.len() × features.len()`, finite.
    pub values: Vec<f32>,
}

impl FeatureTable {
    /// Returns the features of row `row`.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f32] {
        let n = self.features.len();
        self.values.get(row * n..(row + 1) * n).unwrap_or_default()
    }
}

/// Squares of larger numbers would leave the range of f32.
const LARGEST: f32 = 1e12;

/// Reads a table of features: names in the first column, numbers in all others or, of a Parquet file, in its column of
/// vectors.
///
/// # Errors
/// Names file, line and column of a cell that is no number or empty: a feature is known or the row is
/// of no use. Refuses a name that comes twice and a table without rows or features.
pub fn read_features(path: &Path) -> Result<FeatureTable> {
    let mut rows = Rows::open(path, TextFormat::Detect)?;
    let values = rows.vector().unwrap_or(1..rows.header().len());
    let features: Vec<String> = rows.header().get(values.clone()).unwrap_or_default().to_vec();
    let mut table = FeatureTable { names: Vec::new(), features, values: Vec::new() };
    let mut seen: HashSet<String> = HashSet::new();
    while let Some(record) = rows.next_record()? {
        let cells: Vec<Vec<u8>> = record.iter().map(<[u8]>::to_vec).collect();
        let name = cells
            .first()
            .map_or_else(String::new, |cell| String::from_utf8_lossy(cell).trim().to_owned());
        if is_missing(&name) {
            let advice = "name it or remove the row";
            return Err(rows.refuse(Some(0), "a name", format!("`{name}`"), advice));
        }
        if !seen.insert(name.clone()) {
            let advice = "keep one row for each name";
            return Err(rows.refuse(Some(0), "each name once", format!("`{name}` again"), advice));
        }
        for (column, cell) in cells.iter().enumerate().filter(|(at, _)| values.contains(at)) {
            match parse_cell(cell) {
                Cell::Number(number) if number.abs() <= LARGEST => table.values.push(number),
                Cell::Number(number) => {
                    let expected = "a number of at most 1e12";
                    let advice = "scale the feature";
                    return Err(rows.refuse(Some(column), expected, format!("{number:e}"), advice));
                }
                bad => {
                    let advice = "every feature must be known: complete the row or remove it";
                    let text = String::from_utf8_lossy(cell);
                    return Err(bad_number(&rows, column, bad, &text, advice));
                }
            }
        }
        table.names.push(name);
    }
    if table.names.is_empty() || table.features.is_empty() {
        return Err(whole_file(
            path,
            "a column of names, columns of numbers, and rows",
            format!("{} rows of {} features", table.names.len(), table.features.len()),
            "check that the file was written completely",
        ));
    }
    Ok(table)
}
