use std::io::{self, Write};

use super::columns::{Cell, HIT_COLUMNS, cells};
use super::{HitWriter, Source};
use crate::search::Answer;

/// Hits as tab-separated values with a header line.
#[derive(Debug)]
pub struct HitTsv<W> {
    out: W,
    source: Source,
}

impl<W: Write> HitTsv<W> {
    /// Creates a writer.
    pub fn new(out: W, source: Source) -> Self {
        Self { out, source }
    }
}

impl<W: Write> HitWriter for HitTsv<W> {
    fn begin(&mut self) -> io::Result<()> {
        writeln!(self.out, "{}", HIT_COLUMNS.join("\t"))
    }

    fn answer(&mut self, answer: &Answer) -> io::Result<()> {
        for hit in &answer.hits {
            let cells = cells(answer, hit, &self.source.fingerprint);
            writeln!(self.out, "{}", join(&cells))?;
        }
        Ok(())
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
