use phenocopy::Error;
use phenocopy::embedding::FeatureQuality;
use phenocopy::index::Index;
use phenocopy::search::{Answer, FeaturePlacement, Query};
use phenocopy::table::read_features;

use super::SearchArguments;
use crate::cli::output::complain;

impl SearchArguments {
    /// Learns what features or structures mean, and warns if that is nothing.
    pub(super) fn placement(&self, index: &Index) -> anyhow::Result<NamePlacement> {
        let (placement, quality) = if let Some(path) = &self.features {
            let placement = FeaturePlacement::fit(index, read_features(path)?)?;
            let quality = placement.quality();
            (NamePlacement::Features(placement), quality)
        } else if self.smiles.is_empty() {
            return Ok(NamePlacement::Rows);
        } else {
            structures(index)?
        };
        if !quality.predicts() {
            complain("warning: these features predict nothing of the index's vectors");
        }
        Ok(placement)
    }
}

/// What a name that the index does not hold is placed by.
pub(super) enum NamePlacement {
    /// Nothing: it is unknown.
    Rows,
    Features(FeaturePlacement),
    #[cfg(feature = "structures")]
    Structures(phenocopy::search::StructurePlacement),
}

impl NamePlacement {
    /// Returns whether other queries can still be answered: a name may be misspelt, a structure unreadable.
    pub(super) fn concerns_one_query(&self, error: &Error) -> bool {
        match self {
            Self::Rows | Self::Features(_) => is_about_a_name(error),
            #[cfg(feature = "structures")]
            Self::Structures(_) => matches!(error, Error::Data { .. }),
        }
    }

    pub(super) fn search(
        &self,
        index: &Index,
        queries: &[Query],
    ) -> Vec<phenocopy::Result<Answer>> {
        let one_by_one = |search: &dyn Fn(&Query) -> phenocopy::Result<Answer>| {
            queries.iter().map(search).collect()
        };
        match (self, queries) {
            (Self::Rows, [_, _, ..]) => index.search_batch(queries),
            (Self::Rows, _) => one_by_one(&|query| index.search(query)),
            (Self::Features(placement), _) => {
                one_by_one(&|query| index.search_features(placement, query))
            }
            #[cfg(feature = "structures")]
            (Self::Structures(placement), _) => {
                one_by_one(&|query| index.search_structure(placement, query))
            }
        }
    }
}

#[cfg(feature = "structures")]
fn structures(index: &Index) -> anyhow::Result<(NamePlacement, FeatureQuality)> {
    let placement = phenocopy::search::StructurePlacement::fit(index)?;
    let quality = placement.quality();
    Ok((NamePlacement::Structures(placement), quality))
}

#[cfg(not(feature = "structures"))]
fn structures(_: &Index) -> anyhow::Result<(NamePlacement, FeatureQuality)> {
    anyhow::bail!("this phenocopy was built without the feature `structures`; build it with it")
}

/// One misspelt name among several should not cost the answers to the others.
fn is_about_a_name(error: &Error) -> bool {
    matches!(error, Error::UnknownName { .. } | Error::AmbiguousName { .. })
}
