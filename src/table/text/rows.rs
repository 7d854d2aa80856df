use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, ErrorKind};
use flate2::bufread::MultiGzDecoder;

use super::line_end::UnixLines;
use super::workbook::{ZIP, first_sheet};
use super::writing::{COMMENT, TextFormat, TextWriting, Writing, separator};
use crate::error::{Error, Result};
use crate::table::name::close_names;
use crate::table::parquet_file::{ParquetRows, is_parquet};

/// The first bytes of gzip.
pub(in crate::table) const GZIP: &[u8] = b"\x1f\x8b";
/// The first bytes of archives that users mistake for tables.
pub(in crate::table) const ARCHIVES: [(&[u8], &str); 3] = [
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
];

/// The rows of one table: text, Parquet or the first sheet of an Excel workbook (told by content), read front to back; the header has been read.
///
/// ```
/// use phenocopy::table::{Rows, TextFormat};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("screen.csv");
/// std::fs::write(&path, "line,BRAF\r\nA375,-1.5\r\n").unwrap();
/// let mut rows = Rows::open(&path, TextFormat::Detect)?;
/// assert_eq!(rows.header(), ["line", "BRAF"]);
/// assert_eq!(rows.next_row()?.unwrap(), ["A375", "-1.5"]);
/// assert!(rows.next_row()?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Rows {
    path: PathBuf,
    source: Source,
    writing: Writing,
    header: Vec<String>,
    record: ByteRecord,
    /// The first row of text, which was read with the header.
    first: Option<ByteRecord>,
    /// Lines of the file before the header.
    n_lines_before: u64,
}

type TextReader = csv::Reader<Box<dyn Read>>;

/// Where rows come from.
enum Source {
    Text(TextReader),
    Parquet(ParquetRows),
}

impl Rows {
    /// Opens a table and reads its header; names lose surrounding blanks. What the format says is for text. Where rows
    /// have a cell more than the header, as R's `write.table` leaves out the name of the column of names, the first
    /// column's name is empty.
    ///
    /// # Errors
    /// When the file cannot be read, is an archive other than gzip, has no header, is Parquet with columns of
    /// lists or structures, or a ZIP archive that is no workbook.
    pub fn open(path: &Path, format: TextFormat) -> Result<Self> {
        if is_parquet(path) {
            let (header, rows) = ParquetRows::open(path)?;
            return Self::with(path, header, Source::Parquet(rows), Writing::Parquet, 0);
        }
        if starts_with(path, ZIP) {
            let sheet = Box::new(first_sheet(path)?);
            return Self::of(path, sheet, Writing::Workbook, 0);
        }
        let (mut text, mut writing) = open_text(path)?;
        let start = text.fill_buf().map_err(|error| broken_stream(path, None, &error))?;
        writing.separator = separator(format, path, start);
        Self::of(path, Box::new(UnixLines::new(text)), Writing::Text(writing), 0)
    }

    /// Reads the header of a text table that begins after some lines of a file.
    pub(in crate::table) fn of(
        path: &Path,
        text: Box<dyn Read>,
        writing: Writing,
        n_lines_before: u64,
    ) -> Result<Self> {
        let separator = match writing {
            Writing::Text(writing) => writing.separator,
            Writing::Parquet | Writing::Workbook => TextFormat::Comma,
        };
        let (mut header, mut reader) = open_csv(path, text, separator.byte(), n_lines_before)?;
        let mut first = ByteRecord::new();
        let more = reader.read_byte_record(&mut first);
        let more = more.map_err(|error| csv_error(path, error, n_lines_before))?;
        if has_names_of_rows(&header, &first) {
            header.insert(0, String::new());
        }
        let rows = Self::with(path, header, Source::Text(reader), writing, n_lines_before)?;
        Ok(Self { first: more.then_some(first), ..rows })
    }

    /// Returns how the table is written.
    #[must_use]
    pub fn writing(&self) -> Writing {
        self.writing
    }

    fn with(
        path: &Path,
        header: Vec<String>,
        source: Source,
        writing: Writing,
        n_lines_before: u64,
    ) -> Result<Self> {
        if header.iter().all(String::is_empty) {
            return Err(whole_file(
                path,
                "a header and rows",
                "an empty file",
                "check that the file was written completely",
            ));
        }
        let (path, record) = (path.to_path_buf(), ByteRecord::new());
        Ok(Self { path, source, writing, header, record, first: None, n_lines_before })
    }

    /// Returns the path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the names of the columns.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Returns the columns that are the numbers of a vector, where the table is Parquet and has a column of vectors: they
    /// hold the values, all others say what the rows are.
    pub(in crate::table) fn vector(&self) -> Option<Range<usize>> {
        match &self.source {
            Source::Parquet(rows) => rows.vector(),
            Source::Text(_) => None,
        }
    }

    /// Returns the position of a column.
    ///
    /// # Errors
    /// When there is no such column; the error lists close names, or all of them.
    pub fn column(&self, name: &str) -> Result<usize> {
        find_column(&self.path, &self.header, name)
    }

    /// Reads the next row as text, blanks trimmed; `None` after the last.
    ///
    /// # Errors
    /// When the row has more or fewer cells than the header, or the file ends in the middle.
    pub fn next_row(&mut self) -> Result<Option<Vec<String>>> {
        Ok(self.next_record()?.map(|record| record.iter().map(trimmed).collect()))
    }

    pub(in crate::table) fn next_record(&mut self) -> Result<Option<&ByteRecord>> {
        let more = match (&mut self.source, self.first.take()) {
            (Source::Text(_), Some(first)) => {
                self.record = first;
                true
            }
            (Source::Text(reader), None) => {
                let more = reader.read_byte_record(&mut self.record);
                more.map_err(|error| csv_error(&self.path, error, self.n_lines_before))?
            }
            (Source::Parquet(rows), _) => rows.read(&mut self.record)?,
        };
        if more && self.record.len() != self.header.len() {
            let expected = format!("{} cells as in the header", self.header.len());
            let advice = "complete the row, or write the table again";
            return Err(self.refuse(None, &expected, self.record.len().to_string(), advice));
        }
        if std::str::from_utf8(self.record.as_slice()).is_err() {
            let received = "bytes of another encoding".to_owned();
            return Err(self.refuse(None, "text in UTF-8", received, "save the table as UTF-8"));
        }
        Ok(more.then_some(&self.record))
    }

    /// Returns an error about the row read last.
    pub(in crate::table) fn refuse(
        &self,
        column: Option<usize>,
        expected: &str,
        received: String,
        advice: &str,
    ) -> Error {
        let (line, received) = match &self.source {
            Source::Text(_) => {
                let line = self.record.position().map(csv::Position::line);
                (line.map(|line| line + self.n_lines_before), received)
            }
            Source::Parquet(rows) => (None, format!("{received} in row {}", rows.n_rows())),
        };
        Error::Table {
            path: self.path.clone(),
            line,
            column: column.and_then(|column| self.header.get(column)).cloned(),
            expected: expected.to_owned(),
            received,
            advice: advice.to_owned(),
        }
    }
}

/// Returns the position of a column in the header of a table.
///
/// # Errors
/// When there is no such column; the error lists close names, or all of them.
pub(in crate::table) fn find_column(path: &Path, header: &[String], name: &str) -> Result<usize> {
    let position = header.iter().position(|column| column == name);
    position.ok_or_else(|| unknown_column(path, header, name))
}

fn unknown_column(path: &Path, header: &[String], name: &str) -> Error {
    /// A list longer than this hides the answer.
    const MOST_LISTED: usize = 12;
    let close = close_names(name, header.iter().map(String::as_str));
    let listed = header.iter().take(MOST_LISTED).map(|column| format!("`{column}`"));
    let listed = listed.collect::<Vec<_>>().join(", ");
    let more = header.len().saturating_sub(MOST_LISTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let advice = match close.first() {
        Some(best) => format!("did you mean `{best}`? correct the recipe"),
        None => "correct the recipe".to_owned(),
    };
    whole_file(path, format!("a column `{name}`"), format!("{listed}{more}"), advice)
}

/// Reads the header of a text table.
fn open_csv(
    path: &Path,
    text: Box<dyn Read>,
    delimiter: u8,
    n_lines_before: u64,
) -> Result<(Vec<String>, TextReader)> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .comment(Some(COMMENT))
        .has_headers(true)
        .flexible(true)
        .from_reader(text);
    let header = reader.byte_headers();
    let header = header.map_err(|error| csv_error(path, error, n_lines_before))?;
    if std::str::from_utf8(header.as_slice()).is_err() {
        return Err(Error::Table {
            path: path.to_path_buf(),
            line: Some(n_lines_before + 1),
            column: None,
            expected: "text in UTF-8".into(),
            received: "bytes of another encoding".into(),
            advice: "save the table as UTF-8".into(),
        });
    }
    let header = header.iter().map(trimmed).collect();
    Ok((header, reader))
}

/// Returns whether rows have names that the header has no cell for, as R writes; a separator at their end is no cell.
fn has_names_of_rows(header: &[String], first: &ByteRecord) -> bool {
    let last = first.iter().next_back().map(trimmed);
    first.len() == header.len() + 1 && last.is_some_and(|cell| !cell.is_empty())
}

fn trimmed(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).trim().to_owned()
}

/// What is wrong with a file as a whole.
pub(in crate::table) fn whole_file(
    path: &Path,
    expected: impl Into<String>,
    received: impl Into<String>,
    advice: impl Into<String>,
) -> Error {
    Error::Table {
        path: path.to_path_buf(),
        line: None,
        column: None,
        expected: expected.into(),
        received: received.into(),
        advice: advice.into(),
    }
}

/// Opens a text file, plain or gzip, and steps over a byte order mark.
pub(in crate::table) fn open_text(path: &Path) -> Result<(Box<dyn BufRead>, TextWriting)> {
    /// The header of a wide matrix should fit, so that the separator is counted over all of it.
    const BUFFER: usize = 1 << 17;
    let file = File::open(path).map_err(Error::io("read", path))?;
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err(whole_file(
            path,
            "a file",
            "a folder, pipe or device",
            "write the table to a file first",
        ));
    }
    let mut file = BufReader::with_capacity(BUFFER, file);
    let start = file.fill_buf().map_err(Error::io("read", path))?;
    if let Some((_, kind)) = ARCHIVES.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Err(whole_file(
            path,
            "text, plain or gzip",
            *kind,
            "unpack it or export it as CSV",
        ));
    }
    let is_gzip = start.starts_with(GZIP);
    let mut text: Box<dyn BufRead> = if is_gzip {
        Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(file)))
    } else {
        Box::new(file)
    };
    let mut mark = Vec::with_capacity(3);
    let read = text.by_ref().take(3).read_to_end(&mut mark);
    read.map_err(|error| broken_stream(path, None, &error))?;
    let has_byte_order_mark = mark == b"\xef\xbb\xbf";
    let writing = TextWriting { is_gzip, has_byte_order_mark, ..TextWriting::default() };
    if has_byte_order_mark {
        return Ok((text, writing));
    }
    // A chain's buffer would show only these bytes, so the rest of the first block joins them.
    let block = text.fill_buf().map_err(|error| broken_stream(path, None, &error))?;
    let n_block = block.len();
    mark.extend_from_slice(block);
    text.consume(n_block);
    Ok((Box::new(Cursor::new(mark).chain(text)), writing))
}

/// Returns whether a file begins with some bytes; what cannot be read does not.
fn starts_with(path: &Path, magic: &[u8]) -> bool {
    let mut start = Vec::with_capacity(magic.len());
    let is_file = path.metadata().is_ok_and(|metadata| metadata.is_file());
    let read = |file: File| file.take(magic.len() as u64).read_to_end(&mut start);
    is_file && File::open(path).and_then(read).is_ok() && start == magic
}

fn csv_error(path: &Path, error: csv::Error, n_lines_before: u64) -> Error {
    let line = error.position().map(|position| position.line() + n_lines_before);
    match error.into_kind() {
        ErrorKind::Io(error) => broken_stream(path, line, &error),
        other => Error::Table {
            path: path.to_path_buf(),
            line,
            column: None,
            expected: "a table".into(),
            received: format!("{other:?}"),
            advice: "write the table again as CSV".into(),
        },
    }
}

/// Turns what the system or gzip said into an error that names the file.
pub(in crate::table) fn broken_stream(
    path: &Path,
    line: Option<u64>,
    error: &std::io::Error,
) -> Error {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    if !matches!(error.kind(), UnexpectedEof | InvalidInput | InvalidData) {
        return Error::io("read", path)(std::io::Error::new(error.kind(), error.to_string()));
    }
    let truncated = error.kind() == UnexpectedEof;
    Error::Table {
        path: path.to_path_buf(),
        line,
        column: None,
        expected: "a whole gzip file".into(),
        received: if truncated { "one that ends too early" } else { "a damaged one" }.into(),
        advice: "fetch or write the file again".into(),
    }
}
