use std::collections::HashMap;

use super::samples::{Joint, SampleScale};
use crate::error::{Error, Result};
use crate::table::Condition;

/// What the counts of a sample are scaled to add up to, as Seurat's `LogNormalize` does by default (Hao et al. 2021,
/// doi:10.1016/j.cell.2021.04.048). It is fixed, so that a profile does not depend on which other cells a file holds.
pub(super) const DEPTH: f64 = 10_000.0;
/// Added to mean counts before their logarithm, so that readouts which are hardly seen differ little.
const PSEUDO_COUNT: f64 = 1.0;

/// Returns by what the values of a sample with this total are multiplied; none of a sample without counts.
pub(super) fn factor(scale: Option<SampleScale>, total: f64) -> Option<f64> {
    match scale {
        Some(SampleScale::Counts) => (total > 0.0).then(|| DEPTH / total),
        _ => Some(1.0),
    }
}

/// Profiles of conditions, row after row.
pub(super) struct Contrast<'a> {
    pub(super) joint: Joint<'a>,
    pub(super) n_readouts: usize,
}

impl Contrast<'_> {
    /// Makes profiles relative to the controls of their contexts, and leaves those of the controls out.
    ///
    /// # Errors
    /// Names a context without controls.
    pub(super) fn apply(
        &self,
        conditions: &mut Vec<Condition>,
        values: &mut Vec<f32>,
    ) -> Result<()> {
        let n_readouts = self.n_readouts.max(1);
        let mut controls: HashMap<&str, Vec<f32>> = HashMap::new();
        for (condition, profile) in conditions.iter().zip(values.chunks_exact(n_readouts)) {
            if condition.is_control {
                controls.insert(&condition.context, self.logarithms(profile));
            }
        }
        let mut n_kept = 0;
        for (at, condition) in conditions.iter().enumerate().filter(|(_, of)| !of.is_control) {
            let control = controls.get(condition.context.as_str());
            let control = control.ok_or_else(|| self.no_controls(&condition.context))?;
            let row = at * n_readouts..(at + 1) * n_readouts;
            let profile = self.logarithms(values.get(row).unwrap_or_default());
            let target = values.get_mut(n_kept * n_readouts..).unwrap_or_default();
            for (target, (value, control)) in target.iter_mut().zip(profile.iter().zip(control)) {
                *target = value - control;
            }
            n_kept += 1;
        }
        values.truncate(n_kept * n_readouts);
        conditions.retain(|condition| !condition.is_control);
        Ok(())
    }

    fn logarithms(&self, profile: &[f32]) -> Vec<f32> {
        let of = |value: &f32| match self.joint.scale {
            Some(SampleScale::Counts) => (f64::from(*value) + PSEUDO_COUNT).log2() as f32,
            _ => *value,
        };
        profile.iter().map(of).collect()
    }

    /// Says that a context has no controls to compare with.
    pub(super) fn no_controls(&self, context: &str) -> Error {
        let named: Vec<String> =
            self.joint.controls.iter().map(|name| format!("`{name}`")).collect();
        let least = match self.joint.min_samples {
            0 | 1 => "no sample".to_owned(),
            n => format!("fewer than {n} samples"),
        };
        Error::data(
            format!("context `{context}`"),
            format!("{least} of its controls ({})", named.join(", ")),
            "correct `controls`, filter the context out, or say `values = \"relative\"` if the values are relative to controls already",
        )
    }
}
