use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::filter::{Incomparable, RowFilter, Selection};
use super::mapping::cut;
use super::name::is_missing;
use super::pattern::Pattern;
use super::text::{Rows, find_column, whole_file};
use super::writing::TextFormat;
use crate::error::{Error, Result};

/// How the samples of a matrix (signatures, wells, profiles) get their contexts and perturbations
/// from the columns of a table.
#[derive(Debug, Clone, Copy)]
pub struct SampleColumns<'a> {
    /// The column with the samples' names in the matrix.
    pub id: &'a str,
    /// The context of a sample.
    pub context: &'a Pattern,
    /// The perturbation of a sample.
    pub perturbation: &'a Pattern,
    /// Where to cut the perturbation: `_` turns the allele `KRAS_G12V` into `KRAS`.
    pub cut_at: Option<&'a str>,
    /// Which rows count.
    pub filters: &'a [RowFilter],
}

/// A perturbation in a context: what one or several samples measured.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Condition {
    /// The context.
    pub context: String,
    /// The perturbation, as the table spells it.
    pub perturbation: String,
}

/// What a table says of the samples of a matrix.
#[derive(Debug, Clone, Default)]
pub struct SampleSheet {
    conditions: Vec<Condition>,
    condition_of: HashMap<String, u32>,
    /// How many rows were filtered out or converted, and why.
    pub notices: Vec<String>,
}

impl SampleSheet {
    /// Returns the condition that a sample measured; none if the table leaves it out.
    #[must_use]
    pub fn condition(&self, sample: &str) -> Option<&Condition> {
        let position = *self.condition_of.get(sample)? as usize;
        self.conditions.get(position)
    }
}

/// Reads a sample table; rows that the filters do not keep, or that lack a name, are left out.
///
/// # Errors
/// When a column is missing, a cell cannot be compared with a filter's bound, or one sample has two
/// conditions.
///
/// # Examples
/// ```
/// use phenocopy::table::{Pattern, SampleColumns, TextFormat, read_sample_sheet};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("siginfo_beta.txt");
/// std::fs::write(&path, "sig_id\tcmap_name\tcell_iname\nS1\tvorinostat\tA375\n").unwrap();
/// let columns = SampleColumns {
///     id: "sig_id",
///     context: &Pattern::parse("L1000 {cell_iname}").unwrap(),
///     perturbation: &Pattern::parse("{cmap_name}").unwrap(),
///     cut_at: None,
///     filters: &[],
/// };
/// let sheet = read_sample_sheet(&path, TextFormat::Detect, columns)?;
/// assert_eq!(sheet.condition("S1").unwrap().context, "L1000 A375");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_sample_sheet(
    path: &Path,
    format: TextFormat,
    columns: SampleColumns<'_>,
) -> Result<SampleSheet> {
    let mut rows = Rows::open(path, format)?;
    let mut builder = SheetBuilder::new(path, rows.header(), columns)?;
    while let Some(record) = rows.next_record()? {
        let pushed = builder.push(|column| record.get(column).unwrap_or_default());
        pushed.map_err(|problem| problem.of_row(&rows))?;
    }
    Ok(builder.finish())
}

/// A sample sheet in the making: rows come one by one from wherever the table lies.
pub(super) struct SheetBuilder<'a> {
    path: PathBuf,
    columns: SampleColumns<'a>,
    id: usize,
    positions: HashMap<&'a str, usize>,
    selection: Selection,
    positions_of: HashMap<Condition, u32>,
    sheet: SampleSheet,
    n_filtered: u64,
    n_nameless: u64,
}

/// What is wrong with a row of a sample table.
pub(super) struct BadRow {
    column: Option<usize>,
    expected: &'static str,
    received: String,
    advice: &'static str,
}

impl BadRow {
    fn of_row(self, rows: &Rows) -> Error {
        rows.refuse(self.column, self.expected, self.received, self.advice)
    }

    /// Returns the error where rows have no line numbers.
    pub(super) fn of_file(self, path: &Path) -> Error {
        whole_file(path, self.expected, self.received, self.advice)
    }
}

impl From<Incomparable> for BadRow {
    fn from(cell: Incomparable) -> Self {
        let Incomparable { column, expected, received } = cell;
        Self { column: Some(column), expected, received, advice: Incomparable::ADVICE }
    }
}

impl<'a> SheetBuilder<'a> {
    pub(super) fn new(path: &Path, header: &[String], columns: SampleColumns<'a>) -> Result<Self> {
        let named = columns.context.columns().chain(columns.perturbation.columns());
        let find = |name: &'a str| Ok((name, find_column(path, header, name)?));
        Ok(Self {
            path: path.to_path_buf(),
            columns,
            id: find_column(path, header, columns.id)?,
            positions: named.map(find).collect::<Result<_>>()?,
            selection: Selection::new(path, header, columns.filters)?,
            positions_of: HashMap::new(),
            sheet: SampleSheet::default(),
            n_filtered: 0,
            n_nameless: 0,
        })
    }

    /// Returns the positions of the columns that are read.
    pub(super) fn needed_columns(&self) -> Vec<usize> {
        let named = self.positions.values().copied();
        named.chain([self.id]).chain(self.selection.columns()).collect()
    }

    /// Takes one row in; `cell` gives its cells.
    pub(super) fn push<'b>(&mut self, cell: impl Fn(usize) -> &'b [u8]) -> Result<(), BadRow> {
        if !self.selection.keeps(&cell)? {
            self.n_filtered += 1;
            return Ok(());
        }
        let text = |column: usize| String::from_utf8_lossy(cell(column)).trim().to_owned();
        let id = text(self.id);
        let Some(condition) = self.condition(text).filter(|_| !is_missing(&id)) else {
            self.n_nameless += 1;
            return Ok(());
        };
        let position = self.position(condition);
        let other = self.sheet.condition_of.insert(id.clone(), position);
        match other.filter(|other| *other != position) {
            None => Ok(()),
            Some(other) => Err(self.two_conditions(&id, [other, position])),
        }
    }

    /// Returns what a row's sample measured; none if a column that names it is empty.
    fn condition(&self, text: impl Fn(usize) -> String) -> Option<Condition> {
        let cell =
            |column: &str| self.positions.get(column).map(|at| text(*at)).unwrap_or_default();
        let mut named = self.positions.values().map(|at| text(*at));
        if named.any(|name| is_missing(&name)) {
            return None;
        }
        let perturbation = cut(&self.columns.perturbation.fill(cell), self.columns.cut_at)?;
        Some(Condition { context: self.columns.context.fill(cell), perturbation })
    }

    fn position(&mut self, condition: Condition) -> u32 {
        if let Some(position) = self.positions_of.get(&condition) {
            return *position;
        }
        let position = self.sheet.conditions.len() as u32;
        self.sheet.conditions.push(condition.clone());
        self.positions_of.insert(condition, position);
        position
    }

    fn two_conditions(&self, id: &str, positions: [u32; 2]) -> BadRow {
        let [one, other] = positions.map(|at| self.sheet.conditions.get(at as usize));
        let said = |condition: Option<&Condition>| {
            let condition = condition.cloned();
            condition.map_or(String::new(), |c| format!("`{}` in `{}`", c.perturbation, c.context))
        };
        BadRow {
            column: Some(self.id),
            expected: "one meaning for each sample",
            received: format!("`{id}` as {} and as {}", said(one), said(other)),
            advice: "remove one of them, or filter the table",
        }
    }

    pub(super) fn finish(mut self) -> SampleSheet {
        let notices = self.selection.notices();
        let file = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.sheet.notices.extend(notices.into_iter().map(|notice| format!("{file}: {notice}")));
        for (n_rows, why) in [
            (self.n_filtered, "do not pass the filters"),
            (self.n_nameless, "name no perturbation or context"),
        ] {
            if n_rows > 0 {
                self.sheet.notices.push(format!("{file}: {n_rows} rows {why}"));
            }
        }
        self.sheet
    }
}
