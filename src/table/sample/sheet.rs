use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::agent_names::{AgentNames, Agents};
use super::pattern::Pattern;
use crate::error::{Error, Result};
use crate::table::filter::{Incomparable, RowFilter, Selection};
use crate::table::name::is_missing;
use crate::table::text::TextFormat;
use crate::table::text::{Rows, find_column, whole_file};
use crate::table::wanted::SampleKey;

/// How the samples of a matrix (signatures, wells, profiles) get their contexts and perturbations
/// from the columns of a table.
#[derive(Debug, Clone, Copy)]
pub struct SampleColumns<'a> {
    /// The column with the samples' names in the matrix; none where a row of the table is a row of the matrix.
    pub id: Option<&'a str>,
    /// The context of a sample.
    pub context: &'a Pattern,
    /// The perturbation of a sample.
    pub perturbation: &'a Pattern,
    /// How the perturbation is written.
    pub agents: AgentNames<'a>,
    /// Which rows count.
    pub filters: &'a [RowFilter],
}

/// A perturbation in a context: what one or several samples measured.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Condition {
    /// The context.
    pub context: String,
    /// The perturbation, as the table spells it; empty for controls.
    pub perturbation: String,
    /// Whether it is that of controls, which others are compared with.
    pub is_control: bool,
}

/// The position of no condition: rows may be 100 million, and an `Option` of a position would take twice its bytes.
const NO_CONDITION: u32 = u32::MAX;

/// What a table says of the samples of a matrix.
#[derive(Debug, Clone, Default)]
pub struct SampleSheet {
    conditions: Vec<Condition>,
    /// Positions of the conditions of named samples.
    condition_of: HashMap<String, u32>,
    /// The same of each row, where the table is in the order of the matrix; [`NO_CONDITION`] where it leaves the row out.
    of_rows: Vec<u32>,
    /// How many rows were filtered out or converted, and why.
    pub notices: Vec<String>,
}

impl SampleSheet {
    /// Returns the condition that a sample measured; none if the table leaves it out.
    #[must_use]
    pub fn condition(&self, sample: SampleKey<'_>) -> Option<&Condition> {
        let position = match sample {
            SampleKey::Name(name) => *self.condition_of.get(name)?,
            SampleKey::Row(row) => *self.of_rows.get(row)?,
        };
        self.conditions.get(position as usize)
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
/// use phenocopy::table::{AgentNames, Pattern, SampleColumns, SampleKey, TextFormat, read_sample_sheet};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("siginfo_beta.txt");
/// std::fs::write(&path, "sig_id\tcmap_name\tcell_iname\nS1\tvorinostat\tA375\n").unwrap();
/// let columns = SampleColumns {
///     id: Some("sig_id"),
///     context: &Pattern::parse("L1000 {cell_iname}").unwrap(),
///     perturbation: &Pattern::parse("{cmap_name}").unwrap(),
///     agents: AgentNames::default(),
///     filters: &[],
/// };
/// let sheet = read_sample_sheet(&path, TextFormat::Detect, columns)?;
/// assert_eq!(sheet.condition(SampleKey::Name("S1")).unwrap().context, "L1000 A375");
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
pub(in crate::table) struct SheetBuilder<'a> {
    path: PathBuf,
    columns: SampleColumns<'a>,
    id: Option<usize>,
    positions: HashMap<&'a str, usize>,
    selection: Selection,
    positions_of: HashMap<Condition, u32>,
    sheet: SampleSheet,
    n_filtered: u64,
    n_nameless: u64,
}

/// What is wrong with a row of a sample table.
pub(in crate::table) struct BadRow {
    column: Option<usize>,
    expected: &'static str,
    received: String,
    advice: &'static str,
}

impl BadRow {
    fn of_row(self, rows: &Rows) -> Error {
        rows.refuse(self.column, self.expected, self.received, self.advice)
    }

    /// Adds the number of the row, from 1.
    pub(in crate::table) fn in_row(self, row: u64) -> Self {
        Self { received: format!("{} in row {row}", self.received), ..self }
    }

    /// Returns the error where rows have no line numbers.
    pub(in crate::table) fn of_file(self, path: &Path) -> Error {
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
    pub(in crate::table) fn new(
        path: &Path,
        header: &[String],
        columns: SampleColumns<'a>,
    ) -> Result<Self> {
        let named = columns.context.columns().chain(columns.perturbation.columns());
        let find = |name: &'a str| Ok((name, find_column(path, header, name)?));
        Ok(Self {
            path: path.to_path_buf(),
            columns,
            id: columns.id.map(|id| find_column(path, header, id)).transpose()?,
            positions: named.map(find).collect::<Result<_>>()?,
            selection: Selection::new(path, header, columns.filters)?,
            positions_of: HashMap::new(),
            sheet: SampleSheet::default(),
            n_filtered: 0,
            n_nameless: 0,
        })
    }

    /// Returns the positions of the columns that are read.
    pub(in crate::table) fn needed_columns(&self) -> Vec<usize> {
        let named = self.positions.values().copied();
        named.chain(self.id).chain(self.selection.columns()).collect()
    }

    /// Takes one row in; `cell` gives its cells.
    pub(in crate::table) fn push<'b>(
        &mut self,
        cell: impl Fn(usize) -> &'b [u8],
    ) -> Result<(), BadRow> {
        let position = self.position_of(&cell)?;
        let Some(id) = self.id else {
            self.sheet.of_rows.push(position.unwrap_or(NO_CONDITION));
            return Ok(());
        };
        let Some(position) = position else { return Ok(()) };
        let id = String::from_utf8_lossy(cell(id)).trim().to_owned();
        let other = self.sheet.condition_of.insert(id.clone(), position);
        match other.filter(|other| *other != position) {
            None => Ok(()),
            Some(other) => Err(self.two_conditions(&id, [other, position])),
        }
    }

    /// Returns the position of a row's condition; none if the row does not count.
    fn position_of<'b>(&mut self, cell: impl Fn(usize) -> &'b [u8]) -> Result<Option<u32>, BadRow> {
        if !self.selection.keeps(&cell)? {
            self.n_filtered += 1;
            return Ok(None);
        }
        let text = |column: usize| String::from_utf8_lossy(cell(column)).trim().to_owned();
        let has_name = self.id.is_none_or(|id| !is_missing(&text(id)));
        let Some(condition) = self.condition(text).filter(|_| has_name) else {
            self.n_nameless += 1;
            return Ok(None);
        };
        Ok(Some(self.position(condition)))
    }

    /// Returns what a row's sample measured; none if a column that names it is empty.
    fn condition(&self, text: impl Fn(usize) -> String) -> Option<Condition> {
        let cell =
            |column: &str| self.positions.get(column).map(|at| text(*at)).unwrap_or_default();
        let mut named = self.positions.values().map(|at| text(*at));
        if named.any(|name| is_missing(&name)) {
            return None;
        }
        let agents = self.columns.agents.read(&self.columns.perturbation.fill(cell))?;
        let (perturbation, is_control) = match agents {
            Agents::Control => (String::new(), true),
            Agents::Named(name) => (name, false),
        };
        Some(Condition { context: self.columns.context.fill(cell), perturbation, is_control })
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
            column: self.id,
            expected: "one meaning for each sample",
            received: format!("`{id}` as {} and as {}", said(one), said(other)),
            advice: "remove one of them, or filter the table",
        }
    }

    pub(in crate::table) fn finish(mut self) -> SampleSheet {
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
