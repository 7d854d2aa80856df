use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::name::is_missing;
use super::text::{Rows, TextFormat};
use crate::error::Result;

/// Keeps the rows of a table whose column holds one of some values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowFilter {
    /// The column.
    pub column: String,
    /// The values to keep, spelt exactly as in the table.
    pub values: Vec<String>,
}

/// A table that says what the names of another table mean: ids to symbols, wells to perturbations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameMapping {
    /// The table's file.
    pub file: PathBuf,
    /// The column with the names to translate.
    pub from: String,
    /// The column with what they mean.
    pub to: String,
    /// Which of its rows count.
    #[serde(default, rename = "filter", skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<RowFilter>,
    /// Where to cut what they mean: `_` turns the allele `KRAS_G12V` into `KRAS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_at: Option<String>,
    /// The separator, where detection fails.
    #[serde(default, skip_serializing_if = "TextFormat::is_detected")]
    pub format: TextFormat,
}

/// Row filters whose columns have been found in a table.
pub(super) struct Selection(Vec<(usize, Vec<String>)>);

impl Selection {
    pub(super) fn new(rows: &Rows, filters: &[RowFilter]) -> Result<Self> {
        let find = |filter: &RowFilter| Ok((rows.column(&filter.column)?, filter.values.clone()));
        Ok(Self(filters.iter().map(find).collect::<Result<_>>()?))
    }

    pub(super) fn keeps(&self, record: &csv::ByteRecord) -> bool {
        self.0.iter().all(|(column, values)| {
            let cell = record.get(*column).unwrap_or_default().trim_ascii();
            values.iter().any(|value| value.as_bytes() == cell)
        })
    }
}

/// Reads a mapping from `file` (the mapping's own path, resolved); rows without a meaning are left out.
///
/// # Errors
/// When a column is missing, or one name has two meanings.
pub fn read_mapping(mapping: &NameMapping, file: &Path) -> Result<BTreeMap<String, String>> {
    let mut rows = Rows::open(file, mapping.format)?;
    let (from, to) = (rows.column(&mapping.from)?, rows.column(&mapping.to)?);
    let selection = Selection::new(&rows, &mapping.filters)?;
    let mut meanings: BTreeMap<String, String> = BTreeMap::new();
    while let Some(record) = rows.next_record()? {
        let cell = |column| String::from_utf8_lossy(record.get(column).unwrap_or_default());
        let (name, mut meaning) = (cell(from).trim().to_owned(), cell(to).trim().to_owned());
        if !selection.keeps(record) || is_missing(&name) || is_missing(&meaning) {
            continue;
        }
        if let Some(mark) = &mapping.cut_at {
            meaning = meaning.split(mark.as_str()).next().unwrap_or_default().trim().to_owned();
        }
        if meaning.is_empty() {
            let received =
                format!("nothing of it before `{}`", mapping.cut_at.as_deref().unwrap_or(""));
            let advice = "correct `cut_at`, or filter the table";
            return Err(rows.refuse(Some(to), "a name", received, advice));
        }
        let other = meanings.insert(name.clone(), meaning.clone());
        if let Some(other) = other.filter(|other| *other != meaning) {
            let received = format!("`{name}` as `{other}` and as `{meaning}`");
            let advice = "remove one of them, or filter the table";
            return Err(rows.refuse(Some(from), "one meaning for each name", received, advice));
        }
    }
    Ok(meanings)
}
