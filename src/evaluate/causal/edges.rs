/// A directed edge: the gene that is perturbed, and the one that changes, by their positions in a task.
pub type Edge = (u32, u32);

/// Returns the strongest edges among `n_genes`, at most `n_edges`, the strongest first; of equal ones the earlier. A gene is
/// not joined with itself, and NaN is no strength. Holds 12 bytes for each pair while it ranks them.
///
/// ```
/// use phenocopy::evaluate::causal::strongest_edges;
///
/// let strength = [[9.0, 1.0, 4.0], [3.0, 9.0, f32::NAN], [2.0, 2.0, 9.0]];
/// let edges = strongest_edges(3, 3, |source, target| strength[source][target]);
/// assert_eq!(edges, [(0, 2), (1, 0), (2, 0)]);
/// ```
#[must_use]
pub fn strongest_edges(
    n_genes: usize,
    n_edges: usize,
    strength: impl Fn(usize, usize) -> f32,
) -> Vec<Edge> {
    let all = (0..n_genes).flat_map(|source| (0..n_genes).map(move |target| (source, target)));
    let known = |(source, target): (usize, usize)| {
        let strength = strength(source, target);
        (source != target && !strength.is_nan())
            .then_some((strength, (source as u32, target as u32)))
    };
    let mut edges: Vec<(f32, Edge)> = all.filter_map(known).collect();
    let stronger = |one: &(f32, Edge), other: &(f32, Edge)| {
        other.0.total_cmp(&one.0).then(one.1.cmp(&other.1))
    };
    if n_edges < edges.len() {
        edges.select_nth_unstable_by(n_edges, stronger);
        edges.truncate(n_edges);
    }
    edges.sort_unstable_by(stronger);
    edges.into_iter().map(|(_, edge)| edge).collect()
}
