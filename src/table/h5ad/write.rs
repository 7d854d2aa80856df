use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use rust_hdf5::format::messages::datatype::DatatypeMessage;
use rust_hdf5::types::HBool;
use rust_hdf5::{H5Dataset, H5File, H5Group, H5Type, Hdf5Error, VarLenUnicode};

use crate::table::value::{Value, ValueType};

/// What an AnnData file holds, besides its rows.
#[derive(Debug, Clone, Copy)]
pub struct H5adLayout<'a> {
    /// Number of rows.
    pub n_rows: usize,
    /// Columns of `obs`; the first names the rows.
    pub columns: &'a [(&'a str, ValueType)],
    /// Names of the columns of `X`, and what each is called; empty where nothing else is known.
    pub variables: &'a [(&'a str, &'a str)],
    /// The matrix in `obsm`: its name and how many columns it has.
    pub embedding: (&'a str, usize),
    /// What stands in `uns["phenocopy"]`: key and text.
    pub facts: &'a [(&'a str, &'a str)],
}

/// An AnnData file (`.h5ad`) that is written row by row: `X`, `obs`, `var`, one matrix in `obsm` and facts in `uns`.
///
/// Of the matrices one chunk is held in memory, of `obs` all of it. Texts become categories, where a missing one has
/// none; what is missing of numbers is NaN.
///
/// ```
/// use phenocopy::table::{H5adWriter, H5adLayout, Value, ValueType};
///
/// let folder = tempfile::tempdir()?;
/// let layout = H5adLayout {
///     n_rows: 1,
///     columns: &[("symbol", ValueType::Text), ("moa", ValueType::Text)],
///     variables: &[("ACH-000219", "A-375")],
///     embedding: ("X_phenocopy", 2),
///     facts: &[("made by", "hand")],
/// };
/// let mut file = H5adWriter::create(&folder.path().join("one.h5ad"), &layout)?;
/// file.push(&[Value::Text("venetoclax".to_owned()), Value::Missing], &[0.5], &[0.6, 0.8])?;
/// file.finish()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct H5adWriter {
    /// The file, until it is closed.
    file: Option<H5File>,
    x: Matrix,
    embedding: Matrix,
    columns: Vec<Column>,
    n_rows: usize,
    n_pushed: usize,
}

type Hdf5Result<T> = rust_hdf5::Result<T>;

impl H5adWriter {
    /// Creates a file, or empties the one that is there.
    ///
    /// # Errors
    /// When it cannot be written, or there are to be no rows or no columns.
    pub fn create(path: &Path, layout: &H5adLayout<'_>) -> io::Result<Self> {
        if layout.n_rows == 0 || layout.variables.is_empty() {
            return Err(misfit("AnnData of no rows or no columns"));
        }
        let file = H5File::create(path).map_err(io_error)?;
        let begun = begin(&file, layout);
        let (x, embedding) = match begun {
            Ok(matrices) => matrices,
            Err(error) => {
                abandon(file);
                return Err(io_error(error));
            }
        };
        let columns = layout.columns.iter().map(|(name, of)| Column::new(name, *of)).collect();
        let n_rows = layout.n_rows;
        Ok(Self { file: Some(file), x, embedding, columns, n_rows, n_pushed: 0 })
    }

    /// Adds a row: its cells of `obs`, of `X` and of the matrix in `obsm`.
    ///
    /// # Errors
    /// When the file cannot be written, a cell is not of its column's type, or the row is longer or shorter than the
    /// layout says, or one too many.
    pub fn push(&mut self, row: &[Value], x: &[f32], embedding: &[f32]) -> io::Result<()> {
        let expected = [self.columns.len(), self.x.n_columns, self.embedding.n_columns];
        let received = [row.len(), x.len(), embedding.len()];
        if received != expected {
            return Err(misfit(format!("a row of {received:?} cells, not {expected:?}")));
        }
        if self.n_pushed == self.n_rows {
            return Err(misfit(format!("more than {} rows", self.n_rows)));
        }
        self.n_pushed += 1;
        self.columns.iter_mut().zip(row).try_for_each(|(column, cell)| column.push(cell))?;
        self.x.push(x).map_err(io_error)?;
        self.embedding.push(embedding).map_err(io_error)
    }

    /// Writes what is left, without which the file is none.
    ///
    /// # Errors
    /// When the file cannot be written, or there are fewer rows than the layout says.
    pub fn finish(mut self) -> io::Result<()> {
        if self.n_pushed != self.n_rows {
            return Err(misfit(format!("{} rows, not {}", self.n_pushed, self.n_rows)));
        }
        let write = |this: &mut Self, file: &H5File| -> Hdf5Result<()> {
            this.x.flush()?;
            this.embedding.flush()?;
            write_frame(file, "obs", &this.columns)
        };
        let Some(file) = self.file.take() else { return Ok(()) };
        if let Err(error) = write(&mut self, &file) {
            abandon(file);
            return Err(io_error(error));
        }
        file.close().map_err(io_error)
    }
}

impl Drop for H5adWriter {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            abandon(file);
        }
    }
}

fn misfit(problem: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, problem.into())
}

/// Closes a file that will not be whole; dropped, it would print what failed.
fn abandon(file: H5File) {
    let _ = file.close_no_sync();
}

/// Writes all but the rows; returns the matrices that they go to.
fn begin(file: &H5File, layout: &H5adLayout<'_>) -> Hdf5Result<(Matrix, Matrix)> {
    let root = file.root_group();
    describe(&root, "anndata", "0.1.0")?;
    let x = Matrix::create(&root, "X", [layout.n_rows, layout.variables.len()])?;
    let mut columns = ["symbol", "name"].map(|name| Column::new(name, ValueType::Text));
    for (symbol, name) in layout.variables {
        for (column, text) in columns.iter_mut().zip([symbol, name]) {
            column.texts.push(Some((*text).to_owned()));
        }
    }
    let is_called = layout.variables.iter().any(|(_, name)| !name.is_empty());
    write_frame(file, "var", if is_called { &columns } else { &columns[..1] })?;
    for name in ["varm", "obsp", "varp", "layers"] {
        dictionary(&root, name)?;
    }
    let (name, length) = layout.embedding;
    let embedding = Matrix::create(&dictionary(&root, "obsm")?, name, [layout.n_rows, length])?;
    let facts = dictionary(&dictionary(&root, "uns")?, "phenocopy")?;
    for (key, text) in layout.facts.iter().filter(|(_, text)| !text.is_empty()) {
        write_text(&facts, key, text)?;
    }
    Ok((x, embedding))
}

/// A matrix of f32 in chunks of rows.
struct Matrix {
    dataset: H5Dataset,
    n_columns: usize,
    rows_of_chunk: usize,
    n_chunks: usize,
    rows: Vec<f32>,
}

impl Matrix {
    fn create(group: &H5Group, name: &str, [n_rows, n_columns]: [usize; 2]) -> Hdf5Result<Self> {
        /// Numbers of a chunk: 256 KiB, as chunks are read whole.
        const CHUNK: usize = 1 << 16;
        let rows_of_chunk = (CHUNK / n_columns.max(1)).clamp(1, n_rows.max(1));
        let dataset = group
            .new_dataset::<f32>()
            .shape([n_rows, n_columns])
            .chunk(&[rows_of_chunk, n_columns])
            .shuffle_deflate(4)
            .create(name)?;
        describe_dataset(&dataset, "array")?;
        Ok(Self { dataset, n_columns, rows_of_chunk, n_chunks: 0, rows: Vec::new() })
    }

    fn push(&mut self, row: &[f32]) -> Hdf5Result<()> {
        self.rows.extend_from_slice(row);
        let is_full = self.rows.len() >= self.rows_of_chunk * self.n_columns;
        if is_full { self.flush() } else { Ok(()) }
    }

    /// Writes the rows that wait; a chunk is always whole.
    fn flush(&mut self) -> Hdf5Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        self.rows.resize(self.rows_of_chunk * self.n_columns, 0.0);
        self.dataset.write_chunk(self.n_chunks, bytemuck::cast_slice(&self.rows))?;
        self.n_chunks += 1;
        self.rows.clear();
        Ok(())
    }
}

/// The cells of a column of a data frame.
struct Column {
    name: String,
    of: ValueType,
    texts: Vec<Option<String>>,
    numbers: Vec<f64>,
}

impl Column {
    fn new(name: &str, of: ValueType) -> Self {
        Self { name: name.to_owned(), of, texts: Vec::new(), numbers: Vec::new() }
    }

    fn push(&mut self, value: &Value) -> io::Result<()> {
        match (value, self.of) {
            (Value::Missing, ValueType::Text) => self.texts.push(None),
            (Value::Text(text), ValueType::Text) => {
                self.texts.push(Some(text.clone()).filter(|text| !text.is_empty()));
            }
            (Value::Missing, _) => self.numbers.push(f64::NAN),
            (Value::Number(number), _) => self.numbers.push(*number),
            (Value::Count(count), _) => self.numbers.push(*count as f64),
            (other, _) => {
                return Err(io::Error::other(format!("{other:?} in another's column")));
            }
        }
        Ok(())
    }

    fn write(&self, frame: &H5Group) -> Hdf5Result<()> {
        let narrow = || self.numbers.iter().map(|number| *number as f32).collect::<Vec<f32>>();
        match self.of {
            ValueType::Text => self.write_categories(frame),
            ValueType::Float32 => write_array(frame, &self.name, &narrow()),
            ValueType::Int32 | ValueType::Float64 | ValueType::Vector(_) => {
                write_array(frame, &self.name, &self.numbers)
            }
        }
    }

    /// Writes texts as categories, sorted, and codes; pandas takes the smallest integers that do.
    fn write_categories(&self, frame: &H5Group) -> Hdf5Result<()> {
        let texts = self.texts.iter().flatten().map(|text| (text.as_str(), 0));
        let mut codes: BTreeMap<&str, i32> = texts.collect();
        codes.values_mut().zip(0..).for_each(|(code, at)| *code = at);
        let mut categories: Vec<&str> = codes.keys().copied().collect();
        if categories.is_empty() {
            // An empty dataset of texts, as the crate writes it, is damaged to HDF5's own library.
            categories.push("");
        }
        let code = |text: &Option<String>| text.as_ref().and_then(|text| codes.get(text.as_str()));
        let codes: Vec<i32> =
            self.texts.iter().map(|text| code(text).copied().unwrap_or(-1)).collect();
        let group = frame.create_group(&self.name)?;
        describe(&group, "categorical", VERSION)?;
        group.set_attr_numeric("ordered", &HBool::from(false))?;
        write_texts(&group, "categories", &categories)?;
        match categories.len() {
            0..=0x7f => {
                write_array(&group, "codes", &codes.iter().map(|c| *c as i8).collect::<Vec<i8>>())
            }
            0x80..=0x7fff => {
                write_array(&group, "codes", &codes.iter().map(|c| *c as i16).collect::<Vec<i16>>())
            }
            _ => write_array(&group, "codes", &codes),
        }
    }
}

/// The version of the encoding of arrays, strings and data frames.
const VERSION: &str = "0.2.0";

/// Writes a data frame whose first column, of texts, is its index.
fn write_frame(file: &H5File, name: &str, columns: &[Column]) -> Hdf5Result<()> {
    let frame = file.create_group(name)?;
    describe(&frame, "dataframe", VERSION)?;
    let Some((index, others)) = columns.split_first() else { return Ok(()) };
    frame.set_attr_string("_index", &index.name)?;
    let names: Vec<&str> = others.iter().map(|column| column.name.as_str()).collect();
    frame.set_attr_string_array("column-order", &names)?;
    let texts = index.texts.iter().map(|text| text.as_deref().unwrap_or_default());
    write_texts(&frame, &index.name, &texts.collect::<Vec<&str>>())?;
    others.iter().try_for_each(|column| column.write(&frame))
}

fn dictionary(parent: &H5Group, name: &str) -> Hdf5Result<H5Group> {
    let group = parent.create_group(name)?;
    describe(&group, "dict", "0.1.0")?;
    Ok(group)
}

fn write_array<T: H5Type>(group: &H5Group, name: &str, values: &[T]) -> Hdf5Result<()> {
    let dataset = group.new_dataset::<T>().shape([values.len()]).create(name)?;
    dataset.write_raw(values)?;
    describe_dataset(&dataset, "array")
}

fn write_texts(group: &H5Group, name: &str, texts: &[&str]) -> Hdf5Result<()> {
    describe_dataset(&group.write_vlen_strings(name, texts)?, "string-array")
}

/// Writes one text, which must not be empty.
fn write_text(group: &H5Group, name: &str, text: &str) -> Hdf5Result<()> {
    let (padded_by_null, utf_8) = (1, 1);
    let size = text.len() as u32;
    let of = DatatypeMessage::FixedString { size, padding: padded_by_null, charset: utf_8 };
    let dataset = group.new_dataset::<u8>().scalar().datatype(of).create(name)?;
    dataset.write_raw_bytes(text.as_bytes())?;
    describe_dataset(&dataset, "string")
}

/// Says how a group is encoded, as anndata asks.
fn describe(group: &H5Group, encoding: &str, version: &str) -> Hdf5Result<()> {
    group.set_attr_string("encoding-type", encoding)?;
    group.set_attr_string("encoding-version", version)
}

fn describe_dataset(dataset: &H5Dataset, encoding: &str) -> Hdf5Result<()> {
    for (name, text) in [("encoding-type", encoding), ("encoding-version", VERSION)] {
        dataset.new_attr::<VarLenUnicode>().shape(()).create(name)?.write_string(text)?;
    }
    Ok(())
}

/// What the system said, where it was the system.
fn io_error(error: Hdf5Error) -> io::Error {
    match error {
        Hdf5Error::Io(error) => error,
        other => {
            // The crate shows the system's error only as text, whose end is its number.
            let text = other.to_string();
            let number = text.rsplit_once("(os error ").and_then(|(_, end)| end.split_once(')'));
            let number = number.and_then(|(number, _)| number.parse().ok());
            number.map_or_else(|| io::Error::other(text), io::Error::from_raw_os_error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_the_layout_does_not_describe_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let layout = H5adLayout {
            n_rows: 2,
            columns: &[("cell", ValueType::Text), ("dose", ValueType::Float32)],
            variables: &[("BRAF", ""), ("MDM2", "")],
            embedding: ("X_pca", 1),
            facts: &[],
        };
        let path = folder.path().join("a.h5ad");
        let row = [Value::Text("A".to_owned()), Value::Number(1.0)];
        let mut file = H5adWriter::create(&path, &layout).unwrap();
        assert!(file.push(&row[..1], &[1.0, 2.0], &[0.0]).is_err(), "a cell of `obs` is missing");
        assert!(file.push(&row, &[1.0], &[0.0]).is_err(), "a value of `X` is missing");
        assert!(file.push(&row, &[1.0, 2.0, 3.0], &[0.0]).is_err(), "`X` has a value too many");
        assert!(file.push(&row, &[1.0, 2.0], &[]).is_err(), "`obsm` has no value");
        file.push(&row, &[1.0, 2.0], &[0.0]).unwrap();
        assert!(file.finish().unwrap_err().to_string().contains("1 rows, not 2"));
        let mut file = H5adWriter::create(&path, &layout).unwrap();
        for _ in 0..2 {
            file.push(&row, &[1.0, 2.0], &[0.0]).unwrap();
        }
        assert!(file.push(&row, &[1.0, 2.0], &[0.0]).is_err(), "a row too many");
        file.finish().unwrap();
    }
}
