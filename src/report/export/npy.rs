use std::io::{self, Write};

use super::columns::{write_header, write_known};
use super::description::{EntryWriter, Export, ended};
use crate::search::Entry;
use crate::table::NpyMatrix;

/// Perturbations as a NumPy matrix, a table of what its rows are (`X.ids.tsv` for `X.npy`), and a JSON document of where
/// they come from and what the columns are.
pub struct EntryNpy<W: Write> {
    /// The matrix, until it is ended.
    matrix: Option<NpyMatrix<W>>,
    ids: W,
    fingerprint: String,
}

impl<W: Write> EntryNpy<W> {
    /// Begins a matrix, its table and its document, which is written whole.
    ///
    /// # Errors
    /// When an output cannot be written.
    pub fn new([matrix, mut ids, mut facts]: [W; 3], export: &Export) -> io::Result<Self> {
        export.write_facts(&mut facts)?;
        facts.flush()?;
        write_header(&mut ids)?;
        let matrix = NpyMatrix::new(matrix, [export.n_rows, export.numbers.length()])?;
        let fingerprint = export.source.fingerprint.clone();
        Ok(Self { matrix: Some(matrix), ids, fingerprint })
    }
}

impl<W: Write> EntryWriter for EntryNpy<W> {
    fn entry(&mut self, entry: &Entry<'_>, numbers: &[f32]) -> io::Result<()> {
        let matrix = self.matrix.as_mut().ok_or_else(ended)?;
        write_known(&mut self.ids, entry, &self.fingerprint)?;
        matrix.push(numbers)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.ids.flush()?;
        self.matrix.take().map_or(Ok(()), NpyMatrix::finish)
    }
}
