use std::ops::Range;

use crate::embedding::similarity_matrix;

/// Pairs of a reference and a target that a null leaves out: they are annotated with each other, or the same thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownPairs {
    /// Per reference its targets, sorted.
    of_reference: Vec<Vec<u32>>,
}

impl KnownPairs {
    /// Collects pairs of positions; a pair may come twice.
    #[must_use]
    pub fn new(n_references: usize, pairs: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let mut of_reference = vec![Vec::new(); n_references];
        for (reference, target) in pairs {
            if let Some(targets) = of_reference.get_mut(reference as usize) {
                targets.push(target);
            }
        }
        for targets in &mut of_reference {
            targets.sort_unstable();
            targets.dedup();
        }
        Self { of_reference }
    }

    /// Returns the targets of a reference within a range, in order.
    fn within(&self, reference: usize, targets: &Range<usize>) -> impl Iterator<Item = usize> {
        let all = self.of_reference.get(reference).map_or(&[][..], Vec::as_slice);
        let start = all.partition_point(|target| (*target as usize) < targets.start);
        let end = targets.end;
        all[start..].iter().map(|target| *target as usize).take_while(move |target| *target < end)
    }
}

/// Reference queries and targets as vectors of one space: what a [`NullModel`](super::NullModel) is learnt from.
///
/// ```
/// use phenocopy::calibrate::{KnownPairs, References};
///
/// let known = KnownPairs::new(2, [(1, 0)]);
/// let vectors = [1.0, 0.0, 0.0, 1.0];
/// let references = References { vectors: &vectors, targets: &vectors, dim: 2, known: &known };
/// let similarities = references.similarities(0..2, 0..2);
/// assert_eq!(similarities[..2], [1.0, 0.0]);
/// assert!(similarities[2].is_nan() && similarities[3] == 1.0);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct References<'a> {
    /// Row-major, of `dim` numbers each.
    pub vectors: &'a [f32],
    /// Row-major, of `dim` numbers each.
    pub targets: &'a [f32],
    /// Length of a vector.
    pub dim: usize,
    /// Pairs to leave out.
    pub known: &'a KnownPairs,
}

impl References<'_> {
    /// Returns the number of references.
    #[must_use]
    pub fn n_references(&self) -> usize {
        self.vectors.len() / self.dim.max(1)
    }

    /// Returns the number of targets.
    #[must_use]
    pub fn n_targets(&self) -> usize {
        self.targets.len() / self.dim.max(1)
    }

    /// Returns the similarities of a range of references to a range of targets, row-major; NaN for pairs to leave out.
    #[must_use]
    pub fn similarities(&self, references: Range<usize>, targets: Range<usize>) -> Vec<f32> {
        let width = targets.len();
        let mut values = similarity_matrix(
            rows(self.targets, self.dim, &targets),
            self.dim,
            rows(self.vectors, self.dim, &references),
        );
        for (line, reference) in references.enumerate() {
            for target in self.known.within(reference, &targets) {
                values[line * width + target - targets.start] = f32::NAN;
            }
        }
        values
    }
}

fn rows<'a>(all: &'a [f32], dim: usize, range: &Range<usize>) -> &'a [f32] {
    all.get(range.start * dim..range.end * dim).unwrap_or_default()
}
