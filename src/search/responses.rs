#[cfg(feature = "train")]
use super::contexts::ContextResponses;
use super::entry::Entry;
use crate::error::{Error, Result};
use crate::index::Index;

/// What predicts the responses of an index's perturbations: their averages over contexts, or those in one.
///
/// ```no_run
/// use phenocopy::index::{Filter, Index};
/// use phenocopy::search::PredictedResponses;
///
/// let index = Index::open("index/cancer-viability")?;
/// let responses = PredictedResponses::averaged(&index)?;
/// for entry in index.entries(&Filter::default())? {
///     let response = responses.of(&entry?)?;
///     assert_eq!(response.len(), responses.readouts().len());
/// }
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug)]
pub struct PredictedResponses<'a> {
    index: &'a Index,
    #[cfg(feature = "train")]
    in_context: Option<(ContextResponses, String)>,
}

impl<'a> PredictedResponses<'a> {
    /// Takes the averages over contexts that the index holds.
    ///
    /// # Errors
    /// When it holds none.
    pub fn averaged(index: &'a Index) -> Result<Self> {
        let responses = Self {
            index,
            #[cfg(feature = "train")]
            in_context: None,
        };
        let none = || {
            let what = format!("index `{}`", index.manifest().name);
            Error::data(what, "it holds no responses", "build one from screens")
        };
        index.predicted_response(0).map(|_| responses).ok_or_else(none)
    }

    /// Predicts with the weights of the index's model in one context.
    ///
    /// # Errors
    /// When the index holds no model of the product head, the model is damaged or does not know the context.
    #[cfg(feature = "train")]
    pub fn in_context(index: &'a Index, context: &str) -> Result<Self> {
        let responses = ContextResponses::open(index)?.ok_or_else(|| {
            Error::data(
                format!("index `{}`", index.manifest().name),
                "it cannot predict in a single context: it holds no weights of a product head",
                "leave the context out, or build one with `phenocopy build` and the default head",
            )
        })?;
        let context = responses.context(context)?.to_owned();
        Ok(Self { index, in_context: Some((responses, context)) })
    }

    /// Returns the context that responses are predicted in; none where they are averages.
    #[must_use]
    pub fn context(&self) -> Option<&str> {
        #[cfg(feature = "train")]
        return self.in_context.as_ref().map(|(_, context)| context.as_str());
        #[cfg(not(feature = "train"))]
        None
    }

    /// Returns the readouts, in the order of a response's values: the name of each, and what people call it.
    #[must_use]
    pub fn readouts(&self) -> Vec<(String, String)> {
        let names = self.index.readout_names();
        let named = |symbol: &str| (symbol.to_owned(), names.display(symbol).to_owned());
        #[cfg(feature = "train")]
        if let Some((responses, _)) = &self.in_context {
            return responses.readouts().iter().map(|symbol| named(symbol)).collect();
        }
        self.index.response_readouts().map(named).collect()
    }

    /// Returns the response of a perturbation: a value for each readout, centred over them and over its side, of unit
    /// length.
    ///
    /// # Errors
    /// When the model does not know the perturbation: in a single context those that were added after training, which
    /// [`Entries::trained`](super::Entries::trained) leaves out.
    pub fn of(&self, entry: &Entry<'_>) -> Result<Vec<f32>> {
        let narrow = |response: Vec<f64>| response.into_iter().map(|value| value as f32).collect();
        #[cfg(feature = "train")]
        if let Some((responses, context)) = &self.in_context {
            return responses.response_in(&entry.record, context).map(narrow);
        }
        Ok(narrow(self.index.predicted_response(entry.row).unwrap_or_default()))
    }
}
