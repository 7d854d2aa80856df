use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::table::hdf5::{Hdf5, Hdf5Matrix};
use crate::table::name::is_missing;
use crate::table::number::is_minus_666;
use crate::table::sample::{SampleColumns, SampleSheet, SheetBuilder};
use crate::table::text::{find_column, whole_file};
use crate::table::wanted::{LeftOut, Wanted};

const MATRIX: &str = "/0/DATA/0/matrix";
const SAMPLES: &str = "/0/META/COL";
const READOUTS: &str = "/0/META/ROW";

/// A GCTX file (CMap's matrices in HDF5) whose names have been read and whose values have not.
///
/// Values are read block by block, samples in the order of the file, so that what is held does not
/// depend on the file's size. The matrix may lie as CMap stores it (a row is a sample) or the other way.
///
/// ```
/// use phenocopy::table::{GctxFile, SampleKey, Wanted};
///
/// let wanted = Wanted { sample: &|sample| sample == SampleKey::Name("S2"), readout: &|_| true };
/// let chosen = GctxFile::open("tests/fixtures/formats/cmappy.gctx".as_ref(), None)?.select(wanted);
/// assert_eq!(chosen.left_out.samples, 5);
/// let mut values = Vec::new();
/// chosen.for_each_sample(|_, row| {
///     values.extend_from_slice(row);
///     Ok(())
/// })?;
/// assert_eq!(values, [1.0, 1.125, 1.25, 1.375, 1.5]);
/// # Ok::<(), phenocopy::Error>(())
/// ```
pub struct GctxFile {
    path: PathBuf,
    file: Hdf5,
    matrix: Hdf5Matrix,
    samples: Vec<String>,
    readouts: Vec<String>,
    /// Whether a row of the stored matrix is a readout.
    has_readout_rows: bool,
}

/// The samples and readouts of a GCTX file that are wanted.
pub struct GctxSelection {
    file: GctxFile,
    samples: Vec<usize>,
    readouts: Vec<usize>,
    /// The names of the samples, in the order in which they are read.
    pub sample_names: Vec<String>,
    /// The names of the readouts.
    pub readout_names: Vec<String>,
    /// What was not wanted.
    pub left_out: LeftOut,
}

impl GctxFile {
    /// Opens a file and reads the names of its samples and readouts: their ids, or what a column of the row metadata
    /// calls them where it does.
    ///
    /// # Errors
    /// When the file cannot be read, is no HDF5 or no GCTX, is damaged, has no such column, or gives a readout's id twice.
    pub fn open(path: &Path, readout_column: Option<&str>) -> Result<Self> {
        let file = Hdf5::open(path)?;
        let matrix = file.matrix(MATRIX)?;
        let samples = file.texts(&format!("{SAMPLES}/id"))?;
        let readouts = file.texts(&format!("{READOUTS}/id"))?;
        let ids = [samples.len(), readouts.len()];
        let has_readout_rows = matrix.shape != ids;
        let fits = !has_readout_rows || matrix.shape == [ids[1], ids[0]];
        if !fits || ids.contains(&0) {
            let [n_samples, n_readouts] = ids;
            let expected = format!("a matrix of {n_samples} samples and {n_readouts} readouts");
            let received = format!("one of {} × {}", matrix.shape[0], matrix.shape[1]);
            return Err(whole_file(path, expected, received, "write the file again"));
        }
        crate::table::matrix::refuse_repeated(path, &readouts, true)?;
        let readouts = match readout_column {
            Some(column) => rename_readouts(&file, column, readouts)?,
            None => readouts,
        };
        Ok(Self { path: path.to_path_buf(), file, matrix, samples, readouts, has_readout_rows })
    }

    /// Returns what the file's own metadata say of its samples; only the columns that are needed are read.
    ///
    /// # Errors
    /// When a column is missing, or a cell cannot be compared with a filter's bound.
    pub fn sample_sheet(&self, columns: SampleColumns<'_>) -> Result<SampleSheet> {
        let header = self.file.columns(SAMPLES)?;
        let mut builder = SheetBuilder::new(&self.path, &header, columns)?;
        let mut table = vec![Vec::new(); header.len()];
        for at in builder.needed_columns() {
            if let (Some(name), Some(values)) = (header.get(at), table.get_mut(at)) {
                *values = self.file.texts_of(&format!("{SAMPLES}/{name}"), self.samples.len())?;
            }
        }
        for sample in 0..self.samples.len() {
            let cell = |at: usize| table.get(at).and_then(|values| values.get(sample));
            let pushed = builder.push(|at| cell(at).map_or(&[], |cell| cell.as_bytes()));
            pushed.map_err(|problem| problem.of_file(&self.path))?;
        }
        Ok(builder.finish())
    }

    /// Chooses what to read.
    #[must_use]
    pub fn select(self, wanted: Wanted<'_>) -> GctxSelection {
        let samples = wanted.sample_positions(&self.samples);
        let readouts = wanted.readout_positions(&self.readouts);
        let names = |all: &[String], at: &[usize]| {
            at.iter().filter_map(|at| all.get(*at)).cloned().collect::<Vec<_>>()
        };
        GctxSelection {
            sample_names: names(&self.samples, &samples),
            readout_names: names(&self.readouts, &readouts),
            left_out: LeftOut {
                samples: self.samples.len() - samples.len(),
                readouts: self.readouts.len() - readouts.len(),
            },
            file: self,
            samples,
            readouts,
        }
    }

    /// Reads some columns of a range of the stored rows, NaN for missing.
    fn read(&self, rows: Range<usize>, columns: &[usize]) -> Result<Vec<f32>> {
        let mut values = self.matrix.read(rows.clone(), columns)?;
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
}

/// Returns the readouts' names in a column of the row metadata, and the ids of those that have none there.
fn rename_readouts(file: &Hdf5, column: &str, ids: Vec<String>) -> Result<Vec<String>> {
    find_column(file.path(), &file.columns(READOUTS)?, column)?;
    let names = file.texts_of(&format!("{READOUTS}/{column}"), ids.len())?;
    let name = |(id, name): (String, String)| if is_missing(&name) { id } else { name };
    Ok(ids.into_iter().zip(names).map(name).collect())
}

impl GctxSelection {
    /// Calls `visit(sample, values)` for each sample, by its place in [`GctxSelection::sample_names`]: one
    /// value per readout, NaN for missing.
    ///
    /// # Errors
    /// When the file is damaged, or a value is infinite; the first error of `visit`, which ends the reading.
    pub fn for_each_sample(
        &self,
        mut visit: impl FnMut(usize, &[f32]) -> Result<()>,
    ) -> Result<()> {
        let n_readouts = self.readouts.len();
        if n_readouts == 0 {
            return Ok(());
        }
        let block = self.block();
        let mut place = 0;
        for samples in self.samples.chunk_by(|one, other| one / block == other / block) {
            let values = self.read_block(samples)?;
            for values in values.chunks_exact(n_readouts) {
                visit(place, values)?;
                place += 1;
            }
        }
        Ok(())
    }

    /// Reads neighbouring samples, row after row.
    fn read_block(&self, samples: &[usize]) -> Result<Vec<f32>> {
        let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
            return Ok(Vec::new());
        };
        let n_readouts = self.readouts.len();
        if self.file.has_readout_rows {
            let rows = 0..self.file.readouts.len();
            let values = self.file.read(rows, samples)?;
            let at = |sample, readout| values.get(readout * samples.len() + sample).copied();
            let of = |sample| self.readouts.iter().filter_map(move |readout| at(sample, *readout));
            return Ok((0..samples.len()).flat_map(of).collect());
        }
        let values = self.file.read(*first..last + 1, &self.readouts)?;
        let row = |sample: &usize| values.chunks_exact(n_readouts).nth(sample - first);
        Ok(samples.iter().filter_map(row).flatten().copied().collect())
    }

    /// Returns how many neighbouring samples are read at once.
    fn block(&self) -> usize {
        let file = &self.file;
        let (axis, held) = if file.has_readout_rows {
            (1, file.readouts.len())
        } else if file.matrix.chunk.is_some() {
            (0, self.readouts.len())
        } else {
            (0, file.readouts.len())
        };
        file.matrix.block(axis, held)
    }
}
