use std::ops::Range;
use std::path::{Path, PathBuf};

use hdf5_reader::{Dataset, Datatype, Hdf5File, SliceInfo, SliceInfoElem};

use super::number::is_minus_666;
use super::text::whole_file;
use crate::error::{Error, Result};

/// An HDF5 file: the only place that knows the crate which reads it. Nothing is held but what is asked for.
pub(super) struct Hdf5 {
    path: PathBuf,
    file: Hdf5File,
}

/// A two-dimensional dataset of floating-point numbers.
pub(super) struct Hdf5Matrix {
    path: PathBuf,
    dataset: Dataset,
    /// Rows and columns, as stored.
    pub(super) shape: [usize; 2],
    /// Rows and columns of a chunk, where it is stored in chunks.
    pub(super) chunk: Option<[usize; 2]>,
}

impl Hdf5 {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read, is no HDF5, or ends too early.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = Hdf5File::open(path).map_err(|error| hdf5_error(path, "the file", error))?;
        let (end, length) = (file.superblock().eof_address, file.storage().len());
        if length < end {
            let received = format!("{length} bytes of {end}");
            let advice = "fetch or write the file again";
            return Err(whole_file(path, "a whole HDF5 file", received, advice));
        }
        Ok(Self { path: path.to_path_buf(), file })
    }

    /// Returns the names of a group's datasets.
    pub(super) fn columns(&self, group: &str) -> Result<Vec<String>> {
        let names = self.file.group(group).and_then(|group| group.member_names());
        names.map(|(_, datasets)| datasets).map_err(|error| hdf5_error(&self.path, group, error))
    }

    /// Returns a dataset of strings (of fixed or variable length) or numbers as texts, blanks trimmed.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>> {
        let refuse = |error| hdf5_error(&self.path, name, error);
        let dataset = self.file.dataset(name).map_err(refuse)?;
        let texts = match *dataset.dtype() {
            Datatype::FloatingPoint { size: 4, .. } => texts::<f32>(&dataset),
            Datatype::FloatingPoint { .. } => texts::<f64>(&dataset),
            Datatype::FixedPoint { size: 1, signed: true, .. } => texts::<i8>(&dataset),
            Datatype::FixedPoint { size: 2, signed: true, .. } => texts::<i16>(&dataset),
            Datatype::FixedPoint { size: 4, signed: true, .. } => texts::<i32>(&dataset),
            Datatype::FixedPoint { signed: true, .. } => texts::<i64>(&dataset),
            Datatype::FixedPoint { size: 1, .. } => texts::<u8>(&dataset),
            Datatype::FixedPoint { size: 2, .. } => texts::<u16>(&dataset),
            Datatype::FixedPoint { size: 4, .. } => texts::<u32>(&dataset),
            Datatype::FixedPoint { .. } => texts::<u64>(&dataset),
            _ => dataset.read_strings(),
        };
        let trimmed = |text: String| text.trim_matches([' ', '\0', '\t', '\r', '\n']).to_owned();
        texts.map(|texts| texts.into_iter().map(trimmed).collect()).map_err(refuse)
    }

    /// Returns a matrix, whose values are read when they are asked for.
    pub(super) fn matrix(&self, name: &str) -> Result<Hdf5Matrix> {
        let refuse = |error| hdf5_error(&self.path, name, error);
        let dataset = self.file.dataset(name).map_err(refuse)?;
        let is_number = matches!(dataset.dtype(), Datatype::FloatingPoint { size: 4 | 8, .. });
        let &[n_rows, n_columns] = dataset.shape() else {
            let received = format!("{} dimensions", dataset.ndim());
            return Err(whole_file(&self.path, format!("a matrix `{name}`"), received, REWRITE));
        };
        if !is_number {
            let received = format!("{:?}", dataset.dtype());
            let expected = format!("numbers of 4 or 8 bytes in `{name}`");
            return Err(whole_file(&self.path, expected, received, REWRITE));
        }
        let chunk = match dataset.chunks().as_deref() {
            Some(&[rows, columns]) => Some([rows as usize, columns as usize]),
            _ => None,
        };
        let shape = [n_rows as usize, n_columns as usize];
        Ok(Hdf5Matrix { path: self.path.clone(), dataset, shape, chunk })
    }
}

/// Reads a dataset's numbers as texts.
fn texts<T: hdf5_reader::H5Type + ToString>(
    dataset: &Dataset,
) -> hdf5_reader::error::Result<Vec<String>> {
    Ok(dataset.read_array::<T>()?.iter().map(ToString::to_string).collect())
}

impl Hdf5Matrix {
    /// Reads some columns (sorted) of a range of rows, row after row; NaN for missing.
    ///
    /// # Errors
    /// When the file is damaged there, or a value is infinite.
    pub(super) fn read(&self, rows: Range<usize>, columns: &[usize]) -> Result<Vec<f32>> {
        let values = match self.dataset.dtype() {
            Datatype::FloatingPoint { size: 4, .. } => self.gather::<f32>(&rows, columns),
            _ => self
                .gather::<f64>(&rows, columns)
                .map(|values| values.into_iter().map(|value| value as f32).collect()),
        };
        let mut values = values.map_err(|error| hdf5_error(&self.path, "the matrix", error))?;
        for (at, value) in values.iter_mut().enumerate() {
            if is_minus_666(*value) {
                *value = f32::NAN;
            } else if value.is_infinite() {
                let row = rows.start + at / columns.len().max(1) + 1;
                let received = format!("{value} in row {row} of the matrix");
                let advice = "write missing values as NaN";
                return Err(whole_file(&self.path, "finite numbers", received, advice));
            }
        }
        Ok(values)
    }

    fn gather<T: hdf5_reader::H5Type + Copy>(
        &self,
        rows: &Range<usize>,
        columns: &[usize],
    ) -> hdf5_reader::error::Result<Vec<T>> {
        let range = (rows.start as u64, rows.end as u64, 1);
        let wanted: Vec<u64> = columns.iter().map(|column| *column as u64).collect();
        if let Some(values) =
            self.dataset.read_rows_columns_chunked_parallel::<T>(range, &wanted)?
        {
            return Ok(values.iter().copied().collect());
        }
        let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else {
            return Ok(Vec::new());
        };
        let slice = |start, end| SliceInfoElem::Slice { start, end, step: 1 };
        let selections = vec![slice(range.0, range.1), slice(*first, last + 1)];
        let block = self.dataset.read_slice::<T>(&SliceInfo { selections })?;
        let offsets: Vec<usize> = wanted.iter().map(|column| (column - first) as usize).collect();
        let picked = block.rows().into_iter().flat_map(|row| {
            offsets.iter().filter_map(move |at| row.get(*at).copied()).collect::<Vec<T>>()
        });
        Ok(picked.collect())
    }
}

const REWRITE: &str = "write the file again, as cmapPy or h5py does";

/// Says what is wrong with a file, or with the part of it that was asked for.
fn hdf5_error(path: &Path, part: &str, error: hdf5_reader::error::Error) -> Error {
    use hdf5_reader::error::Error as E;
    match error {
        E::Io(source) => Error::io("read", path)(source),
        E::Context { source, .. } => hdf5_error(path, part, *source),
        E::InvalidMagic => {
            let advice = "correct the path or the `layout` in the recipe";
            whole_file(path, "an HDF5 file", "a file of another kind", advice)
        }
        E::DatasetNotFound(_) | E::GroupNotFound(_) => {
            let advice = "check that it is of this format";
            whole_file(path, format!("`{part}` in the file"), "none", advice)
        }
        E::UnsupportedFilter(filter) => {
            let advice = "write the file again with gzip compression";
            whole_file(path, "compression by gzip", filter, advice)
        }
        other => {
            let advice = "fetch or write the file again";
            let received = format!("a damaged or truncated one ({part}: {other})");
            whole_file(path, "a whole HDF5 file", received, advice)
        }
    }
}
