use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::filter::{RowFilter, Selection};
use super::name::is_missing;
use super::text::Rows;
use super::text::TextFormat;
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
    /// What it names is left out, before its values are read; so is a name that the table gives several meanings.
    Drop,
}

/// One table of names or several, each turning what the one before it says into the next: ids of experiments to
/// those of cell lines, and these to names.
///
/// A recipe writes it as one table or as an array of them.
#[derive(Debug, Clone, PartialEq)]
pub struct NameChain(pub Vec<NameMapping>);

impl<'de> Deserialize<'de> for NameChain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ChainVisitor)
    }
}

impl Serialize for NameChain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(serializer),
            several => several.serialize(serializer),
        }
    }
}

/// Tells one from several by what comes, so that a wrong key is named as in any other table.
struct ChainVisitor;

impl<'de> Visitor<'de> for ChainVisitor {
    type Value = NameChain;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of `file`, `from` and `to`, or an array of such tables")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<NameChain, A::Error> {
        let one = NameMapping::deserialize(MapAccessDeserializer::new(map))?;
        Ok(NameChain(vec![one]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<NameChain, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq)).map(NameChain)
    }
}

/// What a table of names says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameMeanings {
    /// What each name means.
    pub meanings: BTreeMap<String, String>,
    /// Names with several meanings, which therefore have none.
    pub ambiguous: BTreeSet<String>,
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
/// When a column is missing, or one name has two meanings and names without meaning are kept.
pub fn read_mapping(mapping: &NameMapping, file: &Path) -> Result<NameMeanings> {
    let mut rows = Rows::open(file, mapping.format)?;
    let (from, to) = (rows.column(&mapping.from)?, rows.column(&mapping.to)?);
    let mut selection = Selection::new(rows.path(), rows.header(), &mapping.filters)?;
    let mut read = NameMeanings::default();
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
        let other = read.meanings.insert(name.clone(), meaning.clone());
        let Some(other) = other.filter(|other| *other != meaning) else { continue };
        if mapping.unnamed == Unnamed::Drop {
            read.ambiguous.insert(name);
            continue;
        }
        let received = format!("`{name}` as `{other}` and as `{meaning}`");
        let advice =
            "remove one of them, filter the table, or leave such names out by `unnamed = \"drop\"`";
        return Err(rows.refuse(Some(from), "one meaning for each name", received, advice));
    }
    read.meanings.retain(|name, _| !read.ambiguous.contains(name));
    Ok(read)
}

/// Returns what stands before a mark; none if nothing does.
pub(super) fn cut(meaning: &str, mark: Option<&str>) -> Option<String> {
    let before = mark.and_then(|mark| meaning.split(mark).next()).unwrap_or(meaning).trim();
    (!before.is_empty()).then(|| before.to_owned())
}
