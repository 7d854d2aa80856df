/// What tells a sample from the others of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleKey<'a> {
    /// Its name.
    Name(&'a str),
    /// Its row, from 0: cells are millions, and their names may repeat.
    Row(usize),
}

/// Which samples and readouts of a file are wanted, by the names that the file gives them. Values of
/// others are not held, and where the file's layout allows it not read.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// Whether a sample (profile, signature, well) is.
    pub sample: &'a dyn Fn(SampleKey<'_>) -> bool,
    /// Whether a readout is.
    pub readout: &'a dyn Fn(&str) -> bool,
}

impl Wanted<'_> {
    /// Everything.
    pub const ALL: Wanted<'static> = Wanted { sample: &|_| true, readout: &|_| true };

    /// Returns whether a sample of this name is wanted.
    pub(super) fn wants(&self, name: &str) -> bool {
        (self.sample)(SampleKey::Name(name))
    }

    /// Returns the positions of the readouts that are wanted.
    pub(super) fn readout_positions(&self, names: &[String]) -> Vec<usize> {
        positions(names.len(), |at| names.get(at).is_some_and(|name| (self.readout)(name)))
    }

    /// Returns the positions of the samples that are wanted.
    pub(super) fn sample_positions(&self, names: &[String]) -> Vec<usize> {
        positions(names.len(), |at| names.get(at).is_some_and(|name| self.wants(name)))
    }

    /// Returns the rows of a file without names of samples that are wanted.
    pub(super) fn sample_rows(&self, n_rows: usize) -> Vec<usize> {
        positions(n_rows, |row| (self.sample)(SampleKey::Row(row)))
    }
}

fn positions(n: usize, is_wanted: impl Fn(usize) -> bool) -> Vec<usize> {
    (0..n).filter(|at| is_wanted(*at)).collect()
}

/// How many samples and readouts of a file were not wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Samples.
    pub samples: usize,
    /// Readouts.
    pub readouts: usize,
}
