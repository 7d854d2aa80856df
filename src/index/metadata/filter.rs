use crate::embedding::RowSet;
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
    /// Rows of the index, such as those of a [`Picklist`](crate::search::Picklist).
    pub rows: Option<RowSet>,
}

impl Filter {
    /// Returns whether every row passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns each list that is not empty as a filter of its own, with words for it.
    #[must_use]
    pub fn conditions(&self) -> Vec<(String, Self)> {
        let Self { types, targets, moas, phases, expression, rows } = self.clone();
        let n_rows = rows.as_ref().map_or(0, RowSet::len);
        let codes: Vec<&str> = types.iter().map(|kind| kind.cmap_code()).collect();
        let alternatives =
            |name: &str, values: &[String]| format!("{name} {}", values.join(" or "));
        let all = [
            (format!("type {}", codes.join(" or ")), Self { types, ..Self::default() }),
            (alternatives("target", &targets), Self { targets, ..Self::default() }),
            (alternatives("mechanism", &moas), Self { moas, ..Self::default() }),
            (alternatives("phase", &phases), Self { phases, ..Self::default() }),
            (
                format!("filter {}", expression.as_deref().unwrap_or_default()),
                Self { expression, ..Self::default() },
            ),
            (format!("picklist of {n_rows} perturbations"), Self { rows, ..Self::default() }),
        ];
        all.into_iter().filter(|(_, filter)| !filter.is_empty()).collect()
    }
}
