/// Which samples and readouts of a file are wanted, by the names that the file gives them. Values of
/// others are not held, and where the file's layout allows it not read.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// Whether a sample (profile, signature, well) is.
    pub sample: &'a dyn Fn(&str) -> bool,
    /// Whether a readout is.
    pub readout: &'a dyn Fn(&str) -> bool,
}

impl Wanted<'_> {
    /// Everything.
    pub const ALL: Wanted<'static> = Wanted { sample: &|_| true, readout: &|_| true };

    /// Returns the positions of the readouts that are wanted.
    pub(super) fn readout_positions(&self, names: &[String]) -> Vec<usize> {
        positions(names, self.readout)
    }

    /// Returns the positions of the samples that are wanted.
    pub(super) fn sample_positions(&self, names: &[String]) -> Vec<usize> {
        positions(names, self.sample)
    }
}

fn positions(names: &[String], is_wanted: &dyn Fn(&str) -> bool) -> Vec<usize> {
    (0..names.len()).filter(|at| names.get(*at).is_some_and(|name| is_wanted(name))).collect()
}

/// How many samples and readouts of a file were not wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Samples.
    pub samples: usize,
    /// Readouts.
    pub readouts: usize,
}
