use super::edges::{Edge, strongest_edges};
use super::task::CausalTask;
use crate::dataset::{Dataset, NormalisationStep};
use crate::evaluate::retrieval::profiles_in;

/// What perturbing each gene of a task does to each other, measured or predicted, in the units of the assay.
///
/// Profiles are scaled one by one where the recipe says so, which would hide that some perturbations do more than others;
/// and readouts' means are subtracted, which hides what all do. Both are undone here; what `median-centre` and
/// `mean-centre` took is not known any more.
#[derive(Debug, Clone, PartialEq)]
pub struct Responses {
    n_genes: usize,
    /// Gene by gene that is perturbed: the responses of all, NaN where there is none.
    values: Vec<f32>,
}

impl Responses {
    /// Takes normalised profiles from `fill`, which is given a profile's position in the dataset and a row of a value for
    /// each readout.
    #[must_use]
    pub fn new(
        dataset: &Dataset,
        task: &CausalTask<'_>,
        mut fill: impl FnMut(usize, &mut [f32]),
    ) -> Self {
        let context = task.cells().context();
        let profiles = profiles_in(dataset, context);
        let undo = Undo::of(dataset, context);
        let mut row = vec![f32::NAN; dataset.readouts.len()];
        let mut values = Vec::with_capacity(task.n_genes() * task.n_genes());
        for gene in task.genes() {
            row.fill(f32::NAN);
            if let Some(profile) = profiles.get(&gene.perturbation) {
                fill(*profile, &mut row);
                undo.apply(dataset.spread.get(*profile).copied().unwrap_or(1.0), &mut row);
            }
            let value = |readout: u32| row.get(readout as usize).copied().unwrap_or(f32::NAN);
            values.extend(task.genes().map(|gene| value(gene.readout)));
        }
        Self { n_genes: task.n_genes(), values }
    }

    /// Returns how strongly perturbing one gene changes another, whichever way; NaN where nothing is known.
    #[must_use]
    pub fn strength(&self, source: usize, target: usize) -> f32 {
        let value = self.values.get(source * self.n_genes + target).copied();
        value.map_or(f32::NAN, f32::abs)
    }

    /// Returns the strongest edges, as [`strongest_edges`] does.
    #[must_use]
    pub fn edges(&self, n_edges: usize) -> Vec<Edge> {
        strongest_edges(self.n_genes, n_edges, |source, target| self.strength(source, target))
    }

    /// Returns of each gene the mean strength over all perturbations but its own.
    pub(super) fn mean_strengths(&self) -> Vec<f32> {
        let mean = |target: usize| {
            let others = (0..self.n_genes).filter(|source| *source != target);
            let strengths = others.map(|source| f64::from(self.strength(source, target)));
            let known: Vec<f64> = strengths.filter(|strength| !strength.is_nan()).collect();
            (known.iter().sum::<f64>() / known.len() as f64) as f32
        };
        (0..self.n_genes).map(mean).collect()
    }
}

/// The way back from normalised values to the units of an assay.
struct Undo<'a> {
    steps: &'a [NormalisationStep],
    removed_means: Vec<&'a [f32]>,
}

impl<'a> Undo<'a> {
    fn of(dataset: &'a Dataset, context: u32) -> Self {
        let name = dataset.contexts.get(context as usize).map_or("", |context| context.0.as_str());
        let assay = dataset.recipe.assay_of(name);
        let means = dataset.removed_means.get(context as usize).map_or(&[][..], Vec::as_slice);
        Self {
            steps: assay.map_or(&[], |assay| dataset.recipe.steps(assay)),
            removed_means: means.chunks_exact(dataset.readouts.len().max(1)).collect(),
        }
    }

    fn apply(&self, spread: f32, row: &mut [f32]) {
        use NormalisationStep as Step;
        let mut means = self.removed_means.iter().rev();
        // The spread is that of the first step that scales.
        let is_scale = |step: &Step| matches!(step, Step::UnitSpread | Step::UnitScale);
        let first_scale = self.steps.iter().position(is_scale);
        for (at, step) in self.steps.iter().enumerate().rev() {
            match step {
                Step::RemoveReadoutMean => {
                    let means = means.next().copied().unwrap_or_default();
                    row.iter_mut().zip(means).for_each(|(value, mean)| *value += mean);
                }
                Step::Negate => row.iter_mut().for_each(|value| *value = -*value),
                _ if Some(at) == first_scale => {
                    row.iter_mut().for_each(|value| *value *= spread);
                }
                _ => {}
            }
        }
    }
}
