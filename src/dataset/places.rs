use std::collections::BTreeMap;

use super::report::Place;

/// Names of one kind, sorted, and the assays whose files hold each.
#[derive(Debug, Default)]
pub(super) struct Places(BTreeMap<String, Vec<String>>);

impl Places {
    /// Takes note that the file of an assay holds a name.
    pub(super) fn add(&mut self, name: &str, context: &str) {
        let assays = match self.0.get_mut(name) {
            Some(assays) => assays,
            None => self.0.entry(name.to_owned()).or_default(),
        };
        if assays.last().is_none_or(|last| last != context) {
            assays.push(context.to_owned());
        }
    }

    /// Returns a name with its assays.
    pub(super) fn of(&self, name: &str) -> Place {
        let assays = self.0.get(name).cloned().unwrap_or_default();
        Place { name: name.to_owned(), assays }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
