use std::fmt::Display;
use std::io::Write;

use csv::ByteRecord;
use parquet::basic::{Repetition, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::Result as ParquetResult;
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::cell::Cells;

/// The key under which a file names the numbers of its vectors, as a JSON list.
const READOUTS: &str = "phenocopy.readouts";

/// Returns whether a column is one of lists of floating-point numbers, however its writer nests them.
pub(super) fn is_list(column: &ColumnDescriptor) -> bool {
    /// The column, what is repeated, and its elements; some writers leave the last one out.
    const DEEPEST: usize = 3;
    matches!(column.physical_type(), Type::FLOAT | Type::DOUBLE)
        && column.max_rep_level() == 1
        && (2..=DEEPEST).contains(&column.path().parts().len())
}

/// Vectors that are said to be longer are damage.
const LONGEST: usize = 1 << 20;

/// What the lists of a column have in common.
pub(super) struct Lists {
    /// A name for each of their numbers: of the readouts where the file tells them, else `d0`, `d1`, ….
    pub(super) names: Vec<String>,
}

impl Lists {
    /// Takes their length from what the first row group says of itself; none where it says that they differ.
    pub(super) fn of<R: ChunkReader + 'static>(
        reader: &SerializedFileReader<R>,
        column: usize,
    ) -> Option<Self> {
        let metadata = reader.metadata();
        let group = metadata.row_groups().iter().find(|group| group.num_rows() > 0);
        let length = match group {
            None => 0,
            Some(group) => {
                let n_numbers = group.columns().get(column)?.num_values();
                if n_numbers % group.num_rows() != 0 {
                    return None;
                }
                usize::try_from(n_numbers / group.num_rows()).ok().filter(|n| *n <= LONGEST)?
            }
        };
        let told = metadata.file_metadata().key_value_metadata().into_iter().flatten();
        let told = told.filter(|pair| pair.key == READOUTS).find_map(|pair| pair.value.as_deref());
        let told = told.and_then(|text| serde_json::from_str::<Vec<String>>(text).ok());
        let counted = || (0..length).map(|at| format!("d{at}")).collect();
        Some(Self { names: told.filter(|names| names.len() == length).unwrap_or_else(counted) })
    }
}

/// Returns the vectors of a column, of this length; none where they are no floating-point numbers.
pub(super) fn lists_of(
    column: &ColumnDescriptor,
    reader: ColumnReader,
    length: usize,
) -> Option<Box<dyn Cells>> {
    match reader {
        ColumnReader::FloatColumnReader(reader) => Some(lists(column, reader, length)),
        ColumnReader::DoubleColumnReader(reader) => Some(lists(column, reader, length)),
        _ => None,
    }
}

fn lists<T: DataType>(
    column: &ColumnDescriptor,
    reader: ColumnReaderImpl<T>,
    length: usize,
) -> Box<dyn Cells>
where
    T::T: Display,
{
    let most = column.max_def_level();
    let is_optional = column.self_type().get_basic_info().repetition() == Repetition::OPTIONAL;
    let null = is_optional.then_some(most - 1);
    Box::new(ListCells {
        reader,
        length,
        most,
        null,
        present: Vec::new(),
        repeated: Vec::new(),
        values: Vec::new(),
        next: 0,
        next_value: 0,
        text: Vec::new(),
    })
}

struct ListCells<T: DataType> {
    reader: ColumnReaderImpl<T>,
    length: usize,
    /// The definition level of a number that is there, and of one that is null in a list that is there.
    most: i16,
    null: Option<i16>,
    /// Definition and repetition level of each number; the latter is 0 for the first of a list.
    present: Vec<i16>,
    repeated: Vec<i16>,
    values: Vec<T::T>,
    next: usize,
    next_value: usize,
    text: Vec<u8>,
}

impl<T: DataType> Cells for ListCells<T>
where
    T::T: Display,
{
    fn decode(&mut self, n: usize) -> ParquetResult<usize> {
        self.present.clear();
        self.repeated.clear();
        self.values.clear();
        (self.next, self.next_value) = (0, 0);
        let (present, repeated) = (Some(&mut self.present), Some(&mut self.repeated));
        let (n_read, _, _) = self.reader.read_records(n, present, repeated, &mut self.values)?;
        Ok(n_read)
    }

    fn push_next(&mut self, record: &mut ByteRecord) -> bool {
        let mut n_pushed = 0;
        while let Some(level) = self.present.get(self.next) {
            let is_next_list = self.repeated.get(self.next).is_none_or(|level| *level == 0);
            if is_next_list && n_pushed > 0 {
                break;
            }
            let (is_number, is_null) = (*level == self.most, Some(*level) == self.null);
            if !is_number && !is_null {
                // The list is empty or missing.
                return false;
            }
            self.text.clear();
            if is_number {
                let value = self.values.get(self.next_value);
                if !value.is_some_and(|value| write!(self.text, "{value}").is_ok()) {
                    return false;
                }
                self.next_value += 1;
            }
            record.push_field(&self.text);
            self.next += 1;
            n_pushed += 1;
        }
        n_pushed == self.length
    }
}
