use std::io::{self, Write};

use crate::report::columns::{Description, text, to_text};
use crate::report::hit_columns::TYPES;
use crate::report::tsv::write_line;
use crate::search::Entry;
use crate::table::ValueType::{Float32, Text};
use crate::table::{Value, ValueType};

/// A column of what is known of a perturbation.
pub(super) struct EntryColumn {
    pub(super) name: &'static str,
    pub(super) of: ValueType,
    range: &'static str,
    meaning: &'static str,
    /// Of a perturbation and the fingerprint of the index.
    value: fn(&Entry<'_>, &str) -> Value,
}

impl EntryColumn {
    pub(super) fn description(&self) -> Description {
        let Self { name, of, range, meaning, .. } = *self;
        Description { name, of, range, meaning }
    }
}

/// Returns what is known of a perturbation: a cell for each column.
pub(super) fn entry_cells(entry: &Entry<'_>, fingerprint: &str) -> Vec<Value> {
    ENTRY_COLUMNS.iter().map(|column| (column.value)(entry, fingerprint)).collect()
}

/// Writes the names of the columns of what is known.
pub(super) fn write_header(out: &mut dyn Write) -> io::Result<()> {
    write_line(out, ENTRY_COLUMNS.iter().map(|column| column.name.to_owned()))
}

/// Writes what is known of a perturbation as a line.
pub(super) fn write_known(
    out: &mut dyn Write,
    entry: &Entry<'_>,
    fingerprint: &str,
) -> io::Result<()> {
    write_line(out, entry_cells(entry, fingerprint).iter().map(to_text))
}

/// The columns of a perturbation, in their stable order: its symbol first, as readers of tables take names from there,
/// the index's fingerprint last.
pub(super) static ENTRY_COLUMNS: [EntryColumn; 14] = [
    EntryColumn {
        name: "symbol",
        of: Text,
        range: "",
        meaning: "unique symbol, such as CRISPR-KO_BCL2; `hit` of hits",
        value: |entry, _| Value::Text(entry.record.perturbation.symbol()),
    },
    EntryColumn {
        name: "name",
        of: Text,
        range: "",
        meaning: "display name",
        value: |entry, _| text(entry.record.name()),
    },
    EntryColumn {
        name: "type",
        of: Text,
        range: TYPES,
        meaning: "type, as CMap names it",
        value: |entry, _| text(entry.record.perturbation.perturbation_type().cmap_code()),
    },
    EntryColumn {
        name: "gene",
        of: Text,
        range: "",
        meaning: "HGNC symbol of a genetic perturbation's gene",
        value: |entry, _| entry.record.gene().map_or(Value::Missing, text),
    },
    EntryColumn {
        name: "moa",
        of: Text,
        range: "joined by |",
        meaning: "mechanisms; of a gene those of compounds annotated with it",
        value: |entry, _| joined(entry.record.annotation.moas.iter().map(|moa| moa.0.as_str())),
    },
    EntryColumn {
        name: "targets",
        of: Text,
        range: "joined by |",
        meaning: "genes that it acts on",
        value: |entry, _| joined(entry.record.acts_on().into_iter()),
    },
    EntryColumn {
        name: "phase",
        of: Text,
        range: "",
        meaning: "clinical phase",
        value: |entry, _| text(&entry.record.annotation.phase),
    },
    EntryColumn {
        name: "indication",
        of: Text,
        range: "joined by |",
        meaning: "what it is used against",
        value: |entry, _| strings(&entry.record.annotation.indications),
    },
    EntryColumn {
        name: "identifiers",
        of: Text,
        range: "joined by |",
        meaning: "identifiers of public databases",
        value: |entry, _| strings(&entry.record.annotation.identifiers),
    },
    EntryColumn {
        name: "inchi_key",
        of: Text,
        range: "",
        meaning: "InChIKey",
        value: |entry, _| text(&entry.record.annotation.inchi_key),
    },
    EntryColumn {
        name: "smiles",
        of: Text,
        range: "",
        meaning: "structure",
        value: |entry, _| text(&entry.record.annotation.smiles),
    },
    EntryColumn {
        name: "measured_in",
        of: Text,
        range: "joined by |",
        meaning: "contexts in which it was measured",
        value: |entry, _| strings(&entry.record.contexts),
    },
    EntryColumn {
        name: "activity",
        of: Float32,
        range: "0 to 100 %",
        meaning: "percentile of its strength within its type",
        value: |entry, _| entry.activity.map(f64::from).into(),
    },
    EntryColumn {
        name: "index",
        of: Text,
        range: "",
        meaning: "fingerprint of the index",
        value: |_, fingerprint| text(fingerprint),
    },
];

fn strings(texts: &[String]) -> Value {
    joined(texts.iter().map(String::as_str))
}

fn joined<'a>(texts: impl Iterator<Item = &'a str>) -> Value {
    Value::Text(texts.collect::<Vec<&str>>().join("|"))
}
