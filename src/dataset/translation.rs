use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::reject::Reject;
use super::report::Place;
use crate::table::{NameMapping, NameMeanings, Unnamed};

/// A table of names, as it was read.
pub(super) struct Translation<'a> {
    mapping: &'a NameMapping,
    meanings: NameMeanings,
    /// Names that were asked for and have no meaning.
    unknown: RefCell<BTreeSet<String>>,
}

/// Names that an assay's table of names does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untranslated {
    /// The assay's context, as the recipe names it.
    pub context: String,
    /// The table, as the recipe names it.
    pub file: PathBuf,
    /// `perturbation` or `readout`: what they should name.
    pub axis: String,
    /// Whether they were left out; else they stay as they are.
    pub is_left_out: bool,
    /// The names, sorted.
    pub names: Vec<String>,
    /// Those of them that it gives several meanings.
    pub ambiguous: Vec<String>,
}

impl fmt::Display for Untranslated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { context, axis, names, .. } = self;
        let (n_names, file) = (names.len(), self.file.display());
        if self.is_left_out {
            write!(f, "{context}: {n_names} {axis}s are not in `{file}`: left out")?;
            return match self.ambiguous.first() {
                None => Ok(()),
                Some(first) => {
                    let n_ambiguous = self.ambiguous.len();
                    write!(
                        f,
                        "; {n_ambiguous} of them have several meanings there, such as {first}"
                    )
                }
            };
        }
        let first = names.first().map_or("", String::as_str);
        write!(
            f,
            "{context}: {n_names} names are not in `{file}` and stay as they are, such as {first}"
        )
    }
}

impl Untranslated {
    /// Returns each name as something that was not taken as the file has it.
    pub(super) fn rejects(&self) -> impl Iterator<Item = Reject> {
        let fate = if self.is_left_out { "left out" } else { "kept as it is" };
        let file = self.file.display().to_string();
        self.names.iter().map(move |name| {
            let place = Place { name: name.clone(), assays: vec![self.context.clone()] };
            let is_ambiguous = self.ambiguous.contains(name);
            let why = if is_ambiguous { "several meanings in" } else { "not in" };
            let reject = Reject::warning(&self.axis, &place, format!("{fate}: {why} `{file}`"), "");
            // The recipe asked for leaving out what is not there.
            Reject { is_warning: !self.is_left_out || is_ambiguous, ..reject }
        })
    }
}

/// Returns what a name means, one table after another; none where names without meaning are left out.
pub(super) fn translate<'b>(steps: &'b [Translation<'_>], name: &'b str) -> Option<&'b str> {
    steps.iter().try_fold(name, |name, step| step.get(name))
}

impl<'a> Translation<'a> {
    pub(super) fn new(mapping: &'a NameMapping, meanings: NameMeanings) -> Self {
        Self { mapping, meanings, unknown: RefCell::default() }
    }

    /// Returns what a name means; none where names without meaning are left out.
    fn get<'b>(&'b self, name: &'b str) -> Option<&'b str> {
        let meaning = self.meanings.meanings.get(name).map(String::as_str);
        if meaning.is_none() && !self.unknown.borrow().contains(name) {
            self.unknown.borrow_mut().insert(name.to_owned());
        }
        meaning.or((!self.drops()).then_some(name))
    }

    pub(super) fn file(&self) -> String {
        format!("`{}`", self.mapping.file.display())
    }

    /// Returns whether names without meaning are left out.
    pub(super) fn drops(&self) -> bool {
        self.mapping.unnamed == Unnamed::Drop
    }

    /// Returns the names that were asked for and have no meaning; none if all have one.
    pub(super) fn untranslated(&self, context: &str, axis: &str) -> Option<Untranslated> {
        let names: Vec<String> = self.unknown.borrow().iter().cloned().collect();
        (!names.is_empty()).then(|| Untranslated {
            context: context.to_owned(),
            file: self.mapping.file.clone(),
            axis: axis.to_owned(),
            is_left_out: self.drops(),
            ambiguous: names
                .iter()
                .filter(|n| self.meanings.ambiguous.contains(*n))
                .cloned()
                .collect(),
            names,
        })
    }
}
