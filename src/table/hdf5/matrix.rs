use std::ops::Range;
use std::path::{Path, PathBuf};

use hdf5_reader::{Dataset, H5Type, SliceInfo, SliceInfoElem};

use super::element::{for_element, is_number};
use super::error::{REWRITE, hdf5_error, refuse_other_than};
use crate::error::Result;
use crate::table::text::whole_file;

/// A two-dimensional dataset of numbers.
pub(in crate::table) struct Hdf5Matrix {
    path: PathBuf,
    name: String,
    dataset: Dataset,
    /// Rows and columns, as stored.
    pub(in crate::table) shape: [usize; 2],
    /// Rows and columns of a chunk, where it is stored in chunks.
    pub(in crate::table) chunk: Option<[usize; 2]>,
}

impl Hdf5Matrix {
    pub(super) fn new(path: &Path, name: &str, dataset: Dataset) -> Result<Self> {
        let &[n_rows, n_columns] = dataset.shape() else {
            let received = format!("{} dimensions", dataset.ndim());
            return Err(whole_file(path, format!("a matrix `{name}`"), received, REWRITE));
        };
        if !is_number(dataset.dtype()) {
            let received = format!("{:?}", dataset.dtype());
            let expected = format!("numbers of 1 to 8 bytes in `{name}`");
            return Err(whole_file(path, expected, received, REWRITE));
        }
        let chunk = match dataset.chunks().as_deref() {
            Some(&[rows, columns]) => Some([rows as usize, columns as usize]),
            _ => None,
        };
        let shape = [n_rows as usize, n_columns as usize];
        Ok(Self { path: path.to_path_buf(), name: name.to_owned(), dataset, shape, chunk })
    }

    /// Returns how many neighbouring rows (axis 0) or columns (1) are read at once, where `held` values of each are:
    /// whole chunks, within a bound of memory.
    pub(in crate::table) fn block(&self, axis: usize, held: usize) -> usize {
        /// Values of a block; three such blocks are held at a time.
        const MOST_VALUES: usize = 1 << 21;
        let most = (MOST_VALUES / held.max(1)).max(1);
        let chunk = self.chunk.map_or(1, |chunk| chunk[axis]).clamp(1, most);
        most / chunk * chunk
    }

    /// Reads some columns (sorted) of a range of rows as they are stored, row after row.
    ///
    /// # Errors
    /// When the file is damaged there, or ends before.
    pub(in crate::table) fn read(&self, rows: Range<usize>, columns: &[usize]) -> Result<Vec<f32>> {
        #[allow(clippy::unnecessary_cast, clippy::cast_lossless, reason = "one line for ten types")]
        let values = for_element!(self.dataset.dtype(), Element => {
            let values = self.gather::<Element>(&rows, columns);
            values.map(|values| values.into_iter().map(|value| value as f32).collect::<Vec<_>>())
        }, else Ok(Vec::new()));
        let values = values.map_err(|error| hdf5_error(&self.path, &self.name, error))?;
        refuse_other_than(&self.path, &self.name, rows.len() * columns.len(), values.len())?;
        Ok(values)
    }

    fn gather<T: H5Type + Copy>(
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

#[cfg(test)]
mod tests {
    use crate::table::hdf5::Hdf5;

    #[test]
    fn what_a_matrix_does_not_hold_is_not_read() {
        for name in ["cmappy.gctx", "variable-strings.gctx", "readout-rows.gctx"] {
            let path = format!("{}/tests/fixtures/formats/{name}", env!("CARGO_MANIFEST_DIR"));
            let matrix = Hdf5::open(path.as_ref()).unwrap().matrix("/0/DATA/0/matrix").unwrap();
            let [n_rows, n_columns] = matrix.shape;
            assert_eq!(matrix.read(4..n_rows, &[0, 4]).unwrap().len(), 2 * (n_rows - 4), "{name}");
            assert!(matrix.read(4..n_rows + 1, &[0, 4]).is_err(), "{name}: rows");
            assert!(matrix.read(4..n_rows, &[0, n_columns]).is_err(), "{name}: columns");
        }
    }
}
