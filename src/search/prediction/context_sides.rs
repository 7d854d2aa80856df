use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::experiment::Side;
use crate::index::Index;

/// Which sides' perturbations were measured in each context.
#[derive(Debug)]
pub(super) struct ContextSides(BTreeMap<String, BTreeSet<Side>>);

impl ContextSides {
    /// Reads the records of an index.
    pub(super) fn of(index: &Index) -> Result<Self> {
        let mut sides: BTreeMap<String, BTreeSet<Side>> = BTreeMap::new();
        for row in 0..index.n_rows() as u32 {
            let record = index.record(row)?;
            let side = record.perturbation.side();
            for context in record.contexts {
                sides.entry(context).or_default().insert(side);
            }
        }
        Ok(Self(sides))
    }

    /// Returns whether anything of a side was measured in a context.
    pub(super) fn has(&self, context: &str, side: Side) -> bool {
        self.0.get(context).is_some_and(|sides| sides.contains(&side))
    }
}
