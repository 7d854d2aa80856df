use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, Read};
use std::path::Path;

use serde::Serialize;

use super::gene::gene_set_format;
use super::h5ad::H5adForm;
use super::lists::ListsForm;
use super::number::{Cell, parse_cell};
use super::parquet_file::is_parquet;
use super::signature::signature_columns;
use super::text::{ARCHIVES, GZIP, Rows, open_text, whole_file};
use super::text::{TextFormat, Writing};
use crate::error::{Error, Result};

/// What a file is, as its first bytes and its cells tell.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "form", rename_all = "kebab-case")]
pub enum FileForm {
    /// A table: text, Parquet or a workbook's first sheet.
    Table(TableForm),
    /// AnnData (`.h5ad`).
    H5ad(H5adForm),
    /// Parquet whose rows are samples with lists.
    Lists(ListsForm),
    /// Gene sets, one a line, or one set of one name a line.
    GeneSets {
        /// `GMT` or `GRP`.
        format: &'static str,
    },
    /// A format that is told by its first bytes.
    Known {
        /// What it is called.
        format: &'static str,
    },
}

/// What a table holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableForm {
    /// How it is written.
    pub writing: Writing,
    /// The names of its columns.
    pub header: Vec<String>,
    /// How many rows stand below the header.
    pub n_rows: usize,
    /// What the first cells of the rows say.
    #[serde(skip)]
    pub row_names: Vec<String>,
    /// Cells without a value, in the columns of numbers.
    pub n_missing: usize,
    /// What it looks like.
    pub shape: TableShape,
}

/// What a text table looks like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "shape", rename_all = "kebab-case")]
pub enum TableShape {
    /// Names in the first column and the header, numbers everywhere else.
    Wide,
    /// One value of a named perturbation and a named readout in each row; the columns that look like them.
    Long {
        /// Columns of text.
        texts: Vec<String>,
        /// Columns of numbers.
        numbers: Vec<String>,
    },
    /// Readouts and one value each, as limma, DESeq2 and edgeR write.
    Signature {
        /// The column of values.
        value: String,
    },
    /// Texts only: names and what is known of them.
    Annotation,
}

/// What AnnData's files are called.
const H5AD: &str = "h5ad";
const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";
/// The first bytes of formats that are no tables.
const MAGICS: [(&[u8], &str); 3] = [(HDF5, "HDF5"), (b"#1.2", "GCT 1.2"), (b"#1.3", "GCT 1.3")];

/// Finds out what a file is: its format by its first bytes and, of a text table, what stands in its columns.
///
/// # Errors
/// When the file cannot be read, or is a text table that no reader here would read.
///
/// # Examples
/// ```
/// use phenocopy::table::{FileForm, TableShape, file_form};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("screen.tsv");
/// std::fs::write(&path, "line\tBRAF\tMDM2\nA375\t-1.5\t\nMCF7\t0\t-2\n")?;
/// let FileForm::Table(table) = file_form(&path)? else { panic!("a table") };
/// assert_eq!((table.shape, table.n_rows, table.n_missing), (TableShape::Wide, 2, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn file_form(path: &Path) -> Result<FileForm> {
    if let Some(format) = known_format(path)? {
        return match format {
            H5AD => H5adForm::read(path).map(FileForm::H5ad),
            _ => Ok(FileForm::Known { format }),
        };
    }
    if let Some(format) = gene_set_format(path) {
        return Ok(FileForm::GeneSets { format });
    }
    if is_parquet(path)
        && let Some(form) = ListsForm::read(path)?
    {
        return Ok(FileForm::Lists(form));
    }
    Survey::of(path).map(FileForm::Table)
}

/// Returns how a table is written, without reading past its header.
///
/// # Errors
/// When the file cannot be read or is no text.
pub fn table_writing(path: &Path, format: TextFormat) -> Result<Writing> {
    if is_parquet(path) {
        return Ok(Writing::Parquet);
    }
    Rows::open(path, format).map(|rows| rows.writing())
}

/// Returns the format that the first bytes of a file tell; none of what may be a text table.
///
/// # Errors
/// When the file cannot be read.
pub fn known_format(path: &Path) -> Result<Option<&'static str>> {
    let mut start = Vec::new();
    let file = File::open(path).map_err(Error::io("read", path))?;
    file.take(8).read_to_end(&mut start).map_err(Error::io("read", path))?;
    if start.starts_with(GZIP) {
        start = open_text(path)?.0.fill_buf().map_err(Error::io("read", path))?.to_vec();
    }
    let name = path.to_string_lossy().to_lowercase();
    let mut formats = MAGICS.iter().chain(&ARCHIVES).filter(|(magic, _)| start.starts_with(magic));
    Ok(match formats.next() {
        Some((magic, _)) if *magic == HDF5 && name.ends_with(".gctx") => Some("GCTX"),
        Some((magic, _)) if *magic == HDF5 && name.ends_with(".h5ad") => Some(H5AD),
        found => found.map(|(_, format)| *format),
    })
}

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, Default)]
struct Column {
    n_numbers: usize,
    n_missing: usize,
    n_texts: usize,
}

impl Column {
    fn is_numeric(self) -> bool {
        self.n_texts == 0 && self.n_numbers > 0
    }

    fn is_text(self) -> bool {
        self.n_texts > 0
    }
}

/// Counts over all cells of a table.
struct Survey {
    columns: Vec<Column>,
    row_names: Vec<String>,
    /// The readouts, if it should be a signature, and the position of its values.
    signature: Option<(HashSet<Vec<u8>>, usize)>,
}

impl Survey {
    fn of(path: &Path) -> Result<TableForm> {
        let mut rows = Rows::open(path, TextFormat::Detect)?;
        /// Tables of differential expression have fewer columns; a matrix that has a column `t` has more.
        const MOST_OF_SIGNATURE: usize = 16;
        let n_columns = rows.header().len();
        let signature = signature_columns(&rows).filter(|_| n_columns <= MOST_OF_SIGNATURE);
        let mut survey = Self {
            columns: vec![Column::default(); n_columns],
            row_names: Vec::new(),
            signature: signature.map(|(_, value)| (HashSet::new(), value)),
        };
        while let Some(record) = rows.next_record()? {
            for (column, cell) in survey.columns.iter_mut().zip(record) {
                match parse_cell(cell) {
                    Cell::Number(_) => column.n_numbers += 1,
                    Cell::Missing => column.n_missing += 1,
                    Cell::Infinite | Cell::NotANumber => column.n_texts += 1,
                }
            }
            if let (Some((readouts, _)), Some((column, _))) = (&mut survey.signature, signature) {
                readouts.insert(record.get(column).unwrap_or_default().to_vec());
            }
            let first = record.get(0).unwrap_or_default();
            survey.row_names.push(String::from_utf8_lossy(first).trim().to_owned());
        }
        if survey.row_names.is_empty() || n_columns < 2 {
            return Err(whole_file(
                path,
                "two columns or more, and rows",
                format!("{n_columns} columns and {} rows", survey.row_names.len()),
                "check the file and its separator (comma, tab or semicolon)",
            ));
        }
        let numeric = survey.columns.iter().filter(|column| column.is_numeric());
        Ok(TableForm {
            writing: rows.writing(),
            header: rows.header().to_vec(),
            n_rows: survey.row_names.len(),
            n_missing: numeric.map(|column| column.n_missing).sum(),
            shape: match rows.vector() {
                Some(_) => TableShape::Wide,
                None => survey.shape(rows.header()),
            },
            row_names: survey.row_names,
        })
    }

    fn shape(&self, header: &[String]) -> TableShape {
        let named = |is_wanted: fn(Column) -> bool| -> Vec<String> {
            let columns = header.iter().zip(&self.columns);
            let wanted = columns.filter(|(_, column)| is_wanted(**column));
            wanted.map(|(name, _)| name.clone()).collect()
        };
        let (texts, numbers) = (named(Column::is_text), named(Column::is_numeric));
        // In a long table readouts repeat; in a signature a few may, as transcripts of one gene.
        let is_signature = |(readouts, value): &&(HashSet<Vec<u8>>, usize)| {
            let has_numbers = self.columns.get(*value).is_some_and(|column| column.is_numeric());
            has_numbers && 2 * readouts.len() > self.row_names.len()
        };
        let signature = self.signature.as_ref().filter(is_signature);
        if let Some(value) = signature.and_then(|(_, value)| header.get(*value)) {
            return TableShape::Signature { value: value.clone() };
        }
        match (texts.len(), numbers.len()) {
            (_, 0) => TableShape::Annotation,
            // Names of rows may be numbers (COSMIC ids), and an empty column is no text.
            (0 | 1, n) if n + 2 >= self.columns.len() => TableShape::Wide,
            _ if self.columns.iter().skip(1).all(|column| !column.is_text()) => TableShape::Wide,
            _ => TableShape::Long { texts, numbers },
        }
    }
}
