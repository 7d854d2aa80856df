use std::io;
use std::path::Path;

use super::columns::{ENTRY_COLUMNS, entry_cells};
use super::description::{EntryWriter, Export, ended, short_key};
use crate::search::Entry;
use crate::table::{H5adLayout, H5adWriter, ValueType};

/// Perturbations as AnnData: their numbers in `X`, their vectors in `obsm["X_phenocopy"]`, what is known of each in
/// `obs`, the readouts in `var`, and where they come from in `uns["phenocopy"]`.
pub struct EntryH5ad {
    /// The file, until it is ended.
    file: Option<H5adWriter>,
    fingerprint: String,
}

impl EntryH5ad {
    /// Creates a file, or empties the one that is there; `dim` is the length of the vectors.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(path: &Path, export: &Export, dim: usize) -> io::Result<Self> {
        let columns = ENTRY_COLUMNS.each_ref().map(|column| (column.name, column.of));
        let variables = export.numbers.names();
        let facts = export.facts();
        // The readouts are in `var`.
        let facts = facts.iter().filter(|(key, _)| !key.starts_with("phenocopy.readout"));
        let layout = H5adLayout {
            n_rows: export.n_rows,
            columns: &columns as &[(&str, ValueType)],
            variables: &pairs(&variables),
            embedding: ("X_phenocopy", dim),
            facts: &facts.map(|(key, text)| (short_key(key), text.as_str())).collect::<Vec<_>>(),
        };
        let file = H5adWriter::create(path, &layout)?;
        Ok(Self { file: Some(file), fingerprint: export.source.fingerprint.clone() })
    }
}

fn pairs(names: &[(String, String)]) -> Vec<(&str, &str)> {
    names.iter().map(|(symbol, name)| (symbol.as_str(), name.as_str())).collect()
}

impl EntryWriter for EntryH5ad {
    fn entry(&mut self, entry: &Entry<'_>, numbers: &[f32]) -> io::Result<()> {
        let row = entry_cells(entry, &self.fingerprint);
        self.file.as_mut().ok_or_else(ended)?.push(&row, numbers, entry.embedding)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.file.take().map_or(Ok(()), H5adWriter::finish)
    }
}
