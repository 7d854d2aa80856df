use crate::dataset::{Dataset, Split};

/// What a split leaves of each profile: readouts and values, row after row.
#[derive(Debug)]
pub(super) struct Observed {
    offsets: Vec<usize>,
    entries: Vec<(u32, f32)>,
}

impl Observed {
    pub(super) fn of(dataset: &Dataset, excluded: &Split) -> Self {
        let mut offsets = vec![0];
        let mut entries = Vec::new();
        let mut row = vec![f32::NAN; dataset.profiles.n_readouts()];
        for profile in 0..dataset.profiles.n_profiles() {
            dataset.profiles.copy_row(profile, &mut row);
            let measured = row.iter().enumerate().filter(|(readout, value)| {
                !value.is_nan() && !excluded.holds_out(profile, *readout)
            });
            entries.extend(measured.map(|(readout, value)| (readout as u32, *value)));
            offsets.push(entries.len());
        }
        Self { offsets, entries }
    }

    /// Returns the readouts and values of a profile.
    pub(super) fn row(&self, profile: usize) -> &[(u32, f32)] {
        &self.entries[self.offsets[profile]..self.offsets[profile + 1]]
    }

    /// Returns which readouts of a profile have a value.
    pub(super) fn mask(&self, profile: usize, n_readouts: usize) -> Vec<bool> {
        let mut mask = vec![false; n_readouts];
        self.row(profile).iter().for_each(|(readout, _)| mask[*readout as usize] = true);
        mask
    }
}
