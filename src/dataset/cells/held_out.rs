use super::group::CellGroup;
use crate::dataset::Dataset;

/// A gene that is perturbed in a context and measured there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerturbedGene {
    /// Its symbol, as the dataset calls it.
    pub symbol: String,
    /// Position of its perturbation in [`Dataset::perturbations`].
    pub perturbation: u32,
    /// Position in [`Dataset::readouts`].
    pub readout: u32,
}

/// The cells of one context that are kept out of its profiles, at the genes that are both perturbed and measured.
///
/// Values of counts are ln(1 + x), x being scaled to 10,000 in all of each cell (scanpy's `normalize_total` and
/// `log1p`); logarithms and values relative to controls stay as they are. Of readouts of one name it is the mean.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOutCells {
    pub(super) context: u32,
    pub(super) genes: Vec<PerturbedGene>,
    pub(super) perturbed: Vec<CellGroup>,
    pub(super) controls: CellGroup,
    pub(super) correlations: Vec<f32>,
}

impl HeldOutCells {
    /// Returns the context's position in [`Dataset::contexts`].
    #[must_use]
    pub fn context(&self) -> u32 {
        self.context
    }

    /// Returns the genes, sorted by symbol.
    #[must_use]
    pub fn genes(&self) -> &[PerturbedGene] {
        &self.genes
    }

    /// Returns the held-out cells in which each gene is perturbed, in the order of the genes.
    #[must_use]
    pub fn perturbed(&self) -> &[CellGroup] {
        &self.perturbed
    }

    /// Returns the held-out controls.
    #[must_use]
    pub fn controls(&self) -> &CellGroup {
        &self.controls
    }

    /// Returns Pearson's correlation of two genes, by position, over the controls that are *not* held out; NaN where
    /// one does not vary.
    #[must_use]
    pub fn control_correlation(&self, one: usize, other: usize) -> f32 {
        let at = one * self.genes.len() + other;
        self.correlations.get(at).copied().unwrap_or(f32::NAN)
    }

    /// Returns how many bytes the values and correlations take.
    #[must_use]
    pub fn n_bytes(&self) -> usize {
        let groups = self.perturbed.iter().chain([&self.controls]);
        groups.map(CellGroup::n_bytes).sum::<usize>() + size_of_val(&self.correlations[..])
    }
}

/// Returns the genes that have a profile in a context and are readouts there.
pub(super) fn perturbed_genes(
    dataset: &Dataset,
    context: u32,
    columns: &[Option<usize>],
) -> Vec<PerturbedGene> {
    let mut is_measured = vec![false; dataset.readouts.len()];
    columns.iter().flatten().for_each(|readout| is_measured[*readout] = true);
    let here = dataset.profiles.keys().iter().filter(|key| key.context == context);
    let gene = |perturbation: u32| {
        let symbol = dataset.perturbations.get(perturbation as usize)?.agent().to_owned();
        // Readouts are sorted.
        let readout = dataset.readouts.binary_search_by(|readout| readout.0.cmp(&symbol)).ok()?;
        let gene = PerturbedGene { symbol, perturbation, readout: readout as u32 };
        is_measured[readout].then_some(gene)
    };
    let mut genes: Vec<PerturbedGene> = here.filter_map(|key| gene(key.perturbation)).collect();
    genes.sort_by(|one, other| one.symbol.cmp(&other.symbol));
    genes
}
