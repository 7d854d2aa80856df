use std::io::{self, Write};

use super::columns::{Rows, to_text};
use super::{HitWriter, Source};
use crate::search::Answer;

/// Hits, or mechanisms, as tab-separated values with a header line.
#[derive(Debug)]
pub struct HitTsv<W> {
    out: W,
    source: Source,
    rows: Rows,
}

impl<W: Write> HitTsv<W> {
    /// Creates a writer of a row per hit.
    pub fn new(out: W, source: Source) -> Self {
        Self { out, source, rows: Rows::Hits }
    }

    /// Creates a writer of a row per mechanism that a query resembles.
    pub fn of_mechanisms(out: W, source: Source) -> Self {
        Self { out, source, rows: Rows::Mechanisms }
    }
}

impl<W: Write> HitWriter for HitTsv<W> {
    fn begin(&mut self) -> io::Result<()> {
        write_line(&mut self.out, self.rows.columns().iter().map(|column| column.name.to_owned()))
    }

    fn answer(&mut self, answer: &Answer) -> io::Result<()> {
        for row in self.rows.of(answer, &self.source.fingerprint) {
            write_line(&mut self.out, row.iter().map(to_text))?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes cells as a line of tab-separated values.
pub(super) fn write_line(
    out: &mut dyn Write,
    cells: impl Iterator<Item = String>,
) -> io::Result<()> {
    let cells: Vec<String> = cells.map(|cell| single_line(&cell)).collect();
    writeln!(out, "{}", cells.join("\t"))
}

/// A tab or line end inside a name would break the row.
pub(super) fn single_line(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}
