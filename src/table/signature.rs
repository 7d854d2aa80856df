use std::collections::HashMap;
use std::path::Path;

use super::matrix::bad_cell;
use super::name::is_missing;
use super::number::{Cell, parse_cell};
use super::text::{Rows, TextFormat, whole_file};
use crate::error::{Error, Result};

/// Names that users give the two columns of a signature.
const READOUT_COLUMNS: [&str; 10] = [
    "readout",
    "gene",
    "gene_symbol",
    "symbol",
    "cell_line",
    "ModelID",
    "model",
    "depmap_id",
    "name",
    "id",
];
const VALUE_COLUMNS: [&str; 8] =
    ["value", "score", "z", "zscore", "z_score", "logFC", "log2FoldChange", "effect"];

/// A signature as a file holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct SignatureTable {
    /// Readouts and their values, in the order of their first appearance; the mean where one comes
    /// several times.
    pub values: Vec<(String, f32)>,
    /// Rows that were averaged with an earlier one.
    pub n_averaged: usize,
    /// Rows without a value.
    pub n_missing: usize,
}

/// Reads a signature: a table with a column of readouts and a column of values, found by their names
/// or, in a table of two columns, by their order.
///
/// # Errors
/// When the columns cannot be told, a value is no number, or no row has one.
pub fn read_signature(path: &Path) -> Result<SignatureTable> {
    let mut rows = Rows::open(path, TextFormat::Detect)?;
    let (readout, value) = columns(&rows)?;
    let mut positions: HashMap<String, usize> = HashMap::new();
    let mut sums: Vec<(String, f64, u32)> = Vec::new();
    let (mut n_averaged, mut n_missing) = (0, 0);
    while let Some(record) = rows.next_record()? {
        let cell = record.get(value).unwrap_or_default().to_vec();
        let name = String::from_utf8_lossy(record.get(readout).unwrap_or_default());
        let name = name.trim().to_owned();
        let number = match parse_cell(&cell) {
            Cell::Number(number) => number,
            Cell::Missing => {
                n_missing += 1;
                continue;
            }
            bad => {
                return Err(bad_cell(&rows, value, bad, &String::from_utf8_lossy(&cell)));
            }
        };
        if is_missing(&name) {
            let advice = "name it or remove the row";
            return Err(rows.refuse(Some(readout), "a readout", format!("`{name}`"), advice));
        }
        match positions.get(&name).and_then(|at| sums.get_mut(*at)) {
            Some((_, sum, n)) => {
                (*sum, *n) = (*sum + f64::from(number), *n + 1);
                n_averaged += 1;
            }
            None => {
                positions.insert(name.clone(), sums.len());
                sums.push((name, f64::from(number), 1));
            }
        }
    }
    if sums.is_empty() {
        return Err(whole_file(
            path,
            "rows of a readout and its value",
            "none with a value",
            "check that the file was written completely",
        ));
    }
    let mean = |(name, sum, n): (String, f64, u32)| (name, (sum / f64::from(n)) as f32);
    Ok(SignatureTable { values: sums.into_iter().map(mean).collect(), n_averaged, n_missing })
}

fn columns(rows: &Rows) -> Result<(usize, usize)> {
    let find = |names: &[&str]| {
        let is_one = |column: &String| names.iter().any(|name| column.eq_ignore_ascii_case(name));
        rows.header().iter().position(is_one)
    };
    match (find(&READOUT_COLUMNS), find(&VALUE_COLUMNS), rows.header().len()) {
        (Some(readout), Some(value), _) if readout != value => Ok((readout, value)),
        (_, _, 2) => Ok((0, 1)),
        _ => Err(Error::Table {
            path: rows.path().to_path_buf(),
            line: Some(1),
            column: None,
            expected: "two columns, or one named `readout` and one named `value`".to_owned(),
            received: format!("{} columns: {}", rows.header().len(), rows.header().join(", ")),
            advice: "rename the columns, or keep only the two".to_owned(),
        }),
    }
}
