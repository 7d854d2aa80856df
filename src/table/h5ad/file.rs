use std::path::Path;

use super::frame::Frame;
use super::selection::H5adSelection;
use super::values::Values;
use crate::error::{Error, Result};
use crate::table::hdf5::Hdf5;
use crate::table::name::is_missing;
use crate::table::sample::{SampleColumns, SampleSheet, SheetBuilder};
use crate::table::text::whole_file;
use crate::table::wanted::{LeftOut, Wanted};

/// Which matrix of an AnnData file is read, and what its columns are called.
#[derive(Debug, Clone, Copy, Default)]
pub struct H5adPart<'a> {
    /// A layer, or `raw/X`; `X` if none is named.
    pub layer: Option<&'a str>,
    /// The column of `var` that names the readouts, the index where that is empty; the index if none is named.
    pub readout_column: Option<&'a str>,
}

/// An AnnData file (`.h5ad`) whose readouts' names have been read and whose values have not.
///
/// Rows are samples: cells, or profiles that someone made of cells. Their names are not read, as cells are many and their
/// names may repeat; what tells them apart is their row.
///
/// ```
/// use phenocopy::table::{H5adFile, H5adPart, Wanted};
///
/// let path = "tests/fixtures/formats/csr.h5ad";
/// let file = H5adFile::open(path.as_ref(), H5adPart::default())?;
/// let chosen = file.select(Wanted { readout: &|name| name == "BRAF", ..Wanted::ALL })?;
/// let mut values = Vec::new();
/// chosen.for_each_sample(|cell| {
///     values.push((cell.values[0], cell.total));
///     Ok(())
/// })?;
/// assert_eq!(values[0], (2.0, 20.0));
/// # Ok::<(), phenocopy::Error>(())
/// ```
pub struct H5adFile {
    pub(super) file: Hdf5,
    pub(super) values: Values,
    pub(super) readouts: Vec<String>,
}

impl H5adFile {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read, is no HDF5 or no AnnData, is damaged, was written by anndata older than 0.7, or has no such layer or column.
    pub fn open(path: &Path, part: H5adPart<'_>) -> Result<Self> {
        let file = Hdf5::open(path)?;
        let (matrix, var) = match part.layer {
            None => ("X".to_owned(), "var"),
            Some("raw/X") => ("raw/X".to_owned(), "raw/var"),
            Some(layer) => (format!("layers/{layer}"), "var"),
        };
        let n_samples = Frame::new(&file, "obs")?.n_rows;
        let readouts = read_readouts(Frame::new(&file, var)?, part.readout_column)?;
        let values = Values::open(&file, &matrix)?;
        if values.shape() != [n_samples, readouts.len()] || readouts.is_empty() || n_samples == 0 {
            let [n_rows, n_columns] = values.shape();
            let expected = format!(
                "{n_samples} rows and {} columns in `{matrix}`, as `obs` and `{var}` say",
                readouts.len()
            );
            let received = format!("{n_rows} × {n_columns}");
            return Err(whole_file(path, expected, received, "write the file again"));
        }
        Ok(Self { file, values, readouts })
    }

    /// Returns what `obs` says of the samples, in the order of the rows; only the columns that are needed are read.
    ///
    /// # Errors
    /// When a column is missing, or a cell cannot be compared with a filter's bound.
    pub fn sample_sheet(&self, columns: SampleColumns<'_>) -> Result<SampleSheet> {
        let path = self.file.path();
        let obs = Frame::new(&self.file, "obs")?;
        let header = obs.columns()?;
        let columns = SampleColumns { id: None, ..columns };
        let builder = SheetBuilder::new(path, &header, columns);
        let mut builder = builder.map_err(|error| self.turned(columns).unwrap_or(error))?;
        let mut table: Vec<_> = header.iter().map(|_| None).collect();
        for at in builder.needed_columns() {
            if let (Some(name), Some(column)) = (header.get(at), table.get_mut(at)) {
                *column = Some(obs.read(name)?);
            }
        }
        for row in 0..self.values.shape()[0] {
            let cell = |at: usize| table.get(at).and_then(Option::as_ref).map(|of| of.cell(row));
            let pushed = builder.push(|at| cell(at).unwrap_or_default().as_bytes());
            pushed.map_err(|problem| problem.of_file(path))?;
        }
        Ok(builder.finish())
    }

    /// Returns the error that fits a file whose samples are its columns, if that is what it looks like.
    fn turned(&self, columns: SampleColumns<'_>) -> Option<Error> {
        let var = Frame::new(&self.file, "var").and_then(|var| var.columns()).ok()?;
        let mut wanted = columns.perturbation.columns().chain(columns.context.columns());
        let column = wanted.find(|wanted| var.iter().any(|own| own == wanted))?;
        Some(turned(self.file.path(), &format!("`{column}` in `var`")))
    }

    /// Chooses what to read.
    ///
    /// # Errors
    /// When no readout is wanted, and names of samples are: the file lies the other way round.
    pub fn select(self, wanted: Wanted<'_>) -> Result<H5adSelection> {
        let readouts = wanted.readout_positions(&self.readouts);
        if readouts.is_empty() {
            self.refuse_turned(wanted)?;
        }
        let n_samples = self.values.shape()[0];
        let samples = wanted.sample_rows(n_samples);
        let left_out = LeftOut {
            samples: n_samples - samples.len(),
            readouts: self.readouts.len() - readouts.len(),
        };
        Ok(H5adSelection::new(self, samples, &readouts, left_out))
    }

    fn refuse_turned(&self, wanted: Wanted<'_>) -> Result<()> {
        let obs = Frame::new(&self.file, "obs")?;
        let names = obs.read(&obs.index())?;
        let n_readouts = (0..obs.n_rows).filter(|row| (wanted.readout)(names.cell(*row))).count();
        if n_readouts == 0 {
            return Ok(());
        }
        let received = format!("{n_readouts} of the wanted readouts in `obs`, none in `var`");
        Err(turned(self.file.path(), &received))
    }
}

fn turned(path: &Path, received: &str) -> Error {
    let advice = "it lies the other way round: write `adata.T`";
    whole_file(path, "samples in `obs` and readouts in `var`", received, advice)
}

/// Returns the readouts' names: those of a column, where it has one, else those of the index.
fn read_readouts(var: Frame<'_>, column: Option<&str>) -> Result<Vec<String>> {
    let index = var.read(&var.index())?;
    let named = column.map(|column| var.read_named(column)).transpose()?;
    let name = |row: usize| {
        let named = named.as_ref().map(|named| named.cell(row));
        named.filter(|name| !is_missing(name)).unwrap_or_else(|| index.cell(row)).to_owned()
    };
    Ok((0..var.n_rows).map(name).collect())
}
