//! Excel workbooks: the only door to the crate `calamine`.

use std::fs::File;
use std::io::{self, BufReader, Seek, Write};
use std::path::Path;

use calamine::{DataRef, ExcelDateTime, Reader, Xlsx};

use super::rows::whole_file;
use crate::error::{Error, Result};

/// The first bytes of a workbook, which is a ZIP archive.
pub(in crate::table) const ZIP: &[u8] = b"PK\x03\x04";

/// Returns the first sheet of a workbook as comma-separated text, a line for each of its rows.
///
/// It goes through a temporary file: the sheets of large screens would fill the memory.
///
/// # Errors
/// When the file is no workbook, or damaged.
pub(in crate::table) fn first_sheet(path: &Path) -> Result<File> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let mut book = Xlsx::new(BufReader::new(file)).map_err(|error| damaged(path, &error))?;
    let sheets = book.sheet_names();
    let first = sheets.first().ok_or_else(|| damaged(path, &"it has no sheet"))?;
    let mut cells = book.worksheet_cells_reader(first).map_err(|error| damaged(path, &error))?;
    let mut rows = SheetRows::new(path)?;
    while let Some(cell) = cells.next_cell().map_err(|error| damaged(path, &error))? {
        let (row, column) = cell.get_position();
        if row >= MOST_ROWS || column >= MOST_COLUMNS {
            let (row, column) = (row.saturating_add(1), column.saturating_add(1));
            return Err(damaged(path, &format!("a cell in row {row}, column {column}")));
        }
        rows.put(row, column as usize, text_of(cell.get_value()))?;
    }
    rows.finish()
}

/// What a sheet of Excel can have; cells beyond would fill the disk with empty ones.
const MOST_ROWS: u32 = 1 << 20;
const MOST_COLUMNS: u32 = 1 << 14;

/// Rows on their way from cells to text.
struct SheetRows {
    text: csv::Writer<File>,
    row: u32,
    /// Empty lines that are not written yet.
    n_empty: u32,
    cells: Vec<String>,
    n_columns: usize,
}

impl SheetRows {
    fn new(path: &Path) -> Result<Self> {
        let file = tempfile::tempfile().map_err(Error::io("unpack", path))?;
        // Rows of the sheet may end early; the first one says how many cells a row has.
        let text = csv::WriterBuilder::new().flexible(true).from_writer(file);
        Ok(Self { text, row: 0, n_empty: 0, cells: Vec::new(), n_columns: 0 })
    }

    fn put(&mut self, row: u32, column: usize, text: String) -> Result<()> {
        if self.row < row {
            self.write_row()?;
            self.n_empty += row - self.row - 1;
            self.row = row;
        }
        if text.is_empty() {
            return Ok(());
        }
        self.cells.resize(self.cells.len().max(column + 1), String::new());
        if let Some(cell) = self.cells.get_mut(column) {
            *cell = text;
        }
        Ok(())
    }

    fn write_row(&mut self) -> Result<()> {
        if self.cells.is_empty() {
            self.n_empty += 1;
            return Ok(());
        }
        self.write_empty().map_err(Error::io("write", "a temporary file"))?;
        let failed = |error: csv::Error| Error::engine("csv", "unpack a workbook")(error);
        self.n_columns = self.n_columns.max(self.cells.len());
        self.cells.resize(self.n_columns, String::new());
        self.text.write_record(&self.cells).map_err(failed)?;
        self.cells.clear();
        Ok(())
    }

    /// Writes the empty lines before a row: readers pass over them, but count them.
    fn write_empty(&mut self) -> io::Result<()> {
        if self.n_empty == 0 {
            return Ok(());
        }
        self.text.flush()?;
        let mut file = self.text.get_ref();
        file.write_all(&vec![b'\n'; self.n_empty as usize])?;
        self.n_empty = 0;
        Ok(())
    }

    fn finish(mut self) -> Result<File> {
        self.write_row()?;
        let lost = |error: csv::IntoInnerError<_>| Error::engine("csv", "unpack a workbook")(error);
        let mut file = self.text.into_inner().map_err(lost)?;
        file.rewind().map_err(Error::io("read", "a temporary file"))?;
        Ok(file)
    }
}

/// Returns a cell as the text that a sheet saved as CSV has.
fn text_of(cell: &DataRef<'_>) -> String {
    match cell {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(is_true) => if *is_true { "TRUE" } else { "FALSE" }.to_owned(),
        DataRef::DateTime(date) => date_text(date),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        // Whichever error: it is not known.
        DataRef::Error(_) => "#VALUE!".to_owned(),
        DataRef::Empty => String::new(),
    }
}

/// A date as Excel shows it first, `1-Mar`, by which a gene symbol that became one is recognised.
fn date_text(date: &ExcelDateTime) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, month, day, ..) = date.to_ymd_hms_milli();
    let month = MONTHS.get(usize::from(month).saturating_sub(1)).copied().unwrap_or_default();
    format!("{day}-{month}")
}

fn damaged(path: &Path, problem: &dyn std::fmt::Display) -> Error {
    let received = format!("a ZIP archive or Excel workbook that cannot be read ({problem})");
    let advice = "unpack it or export it as CSV";
    whole_file(path, "text, gzip, Parquet or an Excel workbook", received, advice)
}
