use std::io::{self, Write};

use serde_json::Value as Json;

use super::columns::ENTRY_COLUMNS;
use crate::report::Source;
use crate::report::columns::Description;
use crate::report::source::{FACTS, Fact};
use crate::search::Entry;
use crate::table::ValueType;

/// What the numbers of an export are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportedNumbers {
    /// Unit vectors of so many numbers.
    Embeddings(usize),
    /// Predicted responses.
    Responses {
        /// The context they are predicted in; none where they are averages over all.
        context: Option<String>,
        /// Each readout's name, and what people call it.
        readouts: Vec<(String, String)>,
    },
}

/// What is exported, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The index and the command.
    pub source: Source,
    /// What the numbers of each perturbation are.
    pub numbers: ExportedNumbers,
    /// How many perturbations there are.
    pub n_rows: usize,
}

/// Writes perturbations and the numbers of each, one after another.
pub trait EntryWriter {
    /// Adds a perturbation with its numbers.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn entry(&mut self, entry: &Entry<'_>, numbers: &[f32]) -> io::Result<()>;

    /// Writes what is left, without which the output is not whole.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn finish(&mut self) -> io::Result<()>;
}

/// What an export says of its numbers, besides where it comes from.
pub(in crate::report) const EXPORT_FACTS: [Fact<Export>; 4] = [
    ("phenocopy.numbers", "embedding or response", |export| export.numbers.name().to_owned()),
    ("phenocopy.context", "context of the responses; empty for averages over all", context),
    ("phenocopy.readouts", "names of the responses' numbers, as a JSON list", |export| {
        json_list(export.numbers.readouts().iter().map(|(symbol, _)| symbol))
    }),
    ("phenocopy.readout_names", "what people call them, as a JSON list", |export| {
        json_list(export.numbers.readouts().iter().map(|(_, name)| name))
    }),
];

fn context(export: &Export) -> String {
    match &export.numbers {
        ExportedNumbers::Responses { context: Some(context), .. } => context.clone(),
        ExportedNumbers::Responses { .. } | ExportedNumbers::Embeddings(_) => String::new(),
    }
}

fn json_list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    Json::from_iter(names.map(String::as_str)).to_string()
}

impl ExportedNumbers {
    /// Returns the name of the column that holds them.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Embeddings(_) => "embedding",
            Self::Responses { .. } => "response",
        }
    }

    pub(super) fn length(&self) -> usize {
        match self {
            Self::Embeddings(length) => *length,
            Self::Responses { readouts, .. } => readouts.len(),
        }
    }

    /// The readouts; those of embeddings have none.
    fn readouts(&self) -> &[(String, String)] {
        match self {
            Self::Embeddings(_) => &[],
            Self::Responses { readouts, .. } => readouts,
        }
    }

    /// A name for each number, and what people call it.
    pub(super) fn names(&self) -> Vec<(String, String)> {
        let counted = |at| (format!("d{at}"), String::new());
        match self {
            Self::Embeddings(length) => (0..*length).map(counted).collect(),
            Self::Responses { readouts, .. } => readouts.clone(),
        }
    }
}

impl Export {
    /// All facts: key and value, without those that say nothing.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let source = FACTS.iter().map(|(key, _, value)| (*key, value(&self.source)));
        let own = EXPORT_FACTS.iter().map(|(key, _, value)| (*key, value(self)));
        source.chain(own).filter(|(_, value)| !value.is_empty() && value != "[]").collect()
    }

    /// Writes the facts as one JSON document, for formats that have no place for them.
    pub(super) fn write_facts(&self, out: &mut dyn Write) -> io::Result<()> {
        let fact = |(key, value): (&str, String)| {
            let key = short_key(key).to_owned();
            // Lists are JSON already.
            let list = Some(&value).filter(|value| value.starts_with('['));
            let list = list.and_then(|value| serde_json::from_str::<Vec<String>>(value).ok());
            (key, list.map_or_else(|| Json::String(value), Json::from))
        };
        let document: serde_json::Map<String, Json> = self.facts().into_iter().map(fact).collect();
        writeln!(out, "{:#}", Json::Object(document))
    }
}

/// A fact's key where all facts are the program's.
pub(super) fn short_key(key: &str) -> &str {
    key.strip_prefix("phenocopy.").unwrap_or(key)
}

/// The columns of an export as Parquet, of embeddings and of responses.
pub(in crate::report) fn export_columns() -> Vec<Description> {
    let numbers =
        |name, range, meaning| Description { name, of: ValueType::Vector(0), range, meaning };
    let embedding = "unit vector; the dot product of two is their similarity";
    let response =
        "predicted response to each readout, centred over them and over its side, of unit length";
    let columns = ENTRY_COLUMNS.iter().map(|column| column.description());
    let vectors = [
        numbers("embedding", "fixed size, length 1", embedding),
        numbers("response", "fixed size, length 1", response),
    ];
    columns.chain(vectors).collect()
}

/// Of rows that come after the end of what was written.
pub(super) fn ended() -> std::io::Error {
    std::io::Error::other("the file has been ended")
}
