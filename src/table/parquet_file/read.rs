use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use csv::ByteRecord;
use parquet::basic::Compression;
use parquet::column::reader::get_column_reader;
use parquet::errors::ParquetError;
use parquet::file::metadata::FileMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescPtr;

use super::cell::{Cells, cells_of};
use super::list::{Lists, is_list, lists_of};
use super::page::{CheckedPages, check_place};
use crate::error::{Error, Result};
use crate::table::text::whole_file;

/// Cells that are decoded before they become rows.
const BATCH: usize = 1 << 20;

/// Returns whether a file says of itself that it is Parquet; what cannot be read is none.
pub(in crate::table) fn is_parquet(path: &Path) -> bool {
    let mut magic = [0; 4];
    let is_file = path.metadata().is_ok_and(|metadata| metadata.is_file());
    is_file
        && File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok()
        && magic == *b"PAR1"
}

/// The rows of a Parquet file as text cells, front to back.
pub(in crate::table) struct ParquetRows {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    /// Positions of the columns in the file.
    order: Vec<usize>,
    /// The columns of the rows that are numbers of one vector.
    vector: Option<Range<usize>>,
    n_columns: usize,
    next_group: usize,
    columns: Vec<Box<dyn Cells>>,
    n_left_in_group: usize,
    n_decoded: usize,
    n_rows: u64,
}

impl ParquetRows {
    /// Opens a file and returns the names of its columns, those of a pandas index first, as a text table has them. A
    /// column of vectors is as many columns as its vectors have numbers.
    ///
    /// # Errors
    /// When the file is damaged, a column holds structures, other lists or what has no text, or there are two columns of
    /// vectors.
    pub(in crate::table) fn open(path: &Path) -> Result<(Vec<String>, Self)> {
        let reader = open_reader(path)?;
        let columns = reader.metadata().file_metadata().schema_descr().columns();
        if let Some(column) = columns.iter().find(|column| is_nested(column) && !is_list(column)) {
            return Err(nested(path, column));
        }
        let order = order(reader.metadata().file_metadata());
        Self::with(path, reader, order)
    }

    /// Opens a file as [`ParquetRows::open`] does, but without its columns of lists and structures.
    ///
    /// # Errors
    /// When the file is damaged.
    pub(in crate::table) fn open_flat(path: &Path) -> Result<(Vec<String>, Self)> {
        let reader = open_reader(path)?;
        let columns = reader.metadata().file_metadata().schema_descr().columns();
        let mut order = order(reader.metadata().file_metadata());
        order.retain(|at| columns.get(*at).is_some_and(|column| !is_nested(column)));
        Self::with(path, reader, order)
    }

    /// Leaves out all columns but these, in this order; before anything was read.
    pub(in crate::table) fn choose(&mut self, columns: &[usize]) {
        self.order = columns.iter().filter_map(|at| self.order.get(*at).copied()).collect();
        self.n_columns = self.order.len();
    }

    fn with(
        path: &Path,
        reader: SerializedFileReader<File>,
        order: Vec<usize>,
    ) -> Result<(Vec<String>, Self)> {
        let columns = reader.metadata().file_metadata().schema_descr().columns();
        let (mut header, mut vector) = (Vec::new(), None);
        for (at, column) in order.iter().filter_map(|at| Some((*at, columns.get(*at)?))) {
            if !is_list(column) {
                header.push(column.name().trim().to_owned());
                continue;
            }
            let lists = Lists::of(&reader, at);
            let lists = lists.ok_or_else(|| uneven(path, column))?;
            let start = header.len();
            header.extend(lists.names);
            if vector.replace(start..header.len()).is_some() {
                return Err(several_vectors(path, column));
            }
        }
        let rows = Self {
            path: path.to_path_buf(),
            order,
            vector,
            n_columns: header.len(),
            reader,
            next_group: 0,
            columns: Vec::new(),
            n_left_in_group: 0,
            n_decoded: 0,
            n_rows: 0,
        };
        Ok((header, rows))
    }

    /// Returns the columns of the rows that are the numbers of one vector; none of a file without vectors.
    pub(in crate::table) fn vector(&self) -> Option<Range<usize>> {
        self.vector.clone()
    }

    /// Returns how many rows were read: the number of the one read last, from 1.
    pub(in crate::table) fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// Reads the next row; false after the last.
    ///
    /// # Errors
    /// When the file is damaged.
    pub(in crate::table) fn read(&mut self, record: &mut ByteRecord) -> Result<bool> {
        record.clear();
        while self.n_decoded == 0 {
            if self.n_left_in_group == 0 && !self.open_group()? {
                return Ok(false);
            }
            self.decode()?;
        }
        self.n_decoded -= 1;
        self.n_rows += 1;
        let unwritten = self.columns.iter_mut().position(|cells| !cells.push_next(record));
        unwritten.map_or(Ok(true), |at| Err(self.out_of_range(at)))
    }

    /// Goes to the next row group; false after the last.
    fn open_group(&mut self) -> Result<bool> {
        if self.next_group == self.reader.num_row_groups() {
            return Ok(false);
        }
        let failed = |error| damaged(&self.path, error);
        let group = self.reader.get_row_group(self.next_group).map_err(failed)?;
        let n_rows = group.metadata().num_rows();
        let descriptors = group.metadata().schema_descr().columns();
        let mut columns = Vec::with_capacity(self.order.len());
        for at in &self.order {
            let Some(descriptor) = descriptors.get(*at) else { continue };
            let chunk = group.metadata().column(*at);
            check_codec(&self.path, descriptor, chunk.compression())?;
            let pages = check_place(chunk).and_then(|()| group.get_column_page_reader(*at));
            let pages = Box::new(CheckedPages::new(pages.map_err(failed)?, descriptor));
            let reader = get_column_reader(descriptor.clone(), pages);
            let cells = match &self.vector {
                Some(vector) if is_list(descriptor) => lists_of(descriptor, reader, vector.len()),
                _ => cells_of(descriptor.clone(), reader),
            };
            columns.push(cells.ok_or_else(|| wordless(&self.path, descriptor))?);
        }
        self.n_left_in_group = usize::try_from(n_rows).map_err(|error| failed(error.into()))?;
        self.columns = columns;
        self.next_group += 1;
        Ok(true)
    }

    /// Decodes the next rows of the group, fewer at a time where they are wide.
    fn decode(&mut self) -> Result<()> {
        /// Rows that keep a decoder busy.
        const ROWS: std::ops::RangeInclusive<usize> = 16..=1024;
        let n_rows = (BATCH / self.n_columns.max(1)).clamp(*ROWS.start(), *ROWS.end());
        let n_rows = n_rows.min(self.n_left_in_group);
        for cells in &mut self.columns {
            let n_read = cells.decode(n_rows).map_err(|error| damaged(&self.path, error))?;
            if n_read != n_rows {
                let problem = "a column ends before the others".to_owned();
                return Err(damaged(&self.path, ParquetError::General(problem)));
            }
        }
        self.n_left_in_group -= n_rows;
        self.n_decoded = n_rows;
        Ok(())
    }

    /// Says of the row read last that a cell cannot be written.
    fn out_of_range(&self, at: usize) -> Error {
        let columns = self.reader.metadata().file_metadata().schema_descr().columns();
        let column = self.order.get(at).and_then(|at| columns.get(*at));
        if let (Some(column), Some(vector)) = (column.filter(|c| is_list(c)), &self.vector) {
            let (name, expected) = (name_of(column), format!("{} numbers", vector.len()));
            let received = format!("another number of them in row {}", self.n_rows);
            return refused_column(&self.path, name, &expected, &received, SAME_LENGTH);
        }
        let name = column.map(|column| column.name().to_owned());
        let received = format!("one beyond it in row {}", self.n_rows);
        let expected = "a time or number within range";
        refused_column(&self.path, name, expected, &received, "correct the cell")
    }
}

/// Opens a file and reads what it says of itself.
pub(super) fn open_reader(path: &Path) -> Result<SerializedFileReader<File>> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    SerializedFileReader::new(file).map_err(|error| damaged(path, error))
}

fn is_nested(column: &ColumnDescPtr) -> bool {
    column.path().parts().len() > 1 || column.max_rep_level() > 0
}

/// The columns in the order of the file, but those of a pandas index first: pandas puts them last.
fn order(metadata: &FileMetaData) -> Vec<usize> {
    let index = pandas_index(metadata).unwrap_or_default();
    let columns = metadata.schema_descr().columns();
    let mut order: Vec<usize> = (0..columns.len()).collect();
    let place = |at: &usize| {
        let name = columns.get(*at).map_or("", |column| column.name());
        index.iter().position(|of_index| of_index == name).unwrap_or(index.len())
    };
    order.sort_by_key(place);
    order
}

/// The columns that were the index of a pandas table; one that only counts is none.
fn pandas_index(metadata: &FileMetaData) -> Option<Vec<String>> {
    let pair = metadata.key_value_metadata()?.iter().find(|pair| pair.key == "pandas")?;
    let said: serde_json::Value = serde_json::from_str(pair.value.as_deref()?).ok()?;
    let columns = said.get("index_columns")?.as_array()?;
    Some(columns.iter().filter_map(|name| Some(name.as_str()?.to_owned())).collect())
}

/// Turns what the system or the decoder said into an error that names the file.
pub(super) fn damaged(path: &Path, error: ParquetError) -> Error {
    let problem = match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(error) if error.raw_os_error().is_some() => return Error::io("read", path)(*error),
            Ok(error) => error.to_string(),
            Err(other) => other.to_string(),
        },
        ParquetError::General(problem) | ParquetError::EOF(problem) => problem,
        other => other.to_string(),
    };
    whole_file(
        path,
        "a whole Parquet file",
        format!("one that cannot be read ({problem})"),
        "fetch or write the file again",
    )
}

/// Refuses the codecs that are not compiled in.
pub(super) fn check_codec(path: &Path, column: &ColumnDescPtr, codec: Compression) -> Result<()> {
    if !matches!(codec, Compression::BROTLI(_) | Compression::LZO) {
        return Ok(());
    }
    let (name, expected) = (Some(column.name().to_owned()), "snappy, zstd, gzip, lz4 or none");
    let advice = "write the file again with one of these compressions";
    Err(refused_column(path, name, expected, &codec.to_string(), advice))
}

/// The name of a column as it is seen from outside, also of one of lists.
pub(super) fn name_of(column: &ColumnDescPtr) -> Option<String> {
    column.path().parts().first().cloned()
}

fn nested(path: &Path, column: &ColumnDescPtr) -> Error {
    let expected = "text, numbers, booleans, times or vectors of numbers";
    let advice = "leave the column out, or unfold it into rows or columns of their own";
    refused_column(path, name_of(column), expected, "other lists or structures", advice)
}

const SAME_LENGTH: &str = "write vectors that all have the same length, none of them missing";

fn uneven(path: &Path, column: &ColumnDescPtr) -> Error {
    let received = "lists of different lengths";
    refused_column(path, name_of(column), "vectors of one length", received, SAME_LENGTH)
}

fn several_vectors(path: &Path, column: &ColumnDescPtr) -> Error {
    let advice = "leave one of them out";
    let received = "a second one";
    refused_column(path, name_of(column), "one column of vectors", received, advice)
}

fn wordless(path: &Path, column: &ColumnDescPtr) -> Error {
    let of = column.logical_type_ref().map_or_else(
        || format!("{:?} {:?}", column.physical_type(), column.converted_type()),
        |logical| format!("{logical:?}"),
    );
    let name = Some(column.name().to_owned());
    let expected = "text, numbers, booleans or times";
    refused_column(path, name, expected, &of, "leave the column out or write it as text")
}

pub(super) fn refused_column(
    path: &Path,
    column: Option<String>,
    expected: &str,
    received: &str,
    advice: &str,
) -> Error {
    Error::Table {
        path: path.to_path_buf(),
        line: None,
        column,
        expected: expected.to_owned(),
        received: received.to_owned(),
        advice: advice.to_owned(),
    }
}
