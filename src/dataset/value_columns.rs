use serde::{Deserialize, Serialize};

use crate::table::{ListsPart, LongColumns};

/// Which columns of a table hold what: of a long table in each row one value, of a table of lists many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueColumns {
    /// Column of the perturbation's name, of a long table only: what a row of lists holds is said by `[assay.samples]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perturbation: Option<String>,
    /// Column of the readout's name, or of lists of such names.
    pub readout: String,
    /// Column of the value, or of lists of values.
    pub value: String,
}

impl ValueColumns {
    /// Returns the columns of a long table; none of a table of lists.
    pub(super) fn of_long(&self) -> Option<LongColumns> {
        let (readout, value) = (self.readout.clone(), self.value.clone());
        Some(LongColumns { perturbation: self.perturbation.clone()?, readout, value })
    }

    /// Returns the columns of a table of lists.
    pub(super) fn of_lists(&self, are_counts: bool) -> ListsPart<'_> {
        ListsPart { readout: &self.readout, value: &self.value, are_counts }
    }
}
