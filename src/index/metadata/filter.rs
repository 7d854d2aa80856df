use crate::experiment::PerturbationType;

/// Which rows may be hits: values within a list are alternatives, the lists must all hold.
///
/// ```
/// use phenocopy::index::Filter;
///
/// let filter = Filter { moas: vec!["BCL inhibitor".into()], ..Filter::default() };
/// assert!(!filter.is_empty());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Perturbation types.
    pub types: Vec<PerturbationType>,
    /// Gene symbols: compounds annotated with the gene, and perturbations of the gene itself.
    pub targets: Vec<String>,
    /// Words of a mechanism class, as a phrase.
    pub moas: Vec<String>,
    /// Clinical phases, as a phrase.
    pub phases: Vec<String>,
    /// A tantivy query over the [`Metadata::FIELDS`](super::Metadata::FIELDS), such as `moa:"BCL inhibitor" AND phase:Launched`.
    pub expression: Option<String>,
}

impl Filter {
    /// Returns whether every row passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
