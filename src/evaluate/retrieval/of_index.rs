use std::collections::HashMap;

use super::ranks::SimilaritySource;
use crate::dataset::Dataset;
#[cfg(feature = "train")]
use crate::embedding::Embeddings;
use crate::embedding::similarity;
use crate::error::{Error, Result};
use crate::index::Index;

/// Similarities of an index, asked for by the rows of a dataset.
///
/// Rows are joined by symbol, so that an index can be measured on data read again.
#[derive(Debug)]
pub struct IndexSimilarities<'a> {
    index: &'a Index,
    compared: Compared,
    rows: Vec<Option<u32>>,
    symbols: Vec<String>,
}

/// What of an index is compared.
#[derive(Debug)]
enum Compared {
    Vectors,
    Responses,
    #[cfg(feature = "train")]
    Trained(Embeddings),
}

impl<'a> IndexSimilarities<'a> {
    /// Joins an index with a dataset; its vectors are compared.
    ///
    /// # Errors
    /// When a record of the index is damaged.
    pub fn new(index: &'a Index, dataset: &Dataset) -> Result<Self> {
        Self::join(index, dataset, Compared::Vectors, symbols_of(index)?)
    }

    /// Compares the predicted responses instead; none where the index holds none.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_responses(index: &'a Index, dataset: &Dataset) -> Result<Option<Self>> {
        let has_responses = index.n_rows() > 0 && index.response(0).is_some();
        let join = || Self::join(index, dataset, Compared::Responses, symbols_of(index)?);
        has_responses.then(join).transpose()
    }

    /// Compares the perturbation embeddings zP as they were trained, centred per side and joined like the
    /// index's vectors; none where those are the index's vectors, or it holds no model.
    ///
    /// # Errors
    /// As [`new`](Self::new), and when the model is damaged.
    #[cfg(feature = "train")]
    pub fn of_trained(index: &'a Index, dataset: &Dataset) -> Result<Option<Self>> {
        if index.placement()?.is_none() {
            return Ok(None);
        }
        let ensemble = crate::model::Ensemble::open(index.folder().join("model"))?;
        let Some(vocabularies) = ensemble.vocabularies() else { return Ok(None) };
        let members = ensemble.members().iter().map(|member| member.perturbation_embeddings());
        let members: Vec<Vec<f32>> = members.collect::<Result<_>>()?;
        let sides: Vec<_> = vocabularies.perturbations.iter().map(|p| p.side()).collect();
        let dim = members.first().map_or(0, Vec::len) / sides.len().max(1);
        let trained = Compared::Trained(Embeddings::join(&members, dim, &sides)?);
        let symbols = vocabularies.perturbations.iter().map(|p| p.symbol()).collect();
        Self::join(index, dataset, trained, symbols).map(Some)
    }

    /// Joins by symbol; `compared` has a row for each of `own`.
    fn join(
        index: &'a Index,
        dataset: &Dataset,
        compared: Compared,
        own: Vec<String>,
    ) -> Result<Self> {
        let row_of: HashMap<String, u32> = own.into_iter().zip(0..).collect();
        let symbols: Vec<String> = dataset.perturbations.iter().map(|p| p.symbol()).collect();
        let rows = symbols.iter().map(|symbol| row_of.get(symbol).copied()).collect();
        Ok(Self { index, compared, rows, symbols })
    }

    /// Returns the row of the index, or of what was trained, that is a row of the dataset.
    ///
    /// # Errors
    /// When the index does not hold it.
    pub fn row(&self, row: u32) -> Result<u32> {
        self.rows.get(row as usize).copied().flatten().ok_or_else(|| self.not_held(row))
    }

    /// Returns what is compared of a row of the dataset.
    ///
    /// # Errors
    /// When the index does not hold it.
    pub fn vector(&self, row: u32) -> Result<&[f32]> {
        let own = self.row(row)?;
        let vector = match &self.compared {
            Compared::Vectors => Some(self.index.vector(own)),
            Compared::Responses => self.index.response(own),
            #[cfg(feature = "train")]
            Compared::Trained(embeddings) => Some(embeddings.row(own as usize)),
        };
        vector.ok_or_else(|| self.not_held(row))
    }

    fn not_held(&self, row: u32) -> Error {
        let symbol = self.symbols.get(row as usize).map_or("", String::as_str);
        Error::data(
            format!("index `{}`", self.index.folder().display()),
            format!("it does not hold `{symbol}`, which the data do"),
            "evaluate with the data the index was made from, or rebuild the index",
        )
    }
}

fn symbols_of(index: &Index) -> Result<Vec<String>> {
    let rows = 0..index.n_rows() as u32;
    rows.map(|row| Ok(index.record(row)?.perturbation.symbol())).collect()
}

impl SimilaritySource for IndexSimilarities<'_> {
    fn similarities(&self, query: u32, panel: &[u32], out: &mut [f64]) -> Result<()> {
        let query = self.vector(query)?;
        for (row, out) in panel.iter().zip(out) {
            *out = f64::from(similarity(query, self.vector(*row)?));
        }
        Ok(())
    }
}
