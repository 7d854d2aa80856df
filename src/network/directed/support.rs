use super::edge::DirectedEdge;
use super::query::DirectedSource;
use crate::error::Result;
use crate::index::Index;

/// Counts for each edge in how many contexts, of those that its perturbation was measured in, the response predicted there
/// has the edge's sign and is among the strongest twentieth; leaves it out where nothing predicts in single contexts.
///
/// # Errors
/// When the model is damaged.
#[cfg(feature = "train")]
pub(super) fn add_support(
    index: &Index,
    sources: &[DirectedSource],
    edges: &mut [DirectedEdge],
) -> Result<()> {
    use crate::search::{ContextResponses, Support};

    let Some(responses) = ContextResponses::open(index)? else { return Ok(()) };
    let mut of_source: Vec<Vec<usize>> = vec![Vec::new(); sources.len()];
    edges.iter().enumerate().for_each(|(at, edge)| of_source[edge.source].push(at));
    for (source, own) in sources.iter().zip(&of_source).filter(|(_, own)| !own.is_empty()) {
        if !responses.knows(&source.record) {
            continue;
        }
        let contexts = &source.record.contexts;
        let measured = contexts.len() as u32;
        own.iter().for_each(|at| {
            edges[*at].support = Some(Support { agreeing: 0, measured });
        });
        for context in contexts {
            let response = responses.response_in(&source.record, context)?;
            let least = strongest_twentieth(&response);
            for at in own {
                let value = response.get(edges[*at].target).copied().unwrap_or_default();
                let agrees = value.abs() >= least && (value < 0.0) == (edges[*at].z < 0.0);
                if let Some(support) = &mut edges[*at].support {
                    support.agreeing += u32::from(agrees);
                }
            }
        }
    }
    Ok(())
}

/// Where the strongest twentieth of a response begins, whichever sign.
#[cfg(feature = "train")]
fn strongest_twentieth(response: &[f64]) -> f64 {
    let mut sizes: Vec<f64> = response.iter().map(|value| value.abs()).collect();
    let n_strong = sizes.len().div_ceil(20);
    let Some(at) = sizes.len().checked_sub(n_strong) else { return f64::INFINITY };
    if n_strong == 0 {
        return f64::INFINITY;
    }
    *sizes.select_nth_unstable_by(at, f64::total_cmp).1
}

/// Without the model nothing predicts in single contexts.
#[cfg(not(feature = "train"))]
#[allow(clippy::unnecessary_wraps)]
pub(super) fn add_support(_: &Index, _: &[DirectedSource], _: &mut [DirectedEdge]) -> Result<()> {
    Ok(())
}
