use super::file::H5adFile;
use crate::error::Result;
use crate::table::sample::{ChosenReadouts, SampleRow, SampleValues};
use crate::table::wanted::LeftOut;

/// The samples and readouts of an AnnData file that are wanted.
pub struct H5adSelection {
    file: H5adFile,
    /// The rows of the samples, in the order in which they are read.
    pub samples: Vec<usize>,
    /// The names of the readouts.
    pub readout_names: Vec<String>,
    /// What was not wanted.
    pub left_out: LeftOut,
    /// The place of each column among the wanted readouts.
    places: Vec<Option<u32>>,
}

impl H5adSelection {
    pub(super) fn new(
        file: H5adFile,
        samples: Vec<usize>,
        readouts: &[usize],
        left_out: LeftOut,
    ) -> Self {
        let ChosenReadouts { names, places } = ChosenReadouts::new(&file.readouts, readouts);
        Self { file, samples, readout_names: names, left_out, places }
    }

    /// Calls `visit` for each sample; returns how many infinite values were taken for missing ones (z-scores of
    /// readouts that never vary, as in the files of Replogle et al. 2022).
    ///
    /// # Errors
    /// When the file is damaged; the first error of `visit`, which ends the reading.
    pub fn for_each_sample(
        &self,
        visit: impl FnMut(SampleValues<'_>) -> Result<()>,
    ) -> Result<u64> {
        let mut row = SampleRow::new(&self.places, self.readout_names.len(), visit);
        self.file.values.for_each_row(&self.samples, &mut row)?;
        Ok(row.n_infinite)
    }
}
