use std::collections::HashMap;

use super::ranks::SimilaritySource;
use crate::dataset::Dataset;
use crate::embedding::similarity;
use crate::error::{Error, Result};
use crate::index::Index;

/// Similarities of an index, asked for by the rows of a dataset.
///
/// Rows are joined by symbol, so that an index can be measured on data read again.
#[derive(Debug)]
pub struct IndexSimilarities<'a> {
    index: &'a Index,
    rows: Vec<Option<u32>>,
    symbols: Vec<String>,
}

impl<'a> IndexSimilarities<'a> {
    /// Joins an index with a dataset.
    ///
    /// # Errors
    /// When a record of the index is damaged.
    pub fn new(index: &'a Index, dataset: &Dataset) -> Result<Self> {
        let mut row_of = HashMap::new();
        for row in 0..index.n_rows() as u32 {
            row_of.insert(index.record(row)?.perturbation.symbol(), row);
        }
        let symbols: Vec<String> = dataset.perturbations.iter().map(|p| p.symbol()).collect();
        let rows = symbols.iter().map(|symbol| row_of.get(symbol).copied()).collect();
        Ok(Self { index, rows, symbols })
    }

    fn vector(&self, row: u32) -> Result<&'a [f32]> {
        let found = self.rows.get(row as usize).copied().flatten();
        found.map(|row| self.index.vector(row)).ok_or_else(|| {
            let symbol = self.symbols.get(row as usize).map_or("", String::as_str);
            Error::data(
                format!("index `{}`", self.index.folder().display()),
                format!("it does not hold `{symbol}`, which the data do"),
                "evaluate with the data the index was made from, or rebuild the index",
            )
        })
    }
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
