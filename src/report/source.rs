use super::columns::SCHEMA_VERSION;
use crate::index::Index;

/// Where answers come from; every output names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// The index's name.
    pub index: String,
    /// The index's fingerprint.
    pub fingerprint: String,
    /// The seeds of the index's models.
    pub seeds: Vec<u64>,
    /// The command that was run.
    pub command: String,
}

impl Source {
    /// Returns the source of what `command` asked of an index.
    #[must_use]
    pub fn of(index: &Index, command: String) -> Self {
        let manifest = index.manifest();
        Self {
            index: manifest.name.clone(),
            fingerprint: manifest.fingerprint.clone(),
            seeds: manifest.seeds.clone(),
            command,
        }
    }
}

/// What a file says of where it comes from: key, meaning, value.
pub(super) type Fact<S> = (&'static str, &'static str, fn(&S) -> String);

pub(super) const FACTS: [Fact<Source>; 6] = [
    ("phenocopy.index", "name of the index", |source| source.index.clone()),
    ("phenocopy.fingerprint", "fingerprint of the index", |source| source.fingerprint.clone()),
    ("phenocopy.seeds", "seeds of the index's models, joined by commas", seeds),
    ("phenocopy.command", "the command that was run", |source| source.command.clone()),
    ("phenocopy.version", "version of phenocopy", |_| env!("CARGO_PKG_VERSION").to_owned()),
    ("phenocopy.schema_version", "version of these columns", |_| SCHEMA_VERSION.to_string()),
];

fn seeds(source: &Source) -> String {
    source.seeds.iter().map(u64::to_string).collect::<Vec<String>>().join(",")
}
