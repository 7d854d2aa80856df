use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use parquet::basic::{Encoding, Type};
use parquet::column::page::{Page, PageReader};
use parquet::column::reader::get_column_reader;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::ColumnDescPtr;

use super::list_column::{Element, ElementKind, ListColumn, Part, element_kind, list_column};
use super::page::{CheckedPages, check_place};
use super::read::{check_codec, damaged, name_of, open_reader, refused_column};
use crate::error::{Error, Result};
use crate::table::sample::Visit;
use crate::table::text::find_column;

/// Elements that are decoded at once, where rows are not longer.
const BATCH: usize = 1 << 20;
/// Rows that are decoded at once.
const MOST_ROWS: usize = 1 << 12;

/// Two columns of lists that are read together: in each row what is listed, and a number for each.
pub(in crate::table) struct PairedLists {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    names: Column,
    values: Column,
}

/// One of the two columns.
struct Column {
    name: String,
    at: usize,
    kind: ElementKind,
}

/// A column of lists that a file has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::table) struct ListName {
    pub(in crate::table) name: String,
    pub(in crate::table) kind: ElementKind,
}

/// Returns the columns of lists of numbers or texts in a file.
///
/// # Errors
/// When it cannot be read or is damaged.
pub(in crate::table) fn list_names(path: &Path) -> Result<Vec<ListName>> {
    let reader = open_reader(path)?;
    Ok(lists_of(&reader).map(|(_, list)| list).collect())
}

fn lists_of(reader: &SerializedFileReader<File>) -> impl Iterator<Item = (usize, ListName)> {
    let columns = reader.metadata().file_metadata().schema_descr().columns();
    columns.iter().enumerate().filter_map(|(at, column)| {
        let (name, kind) = (name_of(column)?, element_kind(column)?);
        Some((at, ListName { name, kind }))
    })
}

impl PairedLists {
    /// Opens a file by the names of its two columns.
    ///
    /// # Errors
    /// When it cannot be read or is damaged, lacks a column, or one of them holds something else: lists of whole numbers
    /// or texts, and lists of numbers.
    pub(in crate::table) fn open(path: &Path, names: &str, values: &str) -> Result<Self> {
        let reader = open_reader(path)?;
        let find = |name: &str, expected: &str, fits: fn(ElementKind) -> bool| {
            let columns = reader.metadata().file_metadata().schema_descr().columns();
            let all: Vec<String> = columns.iter().filter_map(name_of).collect();
            find_column(path, &all, name)?;
            let mut lists = lists_of(&reader).filter(|(_, list)| list.name == name);
            match (lists.next(), lists.next()) {
                (Some((at, ListName { name, kind })), None) if fits(kind) => {
                    Ok(Column { name, at, kind })
                }
                (found, _) => {
                    let received = match found {
                        Some((_, ListName { kind: ElementKind::Real, .. })) => "lists of fractions",
                        Some((_, ListName { kind: ElementKind::Text, .. })) => "lists of texts",
                        _ => "something else",
                    };
                    let (name, advice) = (Some(name.to_owned()), "correct `columns` in the recipe");
                    Err(refused_column(path, name, expected, received, advice))
                }
            }
        };
        let names = find(names, "lists of whole numbers or texts", |of| of != ElementKind::Real)?;
        let values = find(values, "lists of numbers", |of| of != ElementKind::Text)?;
        Ok(Self { path: path.to_path_buf(), reader, names, values })
    }

    /// Returns what names the listed things.
    pub(in crate::table) fn kind(&self) -> ElementKind {
        self.names.kind
    }

    /// Returns how many rows there are.
    pub(in crate::table) fn n_rows(&self) -> usize {
        self.groups().map(|rows| rows.len()).sum()
    }

    /// The rows of each row group.
    fn groups(&self) -> impl Iterator<Item = Range<usize>> {
        let groups = self.reader.metadata().row_groups().iter();
        groups.scan(0, |end, group| {
            let start = *end;
            *end += usize::try_from(group.num_rows()).unwrap_or(0);
            Some(start..*end)
        })
    }

    /// Calls `take` with everything that is listed, at least once: of a row group that says so only its dictionary is read.
    ///
    /// # Errors
    /// When the file is damaged.
    pub(in crate::table) fn for_each_name(&self, mut take: impl FnMut(Element<'_>)) -> Result<()> {
        for (group, rows) in self.groups().enumerate() {
            let reader = self.group(group)?;
            if self.is_by_dictionary(group) {
                let pages = self.pages(reader.as_ref(), &self.names)?;
                let physical = self.descriptor(&self.names)?.physical_type();
                let read = for_each_of_dictionary(pages, physical, &mut take);
                read.map_err(|error| damaged(&self.path, error))?;
                continue;
            }
            let mut names = self.lists(reader.as_ref(), &self.names)?;
            for batch in self.batches(group, rows) {
                names.decode(batch.len()).map_err(|error| damaged(&self.path, error))?;
                names.for_each_part(&mut |part| {
                    if let Part::Element(element) = part {
                        take(element);
                    }
                });
            }
        }
        Ok(())
    }

    /// Gives the wanted rows (sorted) to `visit`, whose columns are what `position` makes of the listed things.
    ///
    /// # Errors
    /// When the file is damaged, or in one of these rows a list is missing, something listed is null, or there are more
    /// or fewer values than things listed; the first error of `visit`.
    pub(in crate::table) fn for_each_row(
        &self,
        rows: &[usize],
        position: impl Fn(Element<'_>) -> usize,
        visit: &mut impl Visit,
    ) -> Result<()> {
        let mut left = rows;
        for (group, all) in self.groups().enumerate() {
            let (wanted, others) = left.split_at(left.partition_point(|row| *row < all.end));
            left = others;
            if !wanted.is_empty() {
                self.visit_group(group, all, wanted, &position, visit)?;
            }
        }
        Ok(())
    }

    fn visit_group(
        &self,
        group: usize,
        all: Range<usize>,
        wanted: &[usize],
        position: &impl Fn(Element<'_>) -> usize,
        visit: &mut impl Visit,
    ) -> Result<()> {
        let reader = self.group(group)?;
        let mut names = self.lists(reader.as_ref(), &self.names)?;
        let mut values = self.lists(reader.as_ref(), &self.values)?;
        let (mut columns, mut numbers) = (Decoded::default(), Decoded::default());
        let mut left = wanted;
        for batch in self.batches(group, all) {
            let (wanted, others) = left.split_at(left.partition_point(|row| *row < batch.end));
            left = others;
            let failed = |error| damaged(&self.path, error);
            if wanted.is_empty() {
                let n = batch.len();
                names.skip(n).and_then(|()| values.skip(n)).map_err(failed)?;
                continue;
            }
            let no_column = usize::MAX;
            columns.fill(names.as_mut(), &batch, no_column, position).map_err(failed)?;
            numbers.fill(values.as_mut(), &batch, f32::NAN, number).map_err(failed)?;
            for row in wanted {
                let at = row - batch.start;
                let of_row = columns.list(at).zip(numbers.list(at));
                let of_row = of_row.filter(|(columns, numbers)| columns.len() == numbers.len());
                let fits = |(columns, _): &(&[usize], &[f32])| !columns.contains(&no_column);
                let Some((columns, numbers)) = of_row.filter(fits) else {
                    return Err(self.unfit(*row, columns.list(at), numbers.list(at)));
                };
                columns.iter().zip(numbers).for_each(|(at, value)| visit.value(*at, *value));
                visit.end()?;
            }
        }
        Ok(())
    }

    /// Returns the rows that are decoded at once, one range after another.
    fn batches(&self, group: usize, rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let chunk = self.reader.metadata().row_groups().get(group);
        let n_places = chunk.and_then(|group| group.columns().get(self.names.at));
        let n_places = n_places.map_or(0, |chunk| usize::try_from(chunk.num_values()).unwrap_or(0));
        let of_row = n_places / rows.len().max(1);
        let n_rows = (BATCH / of_row.max(1)).clamp(1, MOST_ROWS);
        rows.clone().step_by(n_rows).map(move |start| start..rows.end.min(start + n_rows))
    }

    fn group(&self, group: usize) -> Result<Box<dyn RowGroupReader + '_>> {
        self.reader.get_row_group(group).map_err(|error| damaged(&self.path, error))
    }

    fn descriptor(&self, column: &Column) -> Result<ColumnDescPtr> {
        let columns = self.reader.metadata().file_metadata().schema_descr().columns();
        let problem = || ParquetError::General("a column is missing".to_owned());
        columns.get(column.at).cloned().ok_or_else(|| damaged(&self.path, problem()))
    }

    fn pages(&self, group: &dyn RowGroupReader, column: &Column) -> Result<CheckedPages> {
        let descriptor = self.descriptor(column)?;
        let chunk = group.metadata().column(column.at);
        check_codec(&self.path, &descriptor, chunk.compression())?;
        let pages = check_place(chunk).and_then(|()| group.get_column_page_reader(column.at));
        let pages = pages.map_err(|error| damaged(&self.path, error))?;
        Ok(CheckedPages::new(pages, &descriptor))
    }

    fn lists(&self, group: &dyn RowGroupReader, column: &Column) -> Result<Box<dyn ListColumn>> {
        let (descriptor, pages) = (self.descriptor(column)?, self.pages(group, column)?);
        let reader = get_column_reader(descriptor.clone(), Box::new(pages));
        let problem = || ParquetError::General("a column changed its type".to_owned());
        list_column(&descriptor, reader).ok_or_else(|| damaged(&self.path, problem()))
    }

    /// Returns whether all that is listed in a row group stands in its dictionary.
    fn is_by_dictionary(&self, group: usize) -> bool {
        let group = self.reader.metadata().row_groups().get(group);
        let chunk = group.and_then(|group| group.columns().get(self.names.at));
        let encodings = chunk.and_then(|chunk| chunk.page_encoding_stats_mask());
        let only = |encoding| encodings.is_some_and(|mask| mask.is_only(encoding));
        only(Encoding::RLE_DICTIONARY) || only(Encoding::PLAIN_DICTIONARY)
    }

    /// Says what is wrong with a row.
    fn unfit(&self, row: usize, names: Option<&[usize]>, values: Option<&[f32]>) -> Error {
        let (column, expected, received) = match (names, values) {
            (None, _) => (&self.names, "a list".to_owned(), "null".to_owned()),
            (_, None) => (&self.values, "a list".to_owned(), "null".to_owned()),
            (Some(names), Some(values)) if names.len() == values.len() => {
                (&self.names, "a name of each value".to_owned(), "null among them".to_owned())
            }
            (Some(names), Some(values)) => (
                &self.values,
                format!("{} values, as many as `{}` has", names.len(), self.names.name),
                values.len().to_string(),
            ),
        };
        let received = format!("{received} in row {}", row + 1);
        let advice = "write the row again, with empty lists where nothing was seen";
        refused_column(&self.path, Some(column.name.clone()), &expected, &received, advice)
    }
}

/// The lists of some rows, end to end.
struct Decoded<V> {
    elements: Vec<V>,
    /// Where the list of each row lies; none of null.
    lists: Vec<Option<Range<usize>>>,
}

impl<V> Default for Decoded<V> {
    fn default() -> Self {
        Self { elements: Vec::new(), lists: Vec::new() }
    }
}

impl<V: Copy> Decoded<V> {
    fn fill(
        &mut self,
        column: &mut dyn ListColumn,
        rows: &Range<usize>,
        null: V,
        read: impl Fn(Element<'_>) -> V,
    ) -> ParquetResult<()> {
        self.elements.clear();
        self.lists.clear();
        column.decode(rows.len())?;
        column.for_each_part(&mut |part| {
            let start = self.elements.len();
            match part {
                Part::List => self.lists.push(Some(start..start)),
                Part::NoList => self.lists.push(None),
                Part::Null => self.elements.push(null),
                Part::Element(element) => self.elements.push(read(element)),
            }
            if let Some(Some(list)) = self.lists.last_mut() {
                list.end = self.elements.len();
            }
        });
        Ok(())
    }

    fn list(&self, at: usize) -> Option<&[V]> {
        self.elements.get(self.lists.get(at)?.clone()?)
    }
}

/// Returns an element as a number.
fn number(element: Element<'_>) -> f32 {
    match element {
        Element::Real(value) => value as f32,
        Element::Whole(value) => value as f32,
        Element::Text(_) => f32::NAN,
    }
}

/// Calls `take` with each entry of the dictionary that the pages of a column chunk begin with.
fn for_each_of_dictionary(
    mut pages: CheckedPages,
    physical: Type,
    take: &mut impl FnMut(Element<'_>),
) -> ParquetResult<()> {
    let Some(Page::DictionaryPage { buf, num_values, .. }) = pages.get_next_page()? else {
        return Err(ParquetError::General("a dictionary is missing".to_owned()));
    };
    let mut rest = &buf[..];
    for _ in 0..num_values {
        let entry = match physical {
            Type::INT32 => rest
                .split_first_chunk()
                .map(|(bytes, rest)| (Element::Whole(i64::from(i32::from_le_bytes(*bytes))), rest)),
            Type::INT64 => rest
                .split_first_chunk()
                .map(|(bytes, rest)| (Element::Whole(i64::from_le_bytes(*bytes)), rest)),
            _ => rest.split_first_chunk().and_then(|(length, rest)| {
                let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
                Some((Element::Text(text), rest))
            }),
        };
        let cut_off = || ParquetError::General("a dictionary is cut off".to_owned());
        let (element, others) = entry.ok_or_else(cut_off)?;
        take(element);
        rest = others;
    }
    Ok(())
}
