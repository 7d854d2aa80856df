use super::file::H5adFile;
use super::values::Visit;
use crate::error::Result;
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

/// A sample as it is read.
#[derive(Debug, Clone, Copy)]
pub struct SampleValues<'a> {
    /// Its place in [`H5adSelection::samples`].
    pub place: usize,
    /// A value for each wanted readout, NaN for missing.
    pub values: &'a [f32],
    /// The sum of the finite values of all readouts, wanted or not; NaN where only those that are wanted are read.
    pub total: f64,
    /// A value of any readout, wanted or not, that is no count: a negative one if there is any, else NaN or infinity.
    pub odd: Option<f32>,
}

impl H5adSelection {
    pub(super) fn new(
        file: H5adFile,
        samples: Vec<usize>,
        readouts: &[usize],
        left_out: LeftOut,
    ) -> Self {
        let mut places = vec![None; file.readouts.len()];
        let mut readout_names = Vec::with_capacity(readouts.len());
        for column in readouts {
            places[*column] = Some(readout_names.len() as u32);
            readout_names.push(file.readouts[*column].clone());
        }
        Self { file, samples, readout_names, left_out, places }
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
        let values = vec![0.0; self.readout_names.len()];
        let places = &self.places;
        let mut row = Row { places, values, total: 0.0, odd: None, place: 0, n_infinite: 0, visit };
        self.file.values.for_each_row(&self.samples, &mut row)?;
        Ok(row.n_infinite)
    }
}

/// The row that is being read.
struct Row<'a, V> {
    places: &'a [Option<u32>],
    values: Vec<f32>,
    total: f64,
    odd: Option<f32>,
    place: usize,
    n_infinite: u64,
    visit: V,
}

impl<V: FnMut(SampleValues<'_>) -> Result<()>> Visit for Row<'_, V> {
    fn value(&mut self, column: usize, value: f32) {
        let place = self.places.get(column).copied().flatten();
        let place = place.and_then(|place| self.values.get_mut(place as usize));
        let is_count = value.is_finite() && value >= 0.0;
        if !is_count && (self.odd.is_none() || value < 0.0) {
            self.odd = Some(value);
        }
        if value.is_infinite() {
            self.n_infinite += u64::from(place.is_some());
            place.into_iter().for_each(|place| *place = f32::NAN);
            return;
        }
        // Entries that a sparse matrix has twice add up, as in SciPy.
        place.into_iter().for_each(|place| *place += value);
        if !value.is_nan() {
            self.total += f64::from(value);
        }
    }

    fn end(&mut self) -> Result<()> {
        let Self { place, total, odd, .. } = *self;
        (self.visit)(SampleValues { place, values: &self.values, total, odd })?;
        self.values.fill(0.0);
        self.total = 0.0;
        self.odd = None;
        self.place += 1;
        Ok(())
    }
}
