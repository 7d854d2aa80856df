use std::io::{self, Write};

use super::columns::{Rows, SCHEMA_VERSION};
use super::{HitWriter, Source};
use crate::search::Answer;
use crate::table::{ParquetTable, ValueType};

/// What the metadata of a file says of where its rows come from: key, meaning, value.
pub(super) type Fact = (&'static str, &'static str, fn(&Source) -> String);

pub(super) const FACTS: [Fact; 6] = [
    ("phenocopy.index", "name of the index", |source| source.index.clone()),
    ("phenocopy.fingerprint", "fingerprint of the index", |source| source.fingerprint.clone()),
    ("phenocopy.seeds", "seeds of the index's models, joined by commas", seeds),
    ("phenocopy.command", "the command that was run", |source| source.command.clone()),
    ("phenocopy.version", "version of phenocopy", |_| env!("CARGO_PKG_VERSION").to_owned()),
    ("phenocopy.schema_version", "version of these columns", |_| SCHEMA_VERSION.to_string()),
];

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

fn begin<W: Write + Send>(out: W, source: &Source, rows: Rows) -> io::Result<ParquetTable<W>> {
    let columns: Vec<(&str, ValueType)> =
        rows.columns().iter().map(|column| (column.name, column.of)).collect();
    let facts = FACTS.map(|(key, _, value)| (key, value(source)));
    ParquetTable::new(out, &columns, &facts.each_ref().map(|(key, value)| (*key, value.as_str())))
}

fn seeds(source: &Source) -> String {
    source.seeds.iter().map(u64::to_string).collect::<Vec<String>>().join(",")
}

impl<W: Write + Send> HitWriter for HitParquet<W> {
    fn begin(&mut self) -> io::Result<()> {
        if let Some(out) = self.out.take() {
            self.table = Some(begin(out, &self.source, self.rows)?);
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
