use std::io::{self, Write};

use super::columns::{ENTRY_COLUMNS, entry_cells};
use super::description::{EntryWriter, Export};
use crate::search::Entry;
use crate::table::{ParquetTable, Value, ValueType};

/// Perturbations as a Parquet file: what is known of each, and its numbers as a list of fixed size.
pub struct EntryParquet<W: Write + Send> {
    table: ParquetTable<W>,
    fingerprint: String,
}

impl<W: Write + Send> EntryParquet<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn new(out: W, export: &Export) -> io::Result<Self> {
        let vector = (export.numbers.name(), ValueType::Vector(export.numbers.length()));
        let columns = ENTRY_COLUMNS.iter().map(|column| (column.name, column.of));
        let columns: Vec<(&str, ValueType)> = columns.chain([vector]).collect();
        let facts = export.facts();
        let facts: Vec<(&str, &str)> =
            facts.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let table = ParquetTable::new(out, &columns, &facts)?;
        Ok(Self { table, fingerprint: export.source.fingerprint.clone() })
    }
}

impl<W: Write + Send> EntryWriter for EntryParquet<W> {
    fn entry(&mut self, entry: &Entry<'_>, numbers: &[f32]) -> io::Result<()> {
        let mut row = entry_cells(entry, &self.fingerprint);
        row.push(Value::Numbers(numbers.to_vec()));
        self.table.push(&row)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.table.finish()
    }
}
