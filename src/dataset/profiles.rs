use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use memmap2::Mmap;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::error::{Error, Result};

/// Which perturbation in which context a profile belongs to: positions in the dataset's vocabularies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProfileKey {
    /// Position in [`Dataset::perturbations`](super::Dataset::perturbations).
    pub perturbation: u32,
    /// Position in [`Dataset::contexts`](super::Dataset::contexts).
    pub context: u32,
}

/// Where the values of a dataset lie, decided from its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageLimits {
    /// Values beyond this many bytes are spooled to a temporary file and memory-mapped.
    pub memory_bytes: u64,
    /// Profiles filled to less than this percentage are stored sparse.
    pub dense_percent: u32,
}

impl Default for StorageLimits {
    /// 1 GiB in memory; sparse below 25 % (a CSR entry takes twice the bytes of a dense one).
    fn default() -> Self {
        Self { memory_bytes: 1 << 30, dense_percent: 25 }
    }
}

/// Measured profiles, row after row: dense with NaN for missing, or compressed sparse rows.
///
/// # Shapes
/// `n_profiles × n_readouts`; row `i` belongs to `keys()[i]`.
#[derive(Debug)]
pub struct Profiles {
    keys: Vec<ProfileKey>,
    n_readouts: usize,
    n_observed: usize,
    layout: Layout,
}

#[derive(Debug)]
enum Layout {
    Dense(Numbers<f32>),
    Sparse { offsets: Vec<usize>, readouts: Numbers<u32>, values: Numbers<f32> },
}

#[derive(Debug)]
enum Numbers<T> {
    Memory(Vec<T>),
    Mapped(Mmap),
}

impl<T: bytemuck::Pod> Numbers<T> {
    fn as_slice(&self) -> &[T] {
        match self {
            Self::Memory(values) => values,
            // A map starts on a page, so the cast cannot fail; an empty slice is the harmless answer if it did.
            Self::Mapped(map) => bytemuck::try_cast_slice(map).unwrap_or_default(),
        }
    }
}

impl Profiles {
    /// Collects rows of `n_readouts` values (NaN for missing), one per key, into the smaller layout.
    ///
    /// `rows` is called once per profile, in order, with a buffer to fill; it is called twice for
    /// each profile (once to count). Values beyond [`StorageLimits::memory_bytes`] go to an unnamed
    /// temporary file, so the process's own memory stays small.
    ///
    /// # Errors
    /// When a row cannot be produced or the temporary file cannot be written.
    pub fn collect(
        keys: Vec<ProfileKey>,
        n_readouts: usize,
        limits: StorageLimits,
        mut rows: impl FnMut(usize, &mut [f32]) -> Result<()>,
    ) -> Result<Self> {
        let mut row = vec![f32::NAN; n_readouts];
        let mut offsets = Vec::with_capacity(keys.len() + 1);
        offsets.push(0);
        let mut n_observed = 0;
        for profile in 0..keys.len() {
            row.fill(f32::NAN);
            rows(profile, &mut row)?;
            n_observed += row.iter().filter(|value| !value.is_nan()).count();
            offsets.push(n_observed);
        }
        let n_cells = keys.len() * n_readouts;
        let is_dense = n_observed * 100 >= n_cells * limits.dense_percent as usize;
        let n_stored = if is_dense { n_cells } else { n_observed };
        let bytes = n_stored as u64 * if is_dense { 4 } else { 8 };
        let mapped = bytes > limits.memory_bytes;
        let mut values = Spool::new(n_stored, mapped)?;
        let mut readouts = Spool::new(if is_dense { 0 } else { n_stored }, mapped && !is_dense)?;
        for profile in 0..keys.len() {
            row.fill(f32::NAN);
            rows(profile, &mut row)?;
            if is_dense {
                values.extend(&row)?;
                continue;
            }
            for (readout, value) in row.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
                readouts.extend(&[readout as u32])?;
                values.extend(&[*value])?;
            }
        }
        let layout = if is_dense {
            Layout::Dense(values.finish()?)
        } else {
            Layout::Sparse { offsets, readouts: readouts.finish()?, values: values.finish()? }
        };
        Ok(Self { keys, n_readouts, n_observed, layout })
    }

    /// Returns how many profiles there are.
    #[must_use]
    pub fn n_profiles(&self) -> usize {
        self.keys.len()
    }

    /// Returns how many readouts a profile has, measured or not.
    #[must_use]
    pub fn n_readouts(&self) -> usize {
        self.n_readouts
    }

    /// Returns how many values are measured.
    #[must_use]
    pub fn n_observed(&self) -> usize {
        self.n_observed
    }

    /// Returns whose profile each row is.
    #[must_use]
    pub fn keys(&self) -> &[ProfileKey] {
        &self.keys
    }

    /// Returns whether the rows are stored sparse.
    #[must_use]
    pub fn is_sparse(&self) -> bool {
        matches!(self.layout, Layout::Sparse { .. })
    }

    /// Returns whether the values lie in a memory-mapped temporary file.
    #[must_use]
    pub fn is_mapped(&self) -> bool {
        match &self.layout {
            Layout::Dense(values) | Layout::Sparse { values, .. } => {
                matches!(values, Numbers::Mapped(_))
            }
        }
    }

    /// Writes profile `profile` into `row` (length `n_readouts`), NaN where nothing was measured.
    pub fn copy_row(&self, profile: usize, row: &mut [f32]) {
        match &self.layout {
            Layout::Dense(values) => {
                let start = profile * self.n_readouts;
                row.copy_from_slice(&values.as_slice()[start..start + self.n_readouts]);
            }
            Layout::Sparse { offsets, readouts, values } => {
                row.fill(f32::NAN);
                let range = offsets[profile]..offsets[profile + 1];
                let columns = &readouts.as_slice()[range.clone()];
                for (readout, value) in columns.iter().zip(&values.as_slice()[range]) {
                    row[*readout as usize] = *value;
                }
            }
        }
    }

    /// Returns profile `profile` as a new row, NaN where nothing was measured.
    #[must_use]
    pub fn row(&self, profile: usize) -> Vec<f32> {
        let mut row = vec![f32::NAN; self.n_readouts];
        self.copy_row(profile, &mut row);
        row
    }
}

/// Numbers on their way into memory or into a temporary file.
enum Spool<T> {
    Memory(Vec<T>),
    File(BufWriter<File>),
}

impl<T: bytemuck::Pod> Spool<T> {
    fn new(capacity: usize, mapped: bool) -> Result<Self> {
        if !mapped {
            return Ok(Self::Memory(Vec::with_capacity(capacity)));
        }
        let folder = std::env::temp_dir();
        let file = tempfile::tempfile_in(&folder).map_err(Error::io("create", &folder))?;
        Ok(Self::File(BufWriter::with_capacity(1 << 20, file)))
    }

    fn extend(&mut self, values: &[T]) -> Result<()> {
        match self {
            Self::Memory(memory) => memory.extend_from_slice(values),
            Self::File(file) => {
                file.write_all(bytemuck::cast_slice(values)).map_err(spool_error("write"))?;
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Numbers<T>> {
        match self {
            Self::Memory(values) => Ok(Numbers::Memory(values)),
            Self::File(writer) => {
                let file = writer.into_inner().map_err(|e| spool_error("write")(e.into_error()))?;
                Ok(Numbers::Mapped(map_unnamed(&file)?))
            }
        }
    }
}

fn spool_error(action: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    Error::io(action, Path::new("temporary file of the dataset"))
}

// SAFETY: the mapped file has no name and its only handle is closed after mapping, so no other
// process can change or truncate it while the map lives.
#[allow(unsafe_code)]
fn map_unnamed(file: &File) -> Result<Mmap> {
    unsafe { Mmap::map(file) }.map_err(spool_error("map"))
}

/// Returns the values of a profile in another order over the readouts that have one; missing ones stay where they are.
pub(crate) fn shuffle_profile(values: &[f32], seed: u64) -> Vec<f32> {
    let mut measured: Vec<f32> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    measured.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let mut next = measured.into_iter();
    let place = |value: &f32| if value.is_nan() { None } else { next.next() };
    values.iter().map(place).map(|value| value.unwrap_or(f32::NAN)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(fill: impl Fn(usize, usize) -> f32, limits: StorageLimits) -> Profiles {
        let keys = (0..5).map(|i| ProfileKey { perturbation: i, context: 0 }).collect();
        Profiles::collect(keys, 7, limits, |profile, row| {
            row.iter_mut().enumerate().for_each(|(readout, value)| *value = fill(profile, readout));
            Ok(())
        })
        .unwrap()
    }

    #[test]
    fn every_layout_returns_the_same_rows() {
        let sparse =
            |p: usize, r: usize| if (p + r).is_multiple_of(6) { p as f32 + 0.5 } else { f32::NAN };
        let mapped = StorageLimits { memory_bytes: 0, ..StorageLimits::default() };
        let dense = StorageLimits { dense_percent: 0, ..StorageLimits::default() };
        let expected = collect(sparse, dense);
        assert!(!expected.is_sparse());
        for limits in [StorageLimits::default(), mapped] {
            let profiles = collect(sparse, limits);
            assert!(profiles.is_sparse());
            assert_eq!(profiles.is_mapped(), limits.memory_bytes == 0);
            for profile in 0..5 {
                let bits = |row: Vec<f32>| row.into_iter().map(f32::to_bits).collect::<Vec<_>>();
                assert_eq!(bits(profiles.row(profile)), bits(expected.row(profile)));
            }
        }
    }

    #[test]
    fn a_mapped_dense_matrix_keeps_its_values() {
        let mapped = StorageLimits { memory_bytes: 0, ..StorageLimits::default() };
        let profiles = collect(|p, r| (p * 10 + r) as f32, mapped);
        assert!(profiles.is_mapped() && !profiles.is_sparse());
        assert_eq!(profiles.row(4), [40.0, 41.0, 42.0, 43.0, 44.0, 45.0, 46.0]);
    }
}
