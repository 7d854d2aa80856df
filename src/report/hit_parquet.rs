use std::io::{self, Write};

use super::columns::{Description, Rows};
use super::source::FACTS;
use super::{HitWriter, Source};
use crate::search::Answer;
use crate::table::{ParquetTable, ValueType};

/// Hits, or mechanisms, as a Parquet file: the columns of [`HitTsv`](super::HitTsv) with types, null where nothing can
/// be told. Numbers are not rounded; the file's metadata say where they come from.
pub struct HitParquet<W: Write + Send> {
    /// The output, until the file is begun.
    out: Option<W>,
    table: Option<ParquetTable<W>>,
    source: Source,
    rows: Rows,
}

impl<W: Write + Send> HitParquet<W> {
    /// Creates a writer of a row per hit.
    pub fn new(out: W, source: Source) -> Self {
        Self { out: Some(out), table: None, source, rows: Rows::Hits }
    }

    /// Creates a writer of a row per mechanism that a query resembles.
    pub fn of_mechanisms(out: W, source: Source) -> Self {
        Self { rows: Rows::Mechanisms, ..Self::new(out, source) }
    }

    fn table(&mut self) -> io::Result<&mut ParquetTable<W>> {
        self.table.as_mut().ok_or_else(|| io::Error::other("the file was not begun"))
    }
}

/// Begins a file of some columns, with where its rows come from in its metadata.
pub(super) fn begin<W: Write + Send>(
    out: W,
    source: &Source,
    columns: &[Description],
) -> io::Result<ParquetTable<W>> {
    let columns: Vec<(&str, ValueType)> =
        columns.iter().map(|column| (column.name, column.of)).collect();
    let facts = FACTS.map(|(key, _, value)| (key, value(source)));
    ParquetTable::new(out, &columns, &facts.each_ref().map(|(key, value)| (*key, value.as_str())))
}

impl<W: Write + Send> HitWriter for HitParquet<W> {
    fn begin(&mut self) -> io::Result<()> {
        if let Some(out) = self.out.take() {
            self.table = Some(begin(out, &self.source, &self.rows.columns())?);
        }
        Ok(())
    }

    fn answer(&mut self, answer: &Answer) -> io::Result<()> {
        let rows = self.rows.of(answer, &self.source.fingerprint);
        let table = self.table()?;
        rows.iter().try_for_each(|row| table.push(row))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.table()?.finish()
    }
}
