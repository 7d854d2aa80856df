use super::edges::{Edge, strongest_edges};
use super::responses::Responses;
use super::task::CausalTask;
use crate::dataset::Dataset;

/// Returns the edges of simple methods, at most `n_edges` of each, from the cells that are not held out.
///
/// * `correlation`: pairs of genes that are correlated in controls, whichever way; it sees no perturbation, and no direction.
/// * `readout mean`: genes that all perturbations change most, whoever is perturbed; of one gene's edges the first by symbol.
/// * `measured`: the largest responses of the profiles themselves.
#[must_use]
pub fn baseline_edges(
    dataset: &Dataset,
    task: &CausalTask<'_>,
    n_edges: usize,
) -> Vec<(String, Vec<Edge>)> {
    let measured =
        Responses::new(dataset, task, |profile, row| dataset.profiles.copy_row(profile, row));
    let mean = measured.mean_strengths();
    let strongest =
        |strength: &dyn Fn(usize, usize) -> f32| strongest_edges(task.n_genes(), n_edges, strength);
    let correlation = strongest(&|source, target| task.control_correlation(source, target).abs());
    let readout_mean = strongest(&|_, target| mean.get(target).copied().unwrap_or(f32::NAN));
    let methods = [
        ("correlation", correlation),
        ("readout mean", readout_mean),
        ("measured", measured.edges(n_edges)),
    ];
    methods.map(|(name, edges)| (name.to_owned(), edges)).into()
}
