use super::list::NameList;
use crate::error::{Error, Result};
use crate::table::name::is_missing;
use crate::table::text::{Rows, TextFormat, whole_file};

/// The names of the columns where none are given; the last need not be there.
const COLUMNS: [&str; 3] = ["perturbation", "context", "readout"];

/// A table of perturbations and contexts, with or without a readout of each, read row by row.
///
/// ```
/// use phenocopy::table::{NameList, PairTable};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("pairs.csv");
/// std::fs::write(&path, "drug,screen\nvenetoclax,GDSC2\n").unwrap();
/// let list = NameList { path, columns: Some("drug,screen".into()) };
/// let mut pairs = PairTable::open(&list)?;
/// let pair = pairs.next_pair()?.unwrap();
/// assert_eq!((pair.perturbation.as_str(), pair.readout), ("venetoclax", None));
/// assert!(pairs.next_pair()?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PairTable {
    rows: Rows,
    perturbation: usize,
    context: usize,
    readout: Option<usize>,
}

/// A row of a [`PairTable`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The perturbation, as it is written there.
    pub perturbation: String,
    /// The context.
    pub context: String,
    /// The readout; none where the table has no such column, or the cell is missing.
    pub readout: Option<String>,
}

impl PairTable {
    /// Opens a table (CSV, TSV, Excel, Parquet) whose columns are named in the order perturbation, context, readout,
    /// joined by commas, or are called so.
    ///
    /// # Errors
    /// When the file cannot be read, or a column is not there.
    pub fn open(list: &NameList) -> Result<Self> {
        let rows = Rows::open(&list.path, TextFormat::Detect)?;
        let named: Option<Vec<&str>> =
            list.columns.as_deref().map(|columns| columns.split(',').map(str::trim).collect());
        let wanted = named.as_deref().unwrap_or(&COLUMNS);
        let find = |name: &&str| rows.header().iter().position(|column| column == name);
        let found: Vec<Option<usize>> = wanted.iter().map(find).collect();
        let (perturbation, context, readout) = match found.as_slice() {
            [Some(perturbation), Some(context)] => (*perturbation, *context, None),
            [Some(perturbation), Some(context), readout @ Some(_)] => {
                (*perturbation, *context, *readout)
            }
            [Some(perturbation), Some(context), None] if named.is_none() => {
                (*perturbation, *context, None)
            }
            _ => return Err(Self::without_columns(&rows, wanted)),
        };
        Ok(Self { rows, perturbation, context, readout })
    }

    fn without_columns(rows: &Rows, wanted: &[&str]) -> Error {
        let quoted = |names: Vec<&str>| {
            names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        };
        whole_file(
            rows.path(),
            format!("columns {}", quoted(wanted.to_vec())),
            quoted(rows.header().iter().map(String::as_str).take(12).collect()),
            "name them: FILE:PERTURBATION,CONTEXT or FILE:PERTURBATION,CONTEXT,READOUT",
        )
    }

    /// Reads the next row; `None` after the last.
    ///
    /// # Errors
    /// When the row is not of the table's shape, or has no perturbation or no context.
    pub fn next_pair(&mut self) -> Result<Option<Pair>> {
        let Some(mut cells) = self.rows.next_row()? else { return Ok(None) };
        let mut take = |at: usize| {
            let cell = cells.get_mut(at).map(std::mem::take).unwrap_or_default();
            (!is_missing(&cell)).then_some(cell)
        };
        let (perturbation, context) = (take(self.perturbation), take(self.context));
        let readout = self.readout.and_then(take);
        let nothing = |column: usize| {
            let advice = "complete the row, or leave it out";
            self.rows.refuse(Some(column), "a name", "nothing".to_owned(), advice)
        };
        Ok(Some(Pair {
            perturbation: perturbation.ok_or_else(|| nothing(self.perturbation))?,
            context: context.ok_or_else(|| nothing(self.context))?,
            readout,
        }))
    }
}
