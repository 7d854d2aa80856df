use std::collections::HashSet;

use rayon::prelude::*;

use super::edges::Edge;
use super::two_sample::Reference;
use crate::dataset::{CellGroup, Dataset, HeldOutCells, PerturbedGene};
use crate::error::{Error, Result};
use crate::evaluate::retrieval::gene_positions;

/// Below this a p-value of the Mann–Whitney test says that an edge is there, as in CausalBench.
pub const SIGNIFICANCE: f64 = 0.05;

/// All directed pairs of the genes of one context, and what the held-out cells say of each: how far the target's values in
/// cells in which the source is perturbed lie from those in controls.
///
/// Held are 8 bytes for each pair. Cost: for each target the controls are sorted once; each pair then costs
/// `O(n log m)` for n cells of the perturbation and m controls. Targets are shared out among threads.
#[derive(Debug, Clone, PartialEq)]
pub struct CausalTask<'a> {
    context: String,
    cells: &'a HeldOutCells,
    /// Positions of the genes that have enough cells.
    genes: Vec<usize>,
    /// Target by target: the Wasserstein distance and whether the test rejects.
    outcomes: Vec<(f32, bool)>,
}

impl<'a> CausalTask<'a> {
    /// Compares the held-out cells with the controls, for all genes with at least `min_cells` held-out cells.
    ///
    /// # Errors
    /// When fewer than two genes, or the controls, have as many.
    pub fn new(dataset: &Dataset, cells: &'a HeldOutCells, min_cells: usize) -> Result<Self> {
        let context = dataset.contexts.get(cells.context() as usize);
        let context = context.map_or(String::new(), |context| context.0.clone());
        let has_enough = |group: &CellGroup| group.n_cells() >= min_cells.max(1);
        let perturbed = cells.perturbed();
        let genes: Vec<usize> =
            (0..perturbed.len()).filter(|at| has_enough(&perturbed[*at])).collect();
        if genes.len() < 2 || !has_enough(cells.controls()) {
            let problem = format!(
                "{} genes that are perturbed and measured have at least {min_cells} held-out cells; {} controls are held out",
                genes.len(),
                cells.controls().n_cells(),
            );
            let advice = "hold out more cells, ask for fewer, and check that readouts and perturbations are called alike";
            return Err(Error::data(format!("context `{context}`"), problem, advice));
        }
        let outcomes = compare_all(cells, &genes);
        Ok(Self { context, cells, genes, outcomes })
    }

    /// Returns the context's name.
    #[must_use]
    pub fn context(&self) -> &str {
        &self.context
    }

    /// Returns the cells that are compared.
    #[must_use]
    pub fn cells(&self) -> &'a HeldOutCells {
        self.cells
    }

    /// Returns how many genes there are.
    #[must_use]
    pub fn n_genes(&self) -> usize {
        self.genes.len()
    }

    /// Returns how many genes are perturbed and measured, but in too few of the held-out cells.
    #[must_use]
    pub fn n_left_out(&self) -> usize {
        self.cells.perturbed().len() - self.genes.len()
    }

    /// Returns how many directed pairs of two genes there are.
    #[must_use]
    pub fn n_pairs(&self) -> usize {
        self.n_genes() * (self.n_genes() - 1)
    }

    /// Returns the genes, sorted by symbol; edges name their positions.
    pub fn genes(&self) -> impl Iterator<Item = &PerturbedGene> {
        self.genes.iter().filter_map(|at| self.cells.genes().get(*at))
    }

    /// Returns how many held-out cells the genes have together, and how many the controls.
    #[must_use]
    pub fn n_cells(&self) -> (usize, usize) {
        let of_gene = |at: &usize| self.cells.perturbed().get(*at).map_or(0, CellGroup::n_cells);
        (self.genes.iter().map(of_gene).sum(), self.cells.controls().n_cells())
    }

    /// Returns the Wasserstein distance of an edge, and whether the Mann–Whitney test finds it at
    /// [`SIGNIFICANCE`]; NaN if it names no genes of the task.
    #[must_use]
    pub fn outcome(&self, (source, target): Edge) -> (f64, bool) {
        let (source, target) = (source as usize, target as usize);
        let is_gene = source < self.n_genes();
        let outcome = self.outcomes.get(target * self.n_genes() + source).filter(|_| is_gene);
        outcome.map_or((f64::NAN, false), |(distance, rejects)| (f64::from(*distance), *rejects))
    }

    /// Returns the correlation of two genes over the controls that are not held out.
    #[must_use]
    pub fn control_correlation(&self, source: usize, target: usize) -> f32 {
        let at = |gene: usize| self.genes.get(gene).copied().unwrap_or(usize::MAX);
        match (at(source), at(target)) {
            (usize::MAX, _) | (_, usize::MAX) => f32::NAN,
            (source, target) => self.cells.control_correlation(source, target),
        }
    }

    /// Finds edges named by gene symbols (approved, or retired symbols and aliases that mean one gene), in their order; each
    /// once, those of other genes and of a gene with itself left out.
    #[must_use]
    pub fn edges(&self, dataset: &Dataset, named: &[(String, String)]) -> Vec<Edge> {
        let panel: Vec<u32> = self.genes().map(|gene| gene.perturbation).collect();
        let positions = gene_positions(dataset, &panel);
        let find = |(source, target): &(String, String)| {
            let edge = (*positions.get(source.as_str())?, *positions.get(target.as_str())?);
            (edge.0 != edge.1).then_some(edge)
        };
        let mut seen = HashSet::new();
        named.iter().filter_map(find).filter(|edge| seen.insert(*edge)).collect()
    }
}

/// Compares every gene's cells with the controls at every gene.
fn compare_all(cells: &HeldOutCells, genes: &[usize]) -> Vec<(f32, bool)> {
    let at_target = |target: &usize| {
        let controls = Reference::new(cells.controls().expression(*target));
        let outcome = |source: &usize| {
            let perturbed = cells.perturbed().get(*source).map(|cells| cells.expression(*target));
            let Some(perturbed) = perturbed.filter(|_| source != target) else {
                return (f32::NAN, false);
            };
            let distance = controls.wasserstein_distance(perturbed) as f32;
            (distance, controls.mann_whitney(perturbed) < SIGNIFICANCE)
        };
        genes.iter().map(outcome).collect::<Vec<_>>()
    };
    genes.par_iter().flat_map_iter(at_target).collect()
}
