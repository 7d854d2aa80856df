use std::fmt::Display;
use std::io::Write;

use chrono::DateTime;
use csv::ByteRecord;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType, FixedLenByteArray, Int96};
use parquet::errors::Result as ParquetResult;
use parquet::record::Field;
use parquet::schema::types::{ColumnDescPtr, ColumnDescriptor};

/// The cells of one column of a row group, front to back.
pub(super) trait Cells {
    /// Decodes the next `n` cells; returns how many there were.
    fn decode(&mut self, n: usize) -> ParquetResult<usize>;

    /// Appends the next decoded cell to a record, empty for null, or those of the next vector; false where one has no
    /// text, or a vector another length.
    fn push_next(&mut self, record: &mut ByteRecord) -> bool;
}

/// How a value is written; false where it cannot be.
type Writing<V> = fn(&ColumnDescPtr, &V, &mut Vec<u8>) -> bool;

struct TypedCells<T: DataType> {
    reader: ColumnReaderImpl<T>,
    descriptor: ColumnDescPtr,
    write: Writing<T::T>,
    /// 1 where a cell has a value; of a column in which all have one it stays empty.
    levels: Vec<i16>,
    values: Vec<T::T>,
    next: usize,
    next_value: usize,
    text: Vec<u8>,
}

impl<T: DataType> Cells for TypedCells<T> {
    fn decode(&mut self, n: usize) -> ParquetResult<usize> {
        self.levels.clear();
        self.values.clear();
        (self.next, self.next_value) = (0, 0);
        let levels = Some(&mut self.levels);
        let (n_read, _, _) = self.reader.read_records(n, levels, None, &mut self.values)?;
        Ok(n_read)
    }

    fn push_next(&mut self, record: &mut ByteRecord) -> bool {
        self.text.clear();
        let is_null = self.levels.get(self.next).is_some_and(|level| *level == 0);
        self.next += 1;
        let value = if is_null { None } else { self.values.get(self.next_value) };
        let is_written = value.is_none_or(|value| {
            self.next_value += 1;
            (self.write)(&self.descriptor, value, &mut self.text)
        });
        record.push_field(&self.text);
        is_written
    }
}

/// Returns the cells of a column; none where its type has no text.
pub(super) fn cells_of(descriptor: ColumnDescPtr, reader: ColumnReader) -> Option<Box<dyn Cells>> {
    Some(match reader {
        ColumnReader::BoolColumnReader(reader) => typed(descriptor, reader, write_plain),
        ColumnReader::Int32ColumnReader(reader) => {
            let write = int32_writing(&descriptor)?;
            typed(descriptor, reader, write)
        }
        ColumnReader::Int64ColumnReader(reader) => {
            let write = int64_writing(&descriptor)?;
            typed(descriptor, reader, write)
        }
        ColumnReader::Int96ColumnReader(reader) => typed(descriptor, reader, write_int96),
        ColumnReader::FloatColumnReader(reader) => typed(descriptor, reader, write_plain),
        ColumnReader::DoubleColumnReader(reader) => typed(descriptor, reader, write_plain),
        ColumnReader::ByteArrayColumnReader(reader) => {
            let write = bytes_writing(&descriptor)?;
            typed(descriptor, reader, write)
        }
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            let write = fixed_bytes_writing(&descriptor)?;
            typed(descriptor, reader, write)
        }
    })
}

fn typed<T: DataType>(
    descriptor: ColumnDescPtr,
    reader: ColumnReaderImpl<T>,
    write: Writing<T::T>,
) -> Box<dyn Cells> {
    let (levels, values, text) = (Vec::new(), Vec::new(), Vec::new());
    Box::new(TypedCells { reader, descriptor, write, levels, values, next: 0, next_value: 0, text })
}

fn int32_writing(descriptor: &ColumnDescriptor) -> Option<Writing<i32>> {
    use ConvertedType::{DATE, DECIMAL, INT_8, INT_16, INT_32, NONE, UINT_8, UINT_16, UINT_32};
    match descriptor.converted_type() {
        NONE | INT_8 | INT_16 | INT_32 => Some(write_plain),
        UINT_8 | UINT_16 | UINT_32 => Some(|_, value, out| put(out, value.cast_unsigned())),
        DATE => Some(|_, days, out| {
            put_time(out, DateTime::from_timestamp(i64::from(*days) * 86_400, 0), "%Y-%m-%d")
        }),
        DECIMAL => {
            Some(|descriptor, value, out| put(out, Field::convert_int32(descriptor, *value)))
        }
        _ => None,
    }
}

fn int64_writing(descriptor: &ColumnDescriptor) -> Option<Writing<i64>> {
    use ConvertedType::{DECIMAL, INT_64, NONE, TIMESTAMP_MICROS, TIMESTAMP_MILLIS, UINT_64};
    match (descriptor.logical_type_ref(), descriptor.converted_type()) {
        (Some(LogicalType::Timestamp(timestamp)), _) => Some(timestamp_writing(&timestamp.unit)),
        (Some(LogicalType::Time(_)), _) => None,
        (_, TIMESTAMP_MILLIS) => Some(timestamp_writing(&TimeUnit::MILLIS)),
        (_, TIMESTAMP_MICROS) => Some(timestamp_writing(&TimeUnit::MICROS)),
        (_, NONE | INT_64) => Some(write_plain),
        (_, UINT_64) => Some(|_, value, out| put(out, value.cast_unsigned())),
        (_, DECIMAL) => {
            Some(|descriptor, value, out| put(out, Field::convert_int64(descriptor, *value)))
        }
        _ => None,
    }
}

fn bytes_writing(descriptor: &ColumnDescriptor) -> Option<Writing<ByteArray>> {
    use ConvertedType::{DECIMAL, ENUM, JSON, NONE, UTF8};
    match descriptor.converted_type() {
        // Writers of old leave out that bytes are text; whether they are is seen by the reader of rows.
        UTF8 | ENUM | JSON | NONE => Some(|_, value, out| {
            out.extend_from_slice(value.data());
            true
        }),
        DECIMAL => Some(|descriptor, value, out| put_bytes(descriptor, value.clone(), out)),
        _ => None,
    }
}

fn fixed_bytes_writing(descriptor: &ColumnDescriptor) -> Option<Writing<FixedLenByteArray>> {
    let is_half = descriptor.logical_type_ref() == Some(&LogicalType::Float16);
    let is_number = is_half || descriptor.converted_type() == ConvertedType::DECIMAL;
    let write: Writing<FixedLenByteArray> =
        |descriptor, value, out| put_bytes(descriptor, value.clone().into(), out);
    is_number.then_some(write)
}

fn timestamp_writing(unit: &TimeUnit) -> Writing<i64> {
    match unit {
        TimeUnit::MILLIS => {
            |_, value, out| put_timestamp(out, DateTime::from_timestamp_millis(*value))
        }
        TimeUnit::MICROS => {
            |_, value, out| put_timestamp(out, DateTime::from_timestamp_micros(*value))
        }
        TimeUnit::NANOS => {
            |_, value, out| put_timestamp(out, Some(DateTime::from_timestamp_nanos(*value)))
        }
    }
}

fn write_int96(_: &ColumnDescPtr, value: &Int96, out: &mut Vec<u8>) -> bool {
    put_timestamp(out, DateTime::from_timestamp_millis(value.to_millis()))
}

/// Numbers in the fewest digits that read back as the same; truth as `true` and `false`.
fn write_plain<V: Display>(_: &ColumnDescPtr, value: &V, out: &mut Vec<u8>) -> bool {
    put(out, value)
}

fn put(out: &mut Vec<u8>, value: impl Display) -> bool {
    write!(out, "{value}").is_ok()
}

fn put_timestamp(out: &mut Vec<u8>, time: Option<DateTime<chrono::Utc>>) -> bool {
    put_time(out, time, "%Y-%m-%dT%H:%M:%S%.f")
}

fn put_time(out: &mut Vec<u8>, time: Option<DateTime<chrono::Utc>>, format: &str) -> bool {
    time.is_some_and(|time| put(out, time.format(format)))
}

/// Decimals and numbers of 16 bits.
fn put_bytes(descriptor: &ColumnDescPtr, value: ByteArray, out: &mut Vec<u8>) -> bool {
    match Field::convert_byte_array(descriptor, value) {
        Ok(Field::Float16(half)) => put(out, half.to_f32()),
        Ok(number) => put(out, number),
        Err(_) => false,
    }
}
