use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use npyz::{NpyFile, Order};

use crate::error::{Error, Result};
use crate::table::measurements::Measurements;
use crate::table::text::TextFormat;
use crate::table::text::{Rows, whole_file};
use crate::table::wanted::{LeftOut, Wanted};

/// The first bytes of NumPy's format.
const MAGIC: &[u8] = b"\x93NUMPY";

/// Returns whether a file is a NumPy array, by its first bytes.
///
/// # Errors
/// When it cannot be read.
pub(in crate::table) fn is_npy(path: &Path) -> Result<bool> {
    // A pipe would lose what is read of it here.
    if !path.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Ok(false);
    }
    let mut start = Vec::with_capacity(MAGIC.len());
    let file = File::open(path).map_err(Error::io("read", path))?;
    file.take(MAGIC.len() as u64).read_to_end(&mut start).map_err(Error::io("read", path))?;
    Ok(start == MAGIC)
}

/// Reads a matrix of f32 or f64 whose rows are named by the first column of a table beside it: `X.ids.tsv` for `X.npy`,
/// or `ids.tsv`. Columns are called `d0`, `d1`, … and hold the readouts.
///
/// # Errors
/// When it is no matrix of floating-point numbers, is cut off, or the table does not name as many rows.
pub(in crate::table) fn read_npy(path: &Path, wanted: Wanted<'_>) -> Result<Measurements> {
    let file = BufReader::new(File::open(path).map_err(Error::io("read", path))?);
    let npy = NpyFile::new(file).map_err(|error| damaged(path, &error.to_string()))?;
    let (&[n_rows, n_columns], Order::C) = (npy.shape(), npy.order()) else {
        let received = format!("an array of shape {:?} in {:?} order", npy.shape(), npy.order());
        let advice = "save `numpy.ascontiguousarray(matrix)`, a row for each perturbation";
        return Err(whole_file(path, "a matrix in C order", received, advice));
    };
    let (n_rows, n_columns) = (n_rows as usize, n_columns as usize);
    let names = read_names(path, n_rows)?;
    let readouts: Vec<String> = (0..n_columns).map(|column| format!("d{column}")).collect();
    let kept = wanted.readout_positions(&readouts);
    let (mut perturbations, mut values) = (Vec::new(), Vec::new());
    for_each_row(path, npy, n_columns, |at, row| {
        let Some(name) = names.get(at).filter(|name| wanted.wants(name)) else { return };
        perturbations.push(name.clone());
        values.extend(kept.iter().map(|column| row[*column]));
    })?;
    let left_out =
        LeftOut { samples: n_rows - perturbations.len(), readouts: n_columns - kept.len() };
    let readouts = kept.into_iter().map(|column| readouts[column].clone()).collect();
    Ok(Measurements::dense(perturbations, readouts, values).with_left_out(left_out))
}

fn for_each_row(
    path: &Path,
    npy: NpyFile<impl BufRead>,
    n_columns: usize,
    mut visit: impl FnMut(usize, &[f32]),
) -> Result<()> {
    let mut row = Vec::with_capacity(n_columns);
    let mut take = |at: usize, value: std::io::Result<f32>| {
        let value = value.map_err(|error| damaged(path, &error.to_string()))?;
        if value.is_infinite() {
            let (line, column) = (at / n_columns, at % n_columns);
            let received = format!("an infinite number in row {line}, column {column} (from 0)");
            let advice = "leave NaN where nothing was measured";
            return Err(whole_file(path, "finite numbers", received, advice));
        }
        row.push(value);
        if row.len() == n_columns {
            visit(at / n_columns, &row);
            row.clear();
        }
        Ok(())
    };
    let dtype = npy.dtype().descr();
    if let Ok(values) = npy.try_data::<f32>() {
        values.enumerate().try_for_each(|(at, value)| take(at, value))
    } else {
        let file = BufReader::new(File::open(path).map_err(Error::io("read", path))?);
        let npy = NpyFile::new(file).map_err(|error| damaged(path, &error.to_string()))?;
        let Ok(values) = npy.try_data::<f64>() else {
            let advice = "save `matrix.astype(\"float32\")`";
            return Err(whole_file(path, "numbers of type f4 or f8", dtype, advice));
        };
        values.enumerate().try_for_each(|(at, value)| take(at, value.map(|value| value as f32)))
    }
}

/// The table that names the rows.
fn names_file(path: &Path) -> PathBuf {
    let own = path.with_extension("ids.tsv");
    if own.exists() { own } else { path.with_file_name("ids.tsv") }
}

fn read_names(path: &Path, n_rows: usize) -> Result<Vec<String>> {
    let file = names_file(path);
    let mut rows = Rows::open(&file, TextFormat::Detect)?;
    let mut names = Vec::with_capacity(n_rows);
    while let Some(cells) = rows.next_row()? {
        names.extend(cells.into_iter().next());
    }
    if names.len() == n_rows {
        return Ok(names);
    }
    let expected = format!("a header and {n_rows} rows, one for each row of `{}`", path.display());
    Err(whole_file(&file, expected, format!("{} rows", names.len()), "write both files anew"))
}

fn damaged(path: &Path, problem: &str) -> Error {
    whole_file(path, "a whole NumPy array", problem, "check that the file was written completely")
}
