use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, FloatType, Int32Type};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{ColumnPath, Type, TypePtr};

use super::arrow_schema::{ARROW_SCHEMA, arrow_schema};
use crate::table::{Value, ValueType};

/// Rows that are held in memory before they are written as one row group.
const ROW_GROUP: usize = 1 << 16;
/// Numbers of a column of vectors that are held in memory.
const VECTOR_NUMBERS: usize = 1 << 22;

/// A Parquet file that is written row by row: columns of one type each, all of which may lack values, and columns of
/// vectors (lists of one length), of which none is missing.
///
/// At most 65,536 rows are held in memory, fewer where they have long vectors (4 million numbers); they become one row
/// group (Zstandard).
///
/// ```
/// use phenocopy::table::{ParquetTable, Value, ValueType};
///
/// let columns = [("hit", ValueType::Text), ("rank", ValueType::Int32)];
/// let mut bytes = Vec::new();
/// let mut table = ParquetTable::new(&mut bytes, &columns, &[("made by", "hand")])?;
/// table.push(&[Value::Text("BCL2".to_owned()), Value::Count(1)])?;
/// table.finish()?;
/// drop(table);
/// assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct ParquetTable<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Vec<Column>,
    n_rows: usize,
    most_rows: usize,
}

/// The cells of one column since the last row group.
struct Column {
    values: Values,
    /// 1 where a row has a value, 0 where it has none.
    levels: Vec<i16>,
}

enum Values {
    /// All texts in one, and where each ends.
    Text(Vec<u8>, Vec<usize>),
    Int32(Vec<i32>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    /// Vectors of one length, one after another.
    Vectors(Vec<f32>, usize),
}

impl<W: Write + Send> ParquetTable<W> {
    /// Begins a file with named columns, and with pairs of key and value in its metadata.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn new(
        out: W,
        columns: &[(&str, ValueType)],
        metadata: &[(&str, &str)],
    ) -> io::Result<Self> {
        let properties = Arc::new(properties(columns, metadata));
        let writer = schema(columns)
            .and_then(|schema| SerializedFileWriter::new(out, schema, properties))
            .map_err(io_error)?;
        let longest = columns.iter().filter_map(|(_, of)| of.vector_length()).max();
        let most_rows = (VECTOR_NUMBERS / longest.unwrap_or(1).max(1)).clamp(1, ROW_GROUP);
        let columns = columns.iter().map(|(_, of)| Column::new(*of)).collect();
        Ok(Self { writer, columns, n_rows: 0, most_rows })
    }

    /// Adds a row: a value for each column, in their order; what is left out is missing.
    ///
    /// # Errors
    /// When the output cannot be written, or a value is not of its column's type.
    pub fn push<'a>(&mut self, row: impl IntoIterator<Item = &'a Value>) -> io::Result<()> {
        let mut row = row.into_iter();
        for column in &mut self.columns {
            column.push(row.next().unwrap_or(&Value::Missing))?;
        }
        self.n_rows += 1;
        if self.n_rows == self.most_rows { self.write_group() } else { Ok(()) }
    }

    /// Writes what is left and the end of the file, without which it is none.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(&mut self) -> io::Result<()> {
        if self.n_rows > 0 {
            self.write_group()?;
        }
        self.writer.finish().map_err(io_error)?;
        self.writer.flush()
    }

    fn write_group(&mut self) -> io::Result<()> {
        self.n_rows = 0;
        let mut group = self.writer.next_row_group().map_err(io_error)?;
        for column in &mut self.columns {
            if let Some(mut writer) = group.next_column().map_err(io_error)? {
                column.write(&mut writer).map_err(io_error)?;
                writer.close().map_err(io_error)?;
            }
        }
        group.close().map(drop).map_err(io_error)
    }
}

impl Column {
    fn new(of: ValueType) -> Self {
        let values = match of {
            ValueType::Text => Values::Text(Vec::new(), Vec::new()),
            ValueType::Int32 => Values::Int32(Vec::new()),
            ValueType::Float32 => Values::Float32(Vec::new()),
            ValueType::Float64 => Values::Float64(Vec::new()),
            ValueType::Vector(length) => Values::Vectors(Vec::new(), length),
        };
        Self { values, levels: Vec::new() }
    }

    fn push(&mut self, value: &Value) -> io::Result<()> {
        let is_there = match (value, &mut self.values) {
            (Value::Numbers(numbers), Values::Vectors(values, length))
                if numbers.len() == *length =>
            {
                values.extend_from_slice(numbers);
                true
            }
            (other, Values::Vectors(..)) => {
                return Err(io::Error::other(format!("{other:?} in a column of vectors")));
            }
            (Value::Missing, _) => false,
            (Value::Text(text), Values::Text(bytes, ends)) => {
                if !text.is_empty() {
                    bytes.extend_from_slice(text.as_bytes());
                    ends.push(bytes.len());
                }
                !text.is_empty()
            }
            (Value::Count(count), Values::Int32(values)) => {
                values.push(i32::try_from(*count).map_err(io::Error::other)?);
                true
            }
            (Value::Number(number), _) if !number.is_finite() => false,
            (Value::Number(number), Values::Float32(values)) => {
                values.push(*number as f32);
                true
            }
            (Value::Number(number), Values::Float64(values)) => {
                values.push(*number);
                true
            }
            (other, _) => return Err(io::Error::other(format!("{other:?} in another's column"))),
        };
        self.levels.push(i16::from(is_there));
        Ok(())
    }

    /// Writes the cells as a column of a row group, and forgets them.
    fn write(&mut self, writer: &mut SerializedColumnWriter<'_>) -> ParquetResult<()> {
        let levels = Some(self.levels.as_slice());
        match &mut self.values {
            Values::Text(bytes, ends) => {
                let values = texts(std::mem::take(bytes), ends);
                writer.typed::<ByteArrayType>().write_batch(&values, levels, None)?;
                ends.clear();
            }
            Values::Int32(values) => {
                writer.typed::<Int32Type>().write_batch(values, levels, None)?;
                values.clear();
            }
            Values::Float32(values) => {
                writer.typed::<FloatType>().write_batch(values, levels, None)?;
                values.clear();
            }
            Values::Float64(values) => {
                writer.typed::<DoubleType>().write_batch(values, levels, None)?;
                values.clear();
            }
            Values::Vectors(values, length) => {
                let is_first = |at: usize| at.is_multiple_of(*length);
                let repeated: Vec<i16> =
                    (0..values.len()).map(|at| i16::from(!is_first(at))).collect();
                let levels = vec![1; values.len()];
                let typed = writer.typed::<FloatType>();
                typed.write_batch(values, Some(&levels), Some(&repeated))?;
                values.clear();
            }
        }
        self.levels.clear();
        Ok(())
    }
}

/// Texts that share one buffer.
fn texts(bytes: Vec<u8>, ends: &[usize]) -> Vec<ByteArray> {
    let all = ByteArray::from(bytes);
    let mut start = 0;
    let slice = |end: &usize| {
        let from = std::mem::replace(&mut start, *end);
        all.slice(from, *end - from)
    };
    ends.iter().map(slice).collect()
}

fn properties(columns: &[(&str, ValueType)], metadata: &[(&str, &str)]) -> WriterProperties {
    let pair = |key: &str, value: &str| KeyValue::new(key.to_owned(), value.to_owned());
    let mut pairs: Vec<KeyValue> = metadata.iter().map(|(key, value)| pair(key, value)).collect();
    let mut properties =
        WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default()));
    let vectors = columns.iter().filter(|(_, of)| of.vector_length().is_some());
    for (name, _) in vectors {
        // No number of a vector comes twice.
        let path = LIST.map(str::to_owned);
        let path = ColumnPath::new([vec![(*name).to_owned()], path.to_vec()].concat());
        properties = properties.set_column_dictionary_enabled(path, false);
        // Parquet knows lists; that they are of one length only Arrow's schema says.
        if pairs.iter().all(|pair| pair.key != ARROW_SCHEMA) {
            pairs.push(pair(ARROW_SCHEMA, &arrow_schema(columns, metadata)));
        }
    }
    properties.set_key_value_metadata(Some(pairs)).build()
}

/// What the groups of a list are called below its own name.
const LIST: [&str; 2] = ["list", "element"];

fn schema(columns: &[(&str, ValueType)]) -> ParquetResult<TypePtr> {
    let fields = columns.iter().map(|(name, of)| field(name, *of));
    let fields = fields.collect::<ParquetResult<Vec<TypePtr>>>()?;
    Ok(Arc::new(Type::group_type_builder("schema").with_fields(fields).build()?))
}

fn field(name: &str, of: ValueType) -> ParquetResult<TypePtr> {
    let (physical, logical) = match of {
        ValueType::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        ValueType::Int32 => (Physical::INT32, None),
        ValueType::Float32 => (Physical::FLOAT, None),
        ValueType::Float64 => (Physical::DOUBLE, None),
        ValueType::Vector(_) => return list(name),
    };
    let field = Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical);
    field.build().map(Arc::new)
}

/// A list of numbers, all of which are there.
fn list(name: &str) -> ParquetResult<TypePtr> {
    let [repeated, element] = LIST;
    let element = Type::primitive_type_builder(element, Physical::FLOAT)
        .with_repetition(Repetition::REQUIRED)
        .build()?;
    let repeated = Type::group_type_builder(repeated)
        .with_repetition(Repetition::REPEATED)
        .with_fields(vec![Arc::new(element)])
        .build()?;
    let list = Type::group_type_builder(name)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(Some(LogicalType::List))
        .with_fields(vec![Arc::new(repeated)]);
    list.build().map(Arc::new)
}

/// What the output said, where it was the output.
fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}
