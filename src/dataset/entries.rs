use super::{Dataset, ProfileKey, Split};

/// What a split leaves of a dataset, row after row, missing values left out.
#[derive(Debug)]
pub(crate) struct Entries {
    offsets: Vec<usize>,
    entries: Vec<(u32, f32)>,
}

impl Entries {
    /// Copies the values out once: who learns from them passes over them many times, and the split's draw is a hash.
    pub(crate) fn of(dataset: &Dataset, split: &Split) -> Self {
        let mut offsets = vec![0];
        let mut entries = Vec::new();
        let mut row = vec![f32::NAN; dataset.readouts.len()];
        for profile in 0..dataset.profiles.n_profiles() {
            dataset.profiles.copy_row(profile, &mut row);
            for (readout, value) in row.iter().enumerate() {
                if !value.is_nan() && !split.holds_out(profile, readout) {
                    entries.push((readout as u32, *value));
                }
            }
            offsets.push(entries.len());
        }
        Self { offsets, entries }
    }

    /// Divides the values in two: those a second split keeps, and those it holds out.
    pub(crate) fn divide(&self, split: &Split) -> (Self, Self) {
        let mut parts = [(vec![0], Vec::new()), (vec![0], Vec::new())];
        for profile in 0..self.n_profiles() {
            for &(readout, value) in self.row(profile) {
                let part = usize::from(split.holds_out(profile, readout as usize));
                parts[part].1.push((readout, value));
            }
            parts.iter_mut().for_each(|(offsets, entries)| offsets.push(entries.len()));
        }
        let [kept, held] = parts.map(|(offsets, entries)| Self { offsets, entries });
        (kept, held)
    }

    pub(crate) fn n_profiles(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(crate) fn n_values(&self) -> usize {
        self.entries.len()
    }

    /// Returns the readouts and values of a profile.
    pub(crate) fn row(&self, profile: usize) -> &[(u32, f32)] {
        &self.entries[self.offsets[profile]..self.offsets[profile + 1]]
    }

    /// Returns which readouts of a profile have a value.
    pub(crate) fn mask(&self, profile: usize, n_readouts: usize) -> Vec<bool> {
        let mut mask = vec![false; n_readouts];
        self.row(profile).iter().for_each(|(readout, _)| mask[*readout as usize] = true);
        mask
    }

    /// Returns every value with its profile's key.
    pub(crate) fn with_keys<'a>(
        &'a self,
        keys: &'a [ProfileKey],
    ) -> impl Iterator<Item = (ProfileKey, usize, f32)> + 'a {
        keys.iter().enumerate().flat_map(|(profile, key)| {
            self.row(profile).iter().map(|(readout, value)| (*key, *readout as usize, *value))
        })
    }

    /// Returns each readout's mean, and the overall mean where it has no value.
    pub(crate) fn readout_means(&self, n_readouts: usize) -> (Vec<f32>, f32) {
        let mut sums = vec![(0.0_f64, 0_u32); n_readouts];
        for (readout, value) in &self.entries {
            sums[*readout as usize].0 += f64::from(*value);
            sums[*readout as usize].1 += 1;
        }
        let total: f64 = sums.iter().map(|sums| sums.0).sum();
        let global = (total / self.entries.len().max(1) as f64) as f32;
        let mean = |(sum, n): (f64, u32)| if n > 0 { (sum / f64::from(n)) as f32 } else { global };
        (sums.into_iter().map(mean).collect(), global)
    }
}
