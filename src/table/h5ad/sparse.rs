use std::ops::Range;
use std::path::PathBuf;

use super::values::span;
use crate::error::{Error, Result};
use crate::table::hdf5::{Hdf5, Hdf5Array};
use crate::table::sample::Visit;
use crate::table::text::whole_file;

/// A sparse matrix: entries of one row (CSR) or column (CSC) after another.
pub(super) struct Sparse {
    path: PathBuf,
    pub(super) shape: [usize; 2],
    values: Hdf5Array,
    /// The column (CSR) or row (CSC) of each entry.
    indices: Hdf5Array,
    /// Where the entries of each row (CSR) or column (CSC) begin, and where the last end.
    starts: Vec<usize>,
}

/// Entries that are read at once.
const MOST_READ: usize = 1 << 22;
/// Entries of rows that are collected in one pass over a matrix that is stored by columns.
const MOST_COLLECTED: usize = 1 << 25;

impl Sparse {
    /// Opens a matrix whose axis `axis` has its entries together.
    ///
    /// # Errors
    /// When its parts do not fit together.
    pub(super) fn open(file: &Hdf5, group: &str, shape: [usize; 2], axis: usize) -> Result<Self> {
        let [values, indices, starts] =
            ["data", "indices", "indptr"].map(|part| file.array(&format!("{group}/{part}")));
        let (values, indices, starts) = (values?, indices?, starts?);
        let starts: Vec<usize> =
            starts.read(0..starts.length)?.into_iter().map(|start| start as usize).collect();
        let fits = Some(starts.len()) == shape[axis].checked_add(1)
            && starts.first() == Some(&0)
            && starts.is_sorted()
            && starts.last() == Some(&values.length)
            && values.length == indices.length;
        let sparse = Self { path: file.path().to_path_buf(), shape, values, indices, starts };
        if fits { Ok(sparse) } else { Err(sparse.inconsistent()) }
    }

    /// Reads the first values that are stored, at most so many.
    pub(super) fn read_first(&self, n_most: usize) -> Result<Vec<f32>> {
        let values = self.values.read(0..self.values.length.min(n_most))?;
        Ok(values.into_iter().map(|value| value as f32).collect())
    }

    /// Visits rows of a CSR matrix.
    pub(super) fn for_each_row(&self, rows: &[usize], visit: &mut impl Visit) -> Result<()> {
        let mut left = rows;
        while let Some((first, _)) = left.split_first() {
            let n_fitting =
                left.partition_point(|row| self.entries(*first..row + 1).len() <= MOST_READ);
            let (block, others) = left.split_at(n_fitting.max(1));
            left = others;
            let Some(range) = span(block).map(|rows| self.entries(rows)) else { continue };
            let (indices, values) = self.read(range.clone(), self.shape[1])?;
            for row in block {
                let of_row = self.entries(*row..row + 1);
                let of_row = of_row.start - range.start..of_row.end - range.start;
                let (columns, values) = (indices.get(of_row.clone()), values.get(of_row));
                let entries = columns.unwrap_or_default().iter().zip(values.unwrap_or_default());
                entries.for_each(|(column, value)| visit.value(*column as usize, *value));
                visit.end()?;
            }
        }
        Ok(())
    }

    /// Visits rows of a CSC matrix, in as many passes as their entries need.
    pub(super) fn for_each_row_by_columns(
        &self,
        rows: &[usize],
        visit: &mut impl Visit,
    ) -> Result<()> {
        let mut n_entries = vec![0_usize; self.shape[0]];
        self.for_each_entry(|row, _, _| n_entries[row] += 1)?;
        let mut left = rows;
        while !left.is_empty() {
            let mut n_collected = 0;
            let fits = |row: &&usize| {
                n_collected += n_entries[**row];
                n_collected <= MOST_COLLECTED
            };
            let n_fitting = left.iter().take_while(fits).count();
            let (block, others) = left.split_at(n_fitting.max(1));
            left = others;
            self.collect_rows(block, &n_entries, visit)?;
        }
        Ok(())
    }

    /// Visits some rows of a CSC matrix in one pass.
    fn collect_rows(
        &self,
        rows: &[usize],
        n_entries: &[usize],
        visit: &mut impl Visit,
    ) -> Result<()> {
        /// The place of a row that is not among them.
        const NOWHERE: usize = usize::MAX;
        let Some(range) = span(rows) else { return Ok(()) };
        let mut next = vec![NOWHERE; range.len()];
        let mut n_collected = 0;
        for row in rows {
            next[row - range.start] = n_collected;
            n_collected += n_entries[*row];
        }
        let mut entries = vec![(0_u32, 0.0_f32); n_collected];
        self.for_each_entry(|row, column, value| {
            let place = row.checked_sub(range.start).and_then(|at| next.get_mut(at));
            let Some(place) = place.filter(|place| **place != NOWHERE) else { return };
            if let Some(entry) = entries.get_mut(*place) {
                *entry = (column as u32, value);
                *place += 1;
            }
        })?;
        let mut start = 0;
        for row in rows {
            let of_row = &entries[start..start + n_entries[*row]];
            start += of_row.len();
            of_row.iter().for_each(|(column, value)| visit.value(*column as usize, *value));
            visit.end()?;
        }
        Ok(())
    }

    /// Calls `visit(row, column, value)` for each entry of a CSC matrix.
    fn for_each_entry(&self, mut visit: impl FnMut(usize, usize, f32)) -> Result<()> {
        let mut column = 0;
        for start in (0..self.values.length).step_by(MOST_READ) {
            let range = start..self.values.length.min(start + MOST_READ);
            let (rows, values) = self.read(range.clone(), self.shape[0])?;
            for (at, (row, value)) in range.zip(rows.iter().zip(&values)) {
                while self.starts.get(column + 1).is_some_and(|end| *end <= at) {
                    column += 1;
                }
                visit(*row as usize, column, *value);
            }
        }
        Ok(())
    }

    /// Returns where the entries of rows (CSR) or columns (CSC) lie.
    fn entries(&self, of: Range<usize>) -> Range<usize> {
        let start = |at: usize| self.starts.get(at).copied().unwrap_or(self.values.length);
        start(of.start)..start(of.end)
    }

    /// Reads entries, whose indices must be below a bound.
    fn read(&self, range: Range<usize>, bound: usize) -> Result<(Vec<u32>, Vec<f32>)> {
        let indices = self.indices.read(range.clone())?;
        if indices.iter().any(|index| !(0.0..bound as f64).contains(index)) {
            return Err(self.inconsistent());
        }
        let values = self.values.read(range)?;
        let indices = indices.into_iter().map(|index| index as u32).collect();
        Ok((indices, values.into_iter().map(|value| value as f32).collect()))
    }

    fn inconsistent(&self) -> Error {
        let [n_rows, n_columns] = self.shape;
        whole_file(
            &self.path,
            format!("the entries of a sparse matrix of {n_rows} × {n_columns}"),
            "others: its `indptr`, `indices` and `data` do not fit together",
            "fetch or write the file again",
        )
    }
}
