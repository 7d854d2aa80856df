use serde::{Deserialize, Serialize};

use super::wanted::LeftOut;

/// What happens to profiles of one perturbation that collide within one assay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duplicates {
    /// They are refused, naming the columns or rows.
    #[default]
    Error,
    /// The mean of what each readout has of them, before normalisation.
    Mean,
}

/// The profiles of one file: raw values with the names the file uses.
///
/// # Shapes
/// `n_profiles × n_readouts`; names of profiles may repeat, names of readouts do not.
#[derive(Debug, Clone)]
pub struct Measurements {
    /// Whose profile each row is, as the file spells it.
    pub perturbations: Vec<String>,
    /// What each column is, as the file spells it.
    pub readouts: Vec<String>,
    /// What of the file was not wanted.
    pub left_out: LeftOut,
    values: Values,
}

#[derive(Debug, Clone)]
enum Values {
    /// Row after row, NaN for missing.
    Dense(Vec<f32>),
    /// (readout, value) of each row, sorted by readout.
    Sparse(Vec<Vec<(u32, f32)>>),
}

impl Measurements {
    /// Creates measurements from full rows (`perturbations.len() × readouts.len()`, NaN for missing).
    #[must_use]
    pub fn dense(perturbations: Vec<String>, readouts: Vec<String>, values: Vec<f32>) -> Self {
        let left_out = LeftOut::default();
        Self { perturbations, readouts, left_out, values: Values::Dense(values) }
    }

    /// Creates measurements from the measured (readout, value) pairs of each row.
    #[must_use]
    pub fn sparse(
        perturbations: Vec<String>,
        readouts: Vec<String>,
        rows: Vec<Vec<(u32, f32)>>,
    ) -> Self {
        let left_out = LeftOut::default();
        Self { perturbations, readouts, left_out, values: Values::Sparse(rows) }
    }

    pub(super) fn with_left_out(self, left_out: LeftOut) -> Self {
        Self { left_out, ..self }
    }

    /// Returns how many profiles there are.
    #[must_use]
    pub fn n_profiles(&self) -> usize {
        self.perturbations.len()
    }

    /// Returns how many readouts there are.
    #[must_use]
    pub fn n_readouts(&self) -> usize {
        self.readouts.len()
    }

    /// Calls `visit(readout, value)` for each measured value of a profile, in the readouts' order.
    pub fn for_each_value(&self, profile: usize, mut visit: impl FnMut(usize, f32)) {
        match &self.values {
            Values::Dense(values) => {
                let row = values.chunks_exact(self.n_readouts().max(1)).nth(profile);
                let measured = row.unwrap_or_default().iter().enumerate();
                measured.filter(|(_, value)| !value.is_nan()).for_each(|(r, v)| visit(r, *v));
            }
            Values::Sparse(rows) => {
                let row = rows.get(profile).map_or(&[][..], Vec::as_slice);
                row.iter().for_each(|(readout, value)| visit(*readout as usize, *value));
            }
        }
    }

    /// Returns which readouts have at least one measured value.
    #[must_use]
    pub fn measured_readouts(&self) -> Vec<bool> {
        let mut measured = vec![false; self.n_readouts()];
        for profile in 0..self.n_profiles() {
            self.for_each_value(profile, |readout, _| {
                if let Some(seen) = measured.get_mut(readout) {
                    *seen = true;
                }
            });
        }
        measured
    }

    /// Returns how many values are measured.
    #[must_use]
    pub fn n_values(&self) -> usize {
        let mut n_values = 0;
        (0..self.n_profiles()).for_each(|p| self.for_each_value(p, |_, _| n_values += 1));
        n_values
    }
}
