use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::bag::EmbeddingBag;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::experiment::{Context, Perturbation, Readout};

/// What the rows of a model's embedding tables stand for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vocabularies {
    /// The perturbations, in the dataset's order.
    pub perturbations: Vec<Perturbation>,
    /// The rows of zP: symbols of single agents, in order of first appearance among the perturbations.
    pub tokens: Vec<String>,
    /// The rows of zC, in the dataset's order.
    pub contexts: Vec<Context>,
    /// The rows of zR, in the dataset's order.
    pub readouts: Vec<Readout>,
}

impl Vocabularies {
    /// Lists what a dataset is about; a combination adds its members' tokens, not one of its own.
    #[must_use]
    pub fn of(dataset: &Dataset) -> Self {
        let mut tokens = Vec::new();
        let mut seen = HashMap::new();
        for symbol in dataset.perturbations.iter().flat_map(Perturbation::member_symbols) {
            if seen.insert(symbol.clone(), ()).is_none() {
                tokens.push(symbol);
            }
        }
        Self {
            perturbations: dataset.perturbations.clone(),
            tokens,
            contexts: dataset.contexts.clone(),
            readouts: dataset.readouts.clone(),
        }
    }

    /// Returns the token rows of each perturbation.
    ///
    /// # Errors
    /// When a member has no token, which only an edited file can bring about.
    pub(super) fn bag(&self) -> Result<EmbeddingBag> {
        let rows: HashMap<&str, u32> =
            self.tokens.iter().zip(0_u32..).map(|(token, row)| (token.as_str(), row)).collect();
        let mut bag = EmbeddingBag::default();
        for perturbation in &self.perturbations {
            let members = perturbation.member_symbols();
            let found = members.iter().map(|symbol| rows.get(symbol.as_str()).copied());
            let tokens = found.collect::<Option<Vec<u32>>>().ok_or_else(|| {
                Error::data(
                    format!("perturbation `{perturbation}`"),
                    "one of its members is not in the token vocabulary",
                    "train the model again",
                )
            })?;
            bag.push(&tokens);
        }
        Ok(bag)
    }
}
