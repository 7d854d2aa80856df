use std::ops::Range;
use std::path::{Path, PathBuf};

use hdf5_reader::{Dataset, SliceInfo, SliceInfoElem};

use super::element::{for_element, is_number};
use super::error::{REWRITE, hdf5_error, refuse_other_than};
use crate::error::Result;
use crate::table::text::whole_file;

/// A one-dimensional dataset of numbers.
pub(in crate::table) struct Hdf5Array {
    path: PathBuf,
    name: String,
    dataset: Dataset,
    pub(in crate::table) length: usize,
}

impl Hdf5Array {
    pub(super) fn new(path: &Path, name: &str, dataset: Dataset) -> Result<Self> {
        let &[length] = dataset.shape() else {
            let received = format!("{} dimensions", dataset.ndim());
            return Err(whole_file(path, format!("one dimension in `{name}`"), received, REWRITE));
        };
        if !is_number(dataset.dtype()) {
            let received = format!("{:?}", dataset.dtype());
            return Err(whole_file(path, format!("numbers in `{name}`"), received, REWRITE));
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        Ok(Self { path: path.to_path_buf(), name: name.to_owned(), dataset, length })
    }

    /// Reads a range; whole numbers above 2^53 lose their last digits.
    ///
    /// # Errors
    /// When the file is damaged there, or ends before.
    pub(in crate::table) fn read(&self, range: Range<usize>) -> Result<Vec<f64>> {
        let n_values = range.len();
        let (start, end) = (range.start as u64, range.end as u64);
        let selections = vec![SliceInfoElem::Slice { start, end, step: 1 }];
        let slice = SliceInfo { selections };
        #[allow(clippy::unnecessary_cast, clippy::cast_lossless, reason = "one line for ten types")]
        let values = for_element!(self.dataset.dtype(), Element => {
            let values = self.dataset.read_slice::<Element>(&slice);
            values.map(|values| values.iter().map(|value| *value as f64).collect::<Vec<_>>())
        }, else Ok(Vec::new()));
        let values = values.map_err(|error| hdf5_error(&self.path, &self.name, error))?;
        refuse_other_than(&self.path, &self.name, n_values, values.len())?;
        Ok(values)
    }
}
