use serde::{Deserialize, Serialize};

use crate::experiment::PerturbationType;

/// Which similarities a null is of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Of the vectors: what a search ranks by.
    #[default]
    Embedding,
    /// Of the predicted responses: what a search for the opposite ranks by.
    Response,
}

/// What a null's references are; a query is judged by references of its own kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReferenceKind {
    /// Rows of the index.
    Row,
    /// Single profiles, folded in: cosines of what was measured once are smaller.
    Profile,
}

/// What a null's targets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetKind {
    /// The rows of a type.
    Rows(PerturbationType),
    /// The mechanism classes of the compounds.
    Classes,
}

impl TargetKind {
    /// Returns the word for it in keys and summaries: the type's CMap code, or `classes`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Rows(kind) => kind.cmap_code(),
            Self::Classes => "classes",
        }
    }
}

/// Queries of one kind and targets of one kind: what has a null of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stratum {
    /// What is compared.
    pub measure: Measure,
    /// What the references are.
    pub references: ReferenceKind,
    /// The type of the queries.
    pub query: PerturbationType,
    /// What they are compared with.
    pub targets: TargetKind,
}

impl Stratum {
    /// Returns the key by which files and manifests name it.
    #[must_use]
    pub fn key(&self) -> String {
        let measure = match self.measure {
            Measure::Embedding => "embedding",
            Measure::Response => "response",
        };
        let references = match self.references {
            ReferenceKind::Row => "row",
            ReferenceKind::Profile => "profile",
        };
        let (query, targets) = (self.query.cmap_code(), self.targets.code());
        format!("{measure} {references} {query} {targets}")
    }

    /// Returns the stratum of a key.
    #[must_use]
    pub fn parse(key: &str) -> Option<Self> {
        let mut words = key.split(' ');
        let mut next = || words.next();
        let measure = match next()? {
            "embedding" => Measure::Embedding,
            "response" => Measure::Response,
            _ => return None,
        };
        let references = match next()? {
            "row" => ReferenceKind::Row,
            "profile" => ReferenceKind::Profile,
            _ => return None,
        };
        let query = PerturbationType::parse(next()?)?;
        let targets = match next()? {
            "classes" => TargetKind::Classes,
            code => TargetKind::Rows(PerturbationType::parse(code)?),
        };
        Some(Self { measure, references, query, targets })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stratum_is_what_its_key_says() {
        for measure in [Measure::Embedding, Measure::Response] {
            for references in [ReferenceKind::Row, ReferenceKind::Profile] {
                for query in PerturbationType::ALL {
                    for targets in [TargetKind::Classes, TargetKind::Rows(query)] {
                        let stratum = Stratum { measure, references, query, targets };
                        assert_eq!(Stratum::parse(&stratum.key()), Some(stratum));
                    }
                }
            }
        }
        assert_eq!(Stratum::parse("embedding row trt_cp"), None);
    }
}
