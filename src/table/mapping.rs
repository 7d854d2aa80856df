use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::filter::{RowFilter, Selection};
use super::name::is_missing;
use super::text::{Rows, TextFormat};
use crate::error::Result;

/// A table that says what the names of another table mean: ids to symbols, wells to perturbations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// What happens to names that it does not know.
    #[serde(default, skip_serializing_if = "Unnamed::is_kept")]
    pub unnamed: Unnamed,
    /// The separator, where detection fails.
    #[serde(default, skip_serializing_if = "TextFormat::is_detected")]
    pub format: TextFormat,
}

/// What happens to a name that a table does not know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unnamed {
    /// It stays as it is.
    #[default]
    Keep,
    /// What it names is left out, before its values are read.
    Drop,
}

impl Unnamed {
    #[allow(clippy::trivially_copy_pass_by_ref)] // serde's `skip_serializing_if` passes a reference
    fn is_kept(&self) -> bool {
        *self == Self::Keep
    }
}

/// Reads a mapping from `file` (the mapping's own path, resolved); rows without a meaning are left out.
///
/// # Errors
/// When a column is missing, or one name has two meanings.
pub fn read_mapping(mapping: &NameMapping, file: &Path) -> Result<BTreeMap<String, String>> {
    let mut rows = Rows::open(file, mapping.format)?;
    let (from, to) = (rows.column(&mapping.from)?, rows.column(&mapping.to)?);
    let mut selection = Selection::new(rows.path(), rows.header(), &mapping.filters)?;
    let mut meanings: BTreeMap<String, String> = BTreeMap::new();
    while let Some(record) = rows.next_record()? {
        let cell = |column| String::from_utf8_lossy(record.get(column).unwrap_or_default());
        let (name, meaning) = (cell(from).trim().to_owned(), cell(to).trim().to_owned());
        match selection.keeps(|column| record.get(column).unwrap_or_default()) {
            Ok(true) if !is_missing(&name) && !is_missing(&meaning) => {}
            Ok(_) => continue,
            Err(incomparable) => return Err(incomparable.refuse(&rows)),
        }
        let mark = mapping.cut_at.as_deref();
        let Some(meaning) = cut(&meaning, mark) else {
            let received = format!("nothing of it before `{}`", mark.unwrap_or_default());
            let advice = "correct `cut_at`, or filter the table";
            return Err(rows.refuse(Some(to), "a name", received, advice));
        };
        let other = meanings.insert(name.clone(), meaning.clone());
        if let Some(other) = other.filter(|other| *other != meaning) {
            let received = format!("`{name}` as `{other}` and as `{meaning}`");
            let advice = "remove one of them, or filter the table";
            return Err(rows.refuse(Some(from), "one meaning for each name", received, advice));
        }
    }
    Ok(meanings)
}

/// Returns what stands before a mark; none if nothing does.
pub(super) fn cut(meaning: &str, mark: Option<&str>) -> Option<String> {
    let before = mark.and_then(|mark| meaning.split(mark).next()).unwrap_or(meaning).trim();
    (!before.is_empty()).then(|| before.to_owned())
}
