use std::collections::{BTreeMap, HashMap};

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::experiment::{Perturbation, PerturbationType, Side};

/// What an assay measured of single perturbed genes, and that no prediction saw.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectedTask {
    context: String,
    perturbation_type: PerturbationType,
    genes: Vec<String>,
    readouts: Vec<String>,
    /// Genes × readouts: less each readout's mean over the assay's genes, NaN where nothing was measured.
    truth: Vec<f32>,
}

impl DirectedTask {
    /// Takes the profiles of single genes in a context (a position in the dataset's list), of those genes for which
    /// `is_known` holds. Each readout's mean over all profiles of the context is taken out: what all perturbations have in
    /// common says nothing about a gene.
    ///
    /// # Errors
    /// When the context is not of one genetic type, or no gene is known.
    pub fn from_dataset(
        dataset: &Dataset,
        context: u32,
        is_known: impl Fn(&str) -> bool,
    ) -> Result<Self> {
        let name = dataset.contexts.get(context as usize).map_or("", |c| c.0.as_str());
        let refuse =
            |problem: &str, advice: &str| Error::data(format!("context `{name}`"), problem, advice);
        let mut rows: BTreeMap<&str, Vec<f32>> = BTreeMap::new();
        let mut kind = None;
        for (profile, key) in dataset.profiles.keys().iter().enumerate() {
            let Some(perturbation) = dataset.perturbations.get(key.perturbation as usize) else {
                continue;
            };
            if key.context != context || gene_of(perturbation).is_none() {
                continue;
            }
            let own = perturbation.perturbation_type();
            if own != *kind.get_or_insert(own) {
                return Err(refuse("it holds several types of perturbations", "hold out another"));
            }
            rows.insert(perturbation.agent(), dataset.profiles.row(profile));
        }
        let kind = kind.ok_or_else(|| {
            refuse("no single gene was perturbed there", "hold out a genetic assay")
        })?;
        let n_readouts = dataset.readouts.len();
        let means = readout_means(rows.values(), n_readouts);
        rows.retain(|gene, _| is_known(gene));
        if rows.is_empty() {
            return Err(refuse(
                "no gene perturbed there is known from elsewhere",
                "hold out another",
            ));
        }
        let centred = rows.values().flat_map(|row| row.iter().zip(&means).map(|(v, m)| v - m));
        Ok(Self {
            context: name.to_owned(),
            perturbation_type: kind,
            truth: centred.collect(),
            genes: rows.into_keys().map(str::to_owned).collect(),
            readouts: dataset.readouts.iter().map(|readout| readout.0.clone()).collect(),
        })
    }

    /// Returns the context that was held out.
    #[must_use]
    pub fn context(&self) -> &str {
        &self.context
    }

    /// Returns how genes were perturbed there.
    #[must_use]
    pub fn perturbation_type(&self) -> PerturbationType {
        self.perturbation_type
    }

    /// Returns the perturbed genes, sorted.
    #[must_use]
    pub fn genes(&self) -> &[String] {
        &self.genes
    }

    /// Returns the readouts, in the dataset's order.
    #[must_use]
    pub fn readouts(&self) -> &[String] {
        &self.readouts
    }

    /// Returns what was measured: genes × readouts, less the readouts' means, NaN where nothing was.
    #[must_use]
    pub fn truth(&self) -> &[f32] {
        &self.truth
    }

    /// Returns the sign that the effect of a perturbation has here: −1 where one of the two loses the gene's function and
    /// the other gains it; none of what is not genetic.
    #[must_use]
    pub fn sign_of(&self, other: PerturbationType) -> Option<f64> {
        Some(self.perturbation_type.gene_activity()? * other.gene_activity()?)
    }

    /// Returns the position of each gene.
    pub(super) fn gene_positions(&self) -> HashMap<&str, usize> {
        self.genes.iter().map(String::as_str).zip(0..).collect()
    }

    /// Returns whether a pair, by its position in [`truth`](Self::truth), is of a gene with itself.
    pub(super) fn is_self(&self, at: usize) -> bool {
        let n = self.readouts.len().max(1);
        self.genes.get(at / n) == self.readouts.get(at % n)
    }
}

/// The gene of a perturbation of a single one.
pub(super) fn gene_of(perturbation: &Perturbation) -> Option<&str> {
    let is_single = perturbation.side() == Side::Genetic && perturbation.members().len() == 1;
    is_single.then(|| perturbation.agent())
}

/// The mean of each readout over rows, missing values left out; NaN of one that none has.
pub(super) fn readout_means<'a>(
    rows: impl Iterator<Item = &'a Vec<f32>>,
    n_readouts: usize,
) -> Vec<f32> {
    let mut sums = vec![(0.0_f64, 0.0_f64); n_readouts];
    for row in rows {
        for (sum, value) in sums.iter_mut().zip(row).filter(|(_, value)| !value.is_nan()) {
            *sum = (sum.0 + f64::from(*value), sum.1 + 1.0);
        }
    }
    sums.into_iter().map(|(sum, n)| (sum / n) as f32).collect()
}
