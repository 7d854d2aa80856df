use std::borrow::Cow;
use std::collections::HashMap;

use super::context_sides::ContextSides;
use super::profile::{ReadoutLabel, labels_of};
use crate::error::{Error, Result};
use crate::index::{Index, ReadoutNames};
use crate::model::Ensemble;
use crate::search::untrained::untrained;
use crate::table::{close_names, lookup_key};

/// Contexts that a message lists at most.
const MOST_LISTED: usize = 12;

/// The trained model of an index, of either head, and what its vocabularies are called.
///
/// ```
/// use phenocopy::index::Index;
/// use phenocopy::search::ResponseModel;
///
/// let index = Index::open("tests/fixtures/index-v1")?;
/// let model = ResponseModel::open(&index)?;
/// assert_eq!(model.contexts(), ["assay one", "assay two"]);
/// assert_eq!(model.readouts()[0].symbol, "A375");
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug)]
pub struct ResponseModel {
    pub(super) ensemble: Ensemble,
    pub(super) names: ReadoutNames,
    pub(super) sides: ContextSides,
    contexts: Vec<String>,
    readouts: Vec<ReadoutLabel>,
    /// Position of each context by the key of its name.
    by_key: HashMap<String, usize>,
    /// Position of each symbol among the model's perturbations.
    perturbations: HashMap<String, u32>,
}

impl ResponseModel {
    /// Reads the model that lies in an index folder.
    ///
    /// # Errors
    /// When the index holds no model: one of vectors trained elsewhere; or when the model is damaged.
    pub fn open(index: &Index) -> Result<Self> {
        let nothing = || {
            let problem = "it holds no model, so it predicts no responses";
            let what = format!("index `{}`", index.manifest().name);
            Error::data(what, problem, "train one with `phenocopy build`")
        };
        if !index.manifest().files.contains_key("model/ensemble.json") {
            return Err(nothing());
        }
        let ensemble = Ensemble::open(index.folder().join("model"))?;
        let vocabularies = ensemble.vocabularies().ok_or_else(nothing)?;
        let contexts: Vec<String> = vocabularies.contexts.iter().map(|c| c.0.clone()).collect();
        let symbols: Vec<String> = vocabularies.readouts.iter().map(|r| r.0.clone()).collect();
        let names = match ReadoutNames::of_model(index, &symbols) {
            Cow::Borrowed(names) => names.clone(),
            Cow::Owned(names) => names,
        };
        // Of two contexts with one key the first is meant.
        let by_key = contexts.iter().enumerate().rev().map(|(at, name)| (lookup_key(name), at));
        Ok(Self {
            readouts: labels_of(&names),
            names,
            sides: ContextSides::of(index)?,
            by_key: by_key.collect(),
            contexts,
            perturbations: vocabularies.perturbations.iter().map(|p| p.symbol()).zip(0..).collect(),
            ensemble,
        })
    }

    /// Returns the contexts the model was trained on, in its order.
    #[must_use]
    pub fn contexts(&self) -> &[String] {
        &self.contexts
    }

    /// Returns the readouts, in the order of a predicted profile.
    #[must_use]
    pub fn readouts(&self) -> &[ReadoutLabel] {
        &self.readouts
    }

    /// Returns the name of a context as the model spells it; none where it was not trained on it.
    #[must_use]
    pub fn context(&self, name: &str) -> Option<&str> {
        self.find_context(name).ok().map(|(_, name)| name)
    }

    /// The position and the name of a context by its name or, in another spelling, its key.
    pub(super) fn find_context(&self, wanted: &str) -> Result<(u32, &str)> {
        let exact = self.contexts.iter().position(|name| name == wanted);
        let at = exact.or_else(|| self.by_key.get(&lookup_key(wanted)).copied());
        let found = at.and_then(|at| Some((at as u32, self.contexts.get(at)?.as_str())));
        found.ok_or_else(|| self.unseen(wanted))
    }

    /// The position of a symbol among the model's perturbations.
    pub(super) fn position(&self, symbol: &str) -> Result<u32> {
        self.perturbations.get(symbol).copied().ok_or_else(|| untrained(symbol, false))
    }

    fn unseen(&self, wanted: &str) -> Error {
        let names = || self.contexts.iter().map(String::as_str);
        let close = close_names(wanted, names());
        let advice = match (close.first(), self.contexts.len().saturating_sub(MOST_LISTED)) {
            (Some(close), _) => format!("did you mean `{close}`?"),
            (None, 0) => format!("choose one of {}", names().collect::<Vec<_>>().join(", ")),
            (None, more) => {
                let first: Vec<&str> = names().take(MOST_LISTED).collect();
                format!("choose one of {} and {more} more", first.join(", "))
            }
        };
        let problem = "the model was not trained on it, and knows nothing of a context without features of it";
        Error::data(format!("context `{wanted}`"), problem, advice)
    }
}
