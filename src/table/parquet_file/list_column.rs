use parquet::basic::{ConvertedType, Repetition, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::schema::types::ColumnDescriptor;

/// An element of a list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::table) enum Element<'a> {
    /// A whole number.
    Whole(i64),
    /// A floating-point number.
    Real(f64),
    /// A text.
    Text(&'a [u8]),
}

/// What the elements of a column of lists are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::table) enum ElementKind {
    /// Whole numbers.
    Whole,
    /// Floating-point numbers.
    Real,
    /// Texts.
    Text,
}

/// Returns what the elements of a column of lists are, however its writer nests them; none of what is no column of
/// lists of numbers or texts.
pub(super) fn element_kind(column: &ColumnDescriptor) -> Option<ElementKind> {
    use ConvertedType::{INT_8, INT_16, INT_32, INT_64, NONE, UINT_8, UINT_16, UINT_32, UTF8};
    /// The column, what is repeated, and its elements; some writers leave the last one out.
    const DEEPEST: usize = 3;
    let is_list =
        column.max_rep_level() == 1 && (2..=DEEPEST).contains(&column.path().parts().len());
    match (column.physical_type(), column.converted_type()) {
        _ if !is_list => None,
        (Type::FLOAT | Type::DOUBLE, NONE) => Some(ElementKind::Real),
        (Type::INT32, NONE | INT_8 | INT_16 | INT_32 | UINT_8 | UINT_16 | UINT_32)
        | (Type::INT64, NONE | INT_64 | UINT_32) => Some(ElementKind::Whole),
        (Type::BYTE_ARRAY, UTF8) => Some(ElementKind::Text),
        _ => None,
    }
}

/// What the next thing in a column of lists is.
pub(super) enum Part<'a> {
    /// A list begins.
    List,
    /// Null stands in the place of a list.
    NoList,
    /// An element that is null.
    Null,
    /// An element.
    Element(Element<'a>),
}

/// The lists of one column of a row group, front to back.
pub(super) trait ListColumn {
    /// Passes over the next `n` lists.
    fn skip(&mut self, n: usize) -> ParquetResult<()>;
    /// Decodes the next `n` lists.
    fn decode(&mut self, n: usize) -> ParquetResult<()>;
    /// Gives the parts of the decoded lists.
    fn for_each_part(&self, take: &mut dyn FnMut(Part<'_>));
}

/// Returns the lists of a column; none where it is no column of lists of numbers or texts.
pub(super) fn list_column(
    column: &ColumnDescriptor,
    reader: ColumnReader,
) -> Option<Box<dyn ListColumn>> {
    element_kind(column)?;
    Some(match reader {
        ColumnReader::Int32ColumnReader(reader) => {
            let is_unsigned = column.converted_type() == ConvertedType::UINT_32;
            let signed: fn(&i32) -> Element<'_> = |value| Element::Whole(i64::from(*value));
            let unsigned: fn(&i32) -> Element<'_> =
                |value| Element::Whole(i64::from(value.cast_unsigned()));
            typed(column, reader, if is_unsigned { unsigned } else { signed })
        }
        ColumnReader::Int64ColumnReader(reader) => {
            typed(column, reader, |value| Element::Whole(*value))
        }
        ColumnReader::FloatColumnReader(reader) => {
            typed(column, reader, |value| Element::Real(f64::from(*value)))
        }
        ColumnReader::DoubleColumnReader(reader) => {
            typed(column, reader, |value| Element::Real(*value))
        }
        ColumnReader::ByteArrayColumnReader(reader) => {
            typed(column, reader, |value: &ByteArray| Element::Text(value.data()))
        }
        _ => return None,
    })
}

fn typed<T: DataType>(
    column: &ColumnDescriptor,
    reader: ColumnReaderImpl<T>,
    element: fn(&T::T) -> Element<'_>,
) -> Box<dyn ListColumn> {
    let most = column.max_def_level();
    let is_optional = column.self_type().get_basic_info().repetition() == Repetition::OPTIONAL;
    let least = most - i16::from(is_optional);
    let (present, repeated, values) = (Vec::new(), Vec::new(), Vec::new());
    Box::new(TypedLists { reader, element, most, least, present, repeated, values })
}

struct TypedLists<T: DataType> {
    reader: ColumnReaderImpl<T>,
    element: fn(&T::T) -> Element<'_>,
    /// The definition level of an element that has a value, and the least one of an element: a list without any has the
    /// one below it, null in the place of a list a lower one.
    most: i16,
    least: i16,
    /// Definition and repetition level of each place; the latter is 0 for the first of a row.
    present: Vec<i16>,
    repeated: Vec<i16>,
    values: Vec<T::T>,
}

impl<T: DataType> ListColumn for TypedLists<T> {
    fn skip(&mut self, n: usize) -> ParquetResult<()> {
        require(n, self.reader.skip_records(n)?)
    }

    fn decode(&mut self, n: usize) -> ParquetResult<()> {
        self.present.clear();
        self.repeated.clear();
        self.values.clear();
        let (present, repeated) = (Some(&mut self.present), Some(&mut self.repeated));
        let (n_read, _, _) = self.reader.read_records(n, present, repeated, &mut self.values)?;
        require(n, n_read)?;
        let n_begun = self.repeated.iter().filter(|level| **level == 0).count();
        require(n, n_begun)?;
        require(self.present.len(), self.repeated.len())
    }

    fn for_each_part(&self, take: &mut dyn FnMut(Part<'_>)) {
        let mut values = self.values.iter();
        for (present, repeated) in self.present.iter().zip(&self.repeated) {
            let is_there = *present >= self.least - 1;
            if *repeated == 0 {
                take(if is_there { Part::List } else { Part::NoList });
            }
            if *present == self.most {
                if let Some(value) = values.next() {
                    take(Part::Element((self.element)(value)));
                }
            } else if *present >= self.least {
                take(Part::Null);
            }
        }
    }
}

fn require(n: usize, received: usize) -> ParquetResult<()> {
    let problem = || ParquetError::General("a column of lists ends before the others".to_owned());
    if n == received { Ok(()) } else { Err(problem()) }
}
