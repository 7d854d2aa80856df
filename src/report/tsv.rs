use std::io::{self, Write};

use super::columns::{Cell, HIT_COLUMNS, MECHANISM_COLUMNS, cells, mechanism_cells};
use super::{HitWriter, Source};
use crate::search::Answer;

/// Hits, or mechanisms, as tab-separated values with a header line.
#[derive(Debug)]
pub struct HitTsv<W> {
    out: W,
    source: Source,
    rows: Rows,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    Hits,
    Mechanisms,
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

    fn rows(&self, answer: &Answer) -> Vec<String> {
        let fingerprint = &self.source.fingerprint;
        let hits = answer.hits.iter().map(|hit| join(&cells(answer, hit, fingerprint)));
        let mechanisms = (1..).zip(&answer.mechanisms);
        match self.rows {
            Rows::Hits => hits.collect(),
            Rows::Mechanisms => {
                mechanisms.map(|m| join(&mechanism_cells(answer, m, fingerprint))).collect()
            }
        }
    }
}

impl<W: Write> HitWriter for HitTsv<W> {
    fn begin(&mut self) -> io::Result<()> {
        let columns = match self.rows {
            Rows::Hits => HIT_COLUMNS.join("\t"),
            Rows::Mechanisms => MECHANISM_COLUMNS.join("\t"),
        };
        writeln!(self.out, "{columns}")
    }

    fn answer(&mut self, answer: &Answer) -> io::Result<()> {
        self.rows(answer).iter().try_for_each(|row| writeln!(self.out, "{row}"))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn join(cells: &[Cell]) -> String {
    cells.iter().map(|cell| single_line(&cell.to_text())).collect::<Vec<_>>().join("\t")
}

/// A tab or line end inside a name would break the row.
pub(super) fn single_line(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}
