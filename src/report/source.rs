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
