use crate::error::Result;

/// A sample as it is read.
#[derive(Debug, Clone, Copy)]
pub struct SampleValues<'a> {
    /// Its place among the samples that are wanted.
    pub place: usize,
    /// A value for each wanted readout, NaN for missing.
    pub values: &'a [f32],
    /// The sum of the finite values of all readouts, wanted or not; NaN where only those that are wanted are read.
    pub total: f64,
    /// A value of any readout, wanted or not, that is no count: a negative one if there is any, else NaN or infinity.
    pub odd: Option<f32>,
}

/// What becomes of the rows of a matrix.
pub(in crate::table) trait Visit {
    /// Takes in a value of the current row.
    fn value(&mut self, column: usize, value: f32);
    /// Ends the current row; an error ends the reading.
    fn end(&mut self) -> Result<()>;
}

/// The row of a matrix of samples that is being read.
pub(in crate::table) struct SampleRow<'a, V> {
    /// The place of each column among the wanted readouts.
    places: &'a [Option<u32>],
    values: Vec<f32>,
    total: f64,
    odd: Option<f32>,
    place: usize,
    /// Infinite values that were taken for missing ones.
    pub(in crate::table) n_infinite: u64,
    visit: V,
}

impl<'a, V: FnMut(SampleValues<'_>) -> Result<()>> SampleRow<'a, V> {
    /// Begins before the first row; `visit` gets each.
    pub(in crate::table) fn new(places: &'a [Option<u32>], n_wanted: usize, visit: V) -> Self {
        let values = vec![0.0; n_wanted];
        Self { places, values, total: 0.0, odd: None, place: 0, n_infinite: 0, visit }
    }
}

impl<V: FnMut(SampleValues<'_>) -> Result<()>> Visit for SampleRow<'_, V> {
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
        // Entries that a row has twice add up, as in SciPy's sparse matrices.
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

/// The wanted ones of the columns of a matrix.
pub(in crate::table) struct ChosenReadouts {
    /// Their names.
    pub(in crate::table) names: Vec<String>,
    /// The place of each column among them.
    pub(in crate::table) places: Vec<Option<u32>>,
}

impl ChosenReadouts {
    /// Takes the columns at these positions.
    pub(in crate::table) fn new(columns: &[String], chosen: &[usize]) -> Self {
        let mut places = vec![None; columns.len()];
        let mut names = Vec::with_capacity(chosen.len());
        for column in chosen {
            places[*column] = Some(names.len() as u32);
            names.push(columns[*column].clone());
        }
        Self { names, places }
    }
}
