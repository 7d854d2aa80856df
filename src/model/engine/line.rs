use bytemuck::{Pod, Zeroable};
use pulp::Simd;

/// Columns that are computed together: two vectors of AVX-512, four of AVX2.
pub(super) const PANEL: usize = 32;

/// One row of a panel. A matrix is a list of panels, each a list of lines, padded with zeros: so each
/// kernel reads memory in order, and no kernel has a remainder of columns.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [f32; PANEL]);

impl Line {
    pub(super) const ZERO: Self = Self([0.0; PANEL]);

    /// Returns the line as vectors.
    #[inline(always)]
    pub(super) fn vectors<S: Simd>(&self, _: S) -> &[S::f32s] {
        S::as_simd_f32s(&self.0).0
    }

    /// Returns the line as vectors.
    #[inline(always)]
    pub(super) fn vectors_mut<S: Simd>(&mut self, _: S) -> &mut [S::f32s] {
        S::as_mut_simd_f32s(&mut self.0).0
    }

    /// Adds another line.
    #[inline(always)]
    pub(super) fn add<S: Simd>(&mut self, simd: S, other: &Self) {
        for (sum, other) in self.vectors_mut(simd).iter_mut().zip(other.vectors(simd)) {
            *sum = simd.add_f32s(*sum, *other);
        }
    }

    /// Adds another line times a number.
    #[inline(always)]
    pub(super) fn add_scaled<S: Simd>(&mut self, simd: S, other: &Self, scale: f32) {
        let scale = simd.splat_f32s(scale);
        for (sum, other) in self.vectors_mut(simd).iter_mut().zip(other.vectors(simd)) {
            *sum = simd.mul_add_f32s(scale, *other, *sum);
        }
    }

    /// Adds the products with another line, column by column.
    #[inline(always)]
    pub(super) fn add_products<S: Simd>(&mut self, simd: S, a: &Self, b: &Self) {
        let factors = a.vectors(simd).iter().zip(b.vectors(simd));
        for (sum, (a, b)) in self.vectors_mut(simd).iter_mut().zip(factors) {
            *sum = simd.mul_add_f32s(*a, *b, *sum);
        }
    }

    /// Multiplies with another line, column by column.
    #[inline(always)]
    pub(super) fn multiply<S: Simd>(&mut self, simd: S, factors: &Self) {
        for (value, factor) in self.vectors_mut(simd).iter_mut().zip(factors.vectors(simd)) {
            *value = simd.mul_f32s(*value, *factor);
        }
    }

    /// ReLU of the sum of two lines; a NaN stays one, so that a diverged training shows.
    #[inline(always)]
    pub(super) fn set_rectified_sum<S: Simd>(&mut self, simd: S, a: &Self, b: &Self) {
        let zero = simd.splat_f32s(0.0);
        let terms = a.vectors(simd).iter().zip(b.vectors(simd));
        for (out, (a, b)) in self.vectors_mut(simd).iter_mut().zip(terms) {
            let sum = simd.add_f32s(*a, *b);
            *out = simd.select_f32s(simd.less_than_f32s(sum, zero), zero, sum);
        }
    }

    /// `scale` times itself where `output` is above 0, else 0: the way back through ReLU and dropout.
    #[inline(always)]
    pub(super) fn gate<S: Simd>(&mut self, simd: S, output: &Self, scale: f32) {
        let (zero, scale) = (simd.splat_f32s(0.0), simd.splat_f32s(scale));
        for (value, output) in self.vectors_mut(simd).iter_mut().zip(output.vectors(simd)) {
            let scaled = simd.mul_f32s(*value, scale);
            *value = simd.select_f32s(simd.less_than_f32s(zero, *output), scaled, zero);
        }
    }

    /// Turns the outputs of a layer into the gradient of its sums, which is `gradient` where they are above 0.
    #[inline(always)]
    pub(super) fn turn_to_gradient<S: Simd>(&mut self, simd: S, gradient: &Self, scale: f32) {
        let (zero, scale) = (simd.splat_f32s(0.0), simd.splat_f32s(scale));
        for (value, gradient) in self.vectors_mut(simd).iter_mut().zip(gradient.vectors(simd)) {
            let scaled = simd.mul_f32s(*gradient, scale);
            *value = simd.select_f32s(simd.less_than_f32s(zero, *value), scaled, zero);
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
        for (to, from) in to.0.iter_mut().zip(from) {
            *to = from.0[row];
        }
    }
}
