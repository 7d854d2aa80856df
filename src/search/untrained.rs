use crate::error::Error;

/// Says why an index's model predicts nothing of a perturbation in a single context: it was added after training, or the
/// files of two indexes were mixed.
pub(super) fn untrained(symbol: &str, is_added: bool) -> Error {
    let (problem, advice) = match is_added {
        true => (
            "it was added to the index after training, so the model predicts nothing of it in a single context",
            "give its profile with `predict --signature`, or rebuild the index from all data",
        ),
        false => ("the index's model does not know it", "rebuild the index"),
    };
    Error::data(format!("`{symbol}`"), problem, advice)
}
