use serde::{Deserialize, Serialize};
use std::fmt;

/// A mechanism class, such as `BCL inhibitor`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moa(pub String);

/// The symbol of a gene whose product a compound acts on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Target(pub String);

/// What is known about one perturbation beside its measurements.
///
/// Empty strings and lists mean "not known"; lists keep the order of their source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// The name people read: `venetoclax`, `BCL2`.
    pub name: String,
    /// Other names, trade names, aliases and previous gene symbols.
    pub synonyms: Vec<String>,
    /// Foreign identifiers as given: InChIKey, BRD, PubChem and ChEMBL for compounds; HGNC, NCBI and Ensembl ids for genes.
    pub identifiers: Vec<String>,
    /// Genes whose products the compound acts on.
    pub targets: Vec<Target>,
    /// Mechanism classes.
    pub moas: Vec<Moa>,
    /// Highest clinical phase, such as `Launched`.
    pub phase: String,
    /// Indications, such as `melanoma`.
    pub indications: Vec<String>,
    /// Full InChIKey of a compound.
    pub inchi_key: String,
    /// Structure of a compound.
    pub smiles: String,
    /// A longer description: a gene's full name, a compound's disease area.
    pub description: String,
}

impl fmt::Display for Moa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
