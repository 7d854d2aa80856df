use std::collections::BTreeSet;

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::evaluate::retrieval::{gene_positions, panel_of};
use crate::experiment::PerturbationType;

/// Genes, and which pairs of them are known to work together.
///
/// ```
/// use phenocopy::evaluate::NetworkTask;
///
/// let task = NetworkTask::new("complexes", vec![4, 5, 9], vec![(0, 2)])?;
/// assert_eq!(task.pairs(), [(0, 2)]);
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkTask {
    name: String,
    panel: Vec<u32>,
    pairs: Vec<(u32, u32)>,
    n_outside: usize,
}

impl NetworkTask {
    /// Creates a task from the genes' rows and pairs of positions among them, each with the lower first.
    ///
    /// # Errors
    /// When there is no pair, or one is not of two genes of the panel.
    pub fn new(
        name: impl Into<String>,
        panel: Vec<u32>,
        pairs: impl IntoIterator<Item = (u32, u32)>,
    ) -> Result<Self> {
        let pairs: BTreeSet<(u32, u32)> = pairs.into_iter().collect();
        let fits = |(a, b): &(u32, u32)| a < b && (*b as usize) < panel.len();
        if pairs.is_empty() || !pairs.iter().all(fits) {
            let problem = format!("{} pairs do not fit {} genes", pairs.len(), panel.len());
            let advice = "give pairs of genes that are in the data";
            return Err(Error::data("the network task", problem, advice));
        }
        Ok(Self { name: name.into(), panel, pairs: pairs.into_iter().collect(), n_outside: 0 })
    }

    /// Finds pairs of gene symbols among the single genes of a type in a dataset, by symbol or, where it names one gene
    /// only, retired symbol or alias.
    ///
    /// # Errors
    /// When no pair has both genes in the dataset.
    pub fn from_dataset(
        name: impl Into<String>,
        dataset: &Dataset,
        pairs: &[(String, String)],
        genetic: PerturbationType,
    ) -> Result<Self> {
        let (panel, _) = panel_of(&dataset.perturbations, genetic);
        let positions = gene_positions(dataset, &panel);
        let position = |gene: &String| positions.get(gene.as_str()).copied();
        let find = |(one, other): &(String, String)| {
            let (one, other) = (position(one)?, position(other)?);
            (one != other).then(|| (one.min(other), one.max(other)))
        };
        let found: Vec<(u32, u32)> = pairs.iter().filter_map(find).collect();
        let n_outside = pairs.len() - found.len();
        Ok(Self { n_outside, ..Self::new(name, panel, found)? })
    }

    /// Returns what the pairs are called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the genes' rows in the dataset.
    #[must_use]
    pub fn panel(&self) -> &[u32] {
        &self.panel
    }

    /// Returns the known pairs as positions in the panel, sorted, the lower first.
    #[must_use]
    pub fn pairs(&self) -> &[(u32, u32)] {
        &self.pairs
    }

    /// Returns how many pairs that were given name a gene outside the panel.
    #[must_use]
    pub fn n_outside(&self) -> usize {
        self.n_outside
    }
}
