use bytemuck::{Pod, Zeroable};

/// Columns that are computed together: two vectors of AVX-512, four of AVX2.
pub(super) const PANEL: usize = 32;

/// One row of a panel. A matrix is a list of panels, each a list of lines, padded with zeros: so each
/// kernel reads memory in order, and no kernel has a remainder of columns.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [f32; PANEL]);

impl Line {
    pub(super) const ZERO: Self = Self([0.0; PANEL]);

    /// Adds another line.
    #[inline(always)]
    pub(super) fn add(&mut self, other: &Self) {
        for column in 0..PANEL {
            self.0[column] += other.0[column];
        }
    }

    /// Adds another line times a number.
    #[inline(always)]
    pub(super) fn add_scaled(&mut self, other: &Self, scale: f32) {
        for column in 0..PANEL {
            self.0[column] = scale.mul_add(other.0[column], self.0[column]);
        }
    }

    /// Returns the sum of all columns, in one order whatever the instruction set.
    #[inline(always)]
    pub(super) fn sum(&self) -> f32 {
        let mut sums = self.0;
        let mut width = PANEL / 2;
        while width > 0 {
            for column in 0..width {
                sums[column] += sums[column + width];
            }
            width /= 2;
        }
        sums[0]
    }
}

/// Returns how many panels hold this many columns.
pub(super) fn n_panels(columns: usize) -> usize {
    columns.div_ceil(PANEL)
}

/// Resizes to `n` lines of zeros, keeping the memory.
pub(super) fn clear(lines: &mut Vec<Line>, n: usize) {
    lines.clear();
    lines.resize(n, Line::ZERO);
}

/// Transposes the 32 × 32 block of 32 lines.
#[inline(always)]
pub(super) fn transpose(from: &[Line; PANEL], to: &mut [Line; PANEL]) {
    for (row, to) in to.iter_mut().enumerate() {
        for column in 0..PANEL {
            to.0[column] = from[column].0[row];
        }
    }
}
