use std::path::Path;

use serde::{Deserialize, Serialize};

use super::name::is_missing;
use super::text::Rows;
use super::text::TextFormat;
use crate::error::Result;
use crate::experiment::{Annotation, Moa, Target};

/// Which columns of an annotation table hold what; a cell may hold a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AnnotationColumns {
    /// Columns with the agent's own names; the first that is not empty is what people read.
    pub name: Vec<String>,
    /// Columns with other names: synonyms, trade names, aliases, previous symbols.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub synonyms: Vec<String>,
    /// Columns with foreign identifiers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identifiers: Vec<String>,
    /// Column with the full InChIKey.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inchi_key: Option<String>,
    /// Column with target genes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub targets: Option<String>,
    /// Column with mechanism classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moa: Option<String>,
    /// Column with the highest clinical phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Column with indications.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indication: Option<String>,
    /// Column with the structure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smiles: Option<String>,
    /// Column with a longer description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// One row of an annotation table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnnotationRow {
    /// What the row says; its `name` is the first of `own_names`.
    pub annotation: Annotation,
    /// The names that belong to this agent and no other, best first.
    pub own_names: Vec<String>,
    /// Whether the column named first gave the name, not a later one.
    pub has_best_name: bool,
}

/// Positions of the mapped columns in one table.
struct Positions {
    name: Vec<usize>,
    synonyms: Vec<usize>,
    identifiers: Vec<usize>,
    inchi_key: Option<usize>,
    targets: Option<usize>,
    moa: Option<usize>,
    phase: Option<usize>,
    indication: Option<usize>,
    smiles: Option<usize>,
    description: Option<usize>,
}

/// Reads an annotation table whose lists are split by `separator`; rows without a name are left out.
///
/// # Errors
/// When a mapped column does not exist or the file cannot be read.
pub fn read_annotations(
    path: &Path,
    format: TextFormat,
    columns: &AnnotationColumns,
    separator: &str,
) -> Result<Vec<AnnotationRow>> {
    let mut rows = Rows::open(path, format)?;
    let positions = Positions::find(&rows, columns)?;
    let mut annotations = Vec::new();
    while let Some(cells) = rows.next_row()? {
        annotations.extend(positions.annotation(&cells, separator));
    }
    Ok(annotations)
}

impl Positions {
    fn find(rows: &Rows, columns: &AnnotationColumns) -> Result<Self> {
        let several = |names: &[String]| -> Result<Vec<usize>> {
            names.iter().map(|name| rows.column(name)).collect()
        };
        let one = |name: &Option<String>| name.as_deref().map(|name| rows.column(name)).transpose();
        Ok(Self {
            name: several(&columns.name)?,
            synonyms: several(&columns.synonyms)?,
            identifiers: several(&columns.identifiers)?,
            inchi_key: one(&columns.inchi_key)?,
            targets: one(&columns.targets)?,
            moa: one(&columns.moa)?,
            phase: one(&columns.phase)?,
            indication: one(&columns.indication)?,
            smiles: one(&columns.smiles)?,
            description: one(&columns.description)?,
        })
    }

    fn annotation(&self, cells: &[String], separator: &str) -> Option<AnnotationRow> {
        let list = |columns: &[usize]| lists(cells, columns, separator);
        let optional = |column: Option<usize>| list(column.as_slice());
        let text = |column: Option<usize>| {
            let cell = column.and_then(|column| cells.get(column));
            cell.filter(|cell| !is_missing(cell)).cloned().unwrap_or_default()
        };
        let own_names = list(&self.name);
        let name = own_names.first()?.clone();
        let mut synonyms: Vec<String> = own_names.iter().skip(1).cloned().collect();
        synonyms.extend(list(&self.synonyms).into_iter().filter(|s| !own_names.contains(s)));
        let best_column = self.name.first().copied();
        Some(AnnotationRow {
            annotation: Annotation {
                name,
                synonyms,
                identifiers: list(&self.identifiers),
                targets: optional(self.targets).into_iter().map(Target).collect(),
                moas: optional(self.moa).into_iter().map(Moa).collect(),
                phase: text(self.phase),
                indications: optional(self.indication),
                inchi_key: text(self.inchi_key),
                smiles: text(self.smiles),
                description: text(self.description),
            },
            own_names,
            has_best_name: !optional(best_column).is_empty(),
        })
    }
}

/// Returns the known values of some list columns, each once, in order.
fn lists(cells: &[String], columns: &[usize], separator: &str) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for cell in columns.iter().filter_map(|column| cells.get(*column)) {
        for value in cell.split(separator).map(str::trim).filter(|value| !is_missing(value)) {
            if !values.iter().any(|known| known == value) {
                values.push(value.to_owned());
            }
        }
    }
    values
}
