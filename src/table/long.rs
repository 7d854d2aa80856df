use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::filter::{RowFilter, Selection};
use super::matrix::bad_cell;
use super::measurements::{Duplicates, Measurements};
use super::name::is_missing;
use super::number::{Cell, parse_cell};
use super::text::TextFormat;
use super::text::{Rows, whole_file};
use super::wanted::{LeftOut, Wanted};
use crate::error::Result;

/// Which columns of a long table hold what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LongColumns {
    /// Column of the perturbation's name.
    pub perturbation: String,
    /// Column of the readout's name.
    pub readout: String,
    /// Column of the value.
    pub value: String,
}

/// Reads what is wanted of a long table: one row for each value. Rows without a value are left out; profiles and
/// readouts keep the order of their first appearance.
///
/// # Errors
/// Names file, line and column of a bad cell; with [`Duplicates::Error`] refuses a perturbation
/// that has two values at one readout; refuses a table in which no row is left.
pub fn read_long(
    path: &Path,
    format: TextFormat,
    columns: &LongColumns,
    filters: &[RowFilter],
    duplicates: Duplicates,
    wanted: Wanted<'_>,
) -> Result<Measurements> {
    let mut rows = Rows::open(path, format)?;
    let positions = [
        rows.column(&columns.perturbation)?,
        rows.column(&columns.readout)?,
        rows.column(&columns.value)?,
    ];
    let mut selection = Selection::new(rows.path(), rows.header(), filters)?;
    let mut builder = Builder::default();
    while builder.read_row(&mut rows, positions, &mut selection, wanted)? {}
    builder.finish(path, duplicates)
}

/// Names in the order of their first appearance.
#[derive(Default)]
struct Vocabulary {
    names: Vec<String>,
    /// None of names that are not wanted.
    positions: HashMap<String, Option<u32>>,
}

impl Vocabulary {
    fn position(&mut self, name: &str, is_wanted: impl Fn(&str) -> bool) -> Option<u32> {
        if let Some(position) = self.positions.get(name) {
            return *position;
        }
        let position = is_wanted(name).then_some(self.names.len() as u32);
        self.names.extend(position.map(|_| name.to_owned()));
        self.positions.insert(name.to_owned(), position);
        position
    }

    fn n_left_out(&self) -> usize {
        self.positions.len() - self.names.len()
    }
}

#[derive(Default)]
struct Builder {
    perturbations: Vocabulary,
    readouts: Vocabulary,
    rows: Vec<Vec<(u32, f32)>>,
}

impl Builder {
    fn read_row(
        &mut self,
        rows: &mut Rows,
        positions: [usize; 3],
        selection: &mut Selection,
        wanted: Wanted<'_>,
    ) -> Result<bool> {
        let Some(record) = rows.next_record()? else { return Ok(false) };
        match selection.keeps(|column| record.get(column).unwrap_or_default()) {
            Ok(true) => {}
            Ok(false) => return Ok(true),
            Err(incomparable) => return Err(incomparable.refuse(rows)),
        }
        let [perturbation, readout, value] =
            positions.map(|column| record.get(column).unwrap_or_default());
        let value = match parse_cell(value) {
            Cell::Number(value) => value,
            Cell::Missing => return Ok(true),
            cell => {
                let text = String::from_utf8_lossy(value).into_owned();
                return Err(bad_cell(rows, positions[2], cell, &text));
            }
        };
        let names = [perturbation, readout].map(|name| String::from_utf8_lossy(name).into_owned());
        for (name, column) in names.iter().zip(positions) {
            if is_missing(name) {
                let advice = "name it or remove the row";
                return Err(rows.refuse(Some(column), "a name", format!("`{name}`"), advice));
            }
        }
        let perturbation = self.perturbations.position(names[0].trim(), |name| wanted.wants(name));
        let readout = self.readouts.position(names[1].trim(), wanted.readout);
        if let Some((perturbation, readout)) = perturbation.zip(readout) {
            self.push(perturbation as usize, readout, value);
        }
        Ok(true)
    }

    fn push(&mut self, row: usize, readout: u32, value: f32) {
        // A perturbation whose readouts are all unwanted so far has a name and no row yet.
        self.rows.resize_with(self.rows.len().max(row + 1), Vec::new);
        if let Some(row) = self.rows.get_mut(row) {
            row.push((readout, value));
        }
    }

    fn finish(mut self, path: &Path, duplicates: Duplicates) -> Result<Measurements> {
        self.rows.resize_with(self.perturbations.names.len(), Vec::new);
        if self.perturbations.positions.is_empty() {
            return Err(whole_file(
                path,
                "rows with values",
                "none that pass the filters",
                "check the recipe's filters and columns",
            ));
        }
        for (profile, row) in self.rows.iter_mut().enumerate() {
            row.sort_by_key(|(readout, _)| *readout);
            let repeated = row.windows(2).find(|pair| pair[0].0 == pair[1].0).map(|pair| pair[0].0);
            if let (Some(readout), Duplicates::Error) = (repeated, duplicates) {
                let name = |names: &Vocabulary, i: usize| names.names.get(i).cloned();
                let perturbation = name(&self.perturbations, profile).unwrap_or_default();
                let readout = name(&self.readouts, readout as usize).unwrap_or_default();
                return Err(whole_file(
                    path,
                    "one value for each perturbation and readout",
                    format!("several for `{perturbation}` at `{readout}`"),
                    "filter the rows, or set `duplicates = \"mean\"` in the recipe",
                ));
            }
            *row = averaged(row);
        }
        let (samples, readouts) = (self.perturbations.n_left_out(), self.readouts.n_left_out());
        let left_out = LeftOut { samples, readouts };
        let all = Measurements::sparse(self.perturbations.names, self.readouts.names, self.rows);
        Ok(all.with_left_out(left_out))
    }
}

/// Returns sorted (readout, value) pairs with the mean of those that share a readout.
fn averaged(row: &[(u32, f32)]) -> Vec<(u32, f32)> {
    let mean = |same: &[(u32, f32)]| {
        let sum: f64 = same.iter().map(|(_, value)| f64::from(*value)).sum();
        (sum / same.len() as f64) as f32
    };
    row.chunk_by(|a, b| a.0 == b.0).map(|same| (same[0].0, mean(same))).collect()
}
