use std::collections::HashMap;

use super::ranks::SimilaritySource;
use super::task::RetrievalTask;
use crate::dataset::Dataset;
use crate::embedding::{Embeddings, Placement, similarity};
use crate::error::{Error, Result};

/// Similarities of compounds that a model never saw in a context, folded in from their profiles there,
/// with the genes that it was trained on.
#[derive(Debug, Clone)]
pub struct FoldedSimilarities {
    /// By row of the dataset that asks.
    vectors: HashMap<u32, Vec<f32>>,
}

/// A model trained without a context, and what it was trained on.
#[derive(Debug, Clone, Copy)]
pub struct TrainedWithout<'a> {
    /// The dataset without the context.
    pub dataset: &'a Dataset,
    /// Its perturbations' vectors, in its order.
    pub embeddings: &'a Embeddings,
    /// The way of new profiles among them.
    pub placement: &'a Placement,
}

impl FoldedSimilarities {
    /// Folds every query's profile in `context` (a position in `dataset`) in as a profile of the context
    /// `as_context` of the model.
    ///
    /// # Errors
    /// When a query has no profile in `context`, or a gene of the panel is unknown to the model.
    pub fn new(
        task: &RetrievalTask,
        dataset: &Dataset,
        context: u32,
        model: &TrainedWithout<'_>,
        as_context: u32,
    ) -> Result<Self> {
        let known: HashMap<String, usize> =
            model.dataset.perturbations.iter().map(|p| p.symbol()).zip(0..).collect();
        let mut vectors = HashMap::new();
        for row in task.panel() {
            let symbol = dataset.perturbations.get(*row as usize).map(|p| p.symbol());
            let at = symbol.as_ref().and_then(|symbol| known.get(symbol));
            let at = at.ok_or_else(|| missing(symbol.as_deref(), "is unknown to the model"))?;
            vectors.insert(*row, model.embeddings.row(*at).to_vec());
        }
        let columns: HashMap<&str, usize> =
            dataset.readouts.iter().map(|readout| readout.0.as_str()).zip(0..).collect();
        let profiles = profiles_in(dataset, context);
        for query in task.queries() {
            let perturbation = &dataset.perturbations[query.row as usize];
            let symbol = perturbation.symbol();
            let profile = profiles
                .get(&query.row)
                .ok_or_else(|| missing(Some(&symbol), "has no profile in the context"))?;
            let row = dataset.profiles.row(*profile);
            let value = |name: &str| columns.get(name).map_or(f32::NAN, |column| row[*column]);
            let values: Vec<f32> =
                model.dataset.readouts.iter().map(|readout| value(&readout.0)).collect();
            let placed = model.placement.place(perturbation.side(), &[(as_context, &values)])?;
            vectors.insert(query.row, placed);
        }
        Ok(Self { vectors })
    }
}

/// Returns the profile of each perturbation that was measured in a context.
#[must_use]
pub fn profiles_in(dataset: &Dataset, context: u32) -> HashMap<u32, usize> {
    let keys = dataset.profiles.keys().iter().enumerate();
    let here = keys.filter(|(_, key)| key.context == context);
    here.map(|(profile, key)| (key.perturbation, profile)).collect()
}

fn missing(symbol: Option<&str>, problem: &str) -> Error {
    Error::data(
        format!("`{}`", symbol.unwrap_or_default()),
        problem,
        "evaluate with the data the model was trained on",
    )
}

impl SimilaritySource for FoldedSimilarities {
    fn similarities(&self, query: u32, panel: &[u32], out: &mut [f64]) -> Result<()> {
        let vector = |row: u32| {
            self.vectors.get(&row).ok_or_else(|| missing(None, "has no vector in this comparison"))
        };
        let query = vector(query)?;
        for (row, out) in panel.iter().zip(out) {
            *out = f64::from(similarity(query, vector(*row)?));
        }
        Ok(())
    }
}
