//! Matrix products over panels: the inner loops of training.
//!
//! Every number is one chain of fused multiply-adds in the order of the inner dimension, so results
//! do not depend on the width of the vectors, on tiling or on threads. A block of eight lines keeps 16
//! vectors of AVX-512 in registers, enough to hide the latency of the multiply-add on two ports.
// Registers are named by their indices.
#![allow(clippy::needless_range_loop)]

use pulp::Simd;

use super::line::{Line, PANEL};

/// Lines computed together; callers round their rows up to it.
pub(super) const BLOCK: usize = 8;

/// `out[row] = Σ_k a[row][k] · b[k]` for the first `n_rows` lines, rounded up to a whole [`BLOCK`].
///
/// # Shapes
/// `a(panel)` holds columns 32·panel… of the left matrix, as many panels as `b` has lines / 32; `b` is
/// one panel of the right matrix; `out` one panel of the result.
#[inline(always)]
pub(super) fn multiply<'a, S: Simd>(
    simd: S,
    a: impl Fn(usize) -> &'a [Line],
    b: &[Line],
    n_rows: usize,
    out: &mut [Line],
) {
    for first in (0..n_rows).step_by(BLOCK) {
        if S::F32_LANES >= 16 {
            multiply_block::<S, BLOCK, 2>(simd, &a, b, first, out);
        } else {
            // Narrower sets have half the registers.
            multiply_block::<S, 4, 2>(simd, &a, b, first, out);
            multiply_block::<S, 4, 2>(simd, &a, b, first + 4, out);
        }
    }
}

#[inline(always)]
fn multiply_block<'a, S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    a: &impl Fn(usize) -> &'a [Line],
    b: &[Line],
    first: usize,
    out: &mut [Line],
) {
    for part in 0..PANEL / (VECTORS * S::F32_LANES) {
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
        for (panel, b) in b.as_chunks::<PANEL>().0.iter().enumerate() {
            let Some(rows) = a(panel).get(first..).and_then(<[Line]>::first_chunk::<ROWS>) else {
                return;
            };
            for k in 0..PANEL {
                let b = S::as_simd_f32s(&b[k].0).0;
                for row in 0..ROWS {
                    let value = simd.splat_f32s(rows[row].0[k]);
                    for vector in 0..VECTORS {
                        let at = part * VECTORS + vector;
                        sums[row][vector] = simd.mul_add_f32s(value, b[at], sums[row][vector]);
                    }
                }
            }
        }
        let Some(out) = out.get_mut(first..).and_then(<[Line]>::first_chunk_mut::<ROWS>) else {
            return;
        };
        for row in 0..ROWS {
            let line = S::as_mut_simd_f32s(&mut out[row].0).0;
            for vector in 0..VECTORS {
                line[part * VECTORS + vector] = sums[row][vector];
            }
        }
    }
}

/// `out[i] += Σ_row a[row][i] · b[row]`: what the rows say about 32 × 32 weights.
///
/// # Shapes
/// `a` and `b` are panels of one number of rows; `out` has 32 lines, one per column of `a`.
#[inline(always)]
pub(super) fn add_outer_products<S: Simd>(simd: S, a: &[Line], b: &[Line], out: &mut [Line]) {
    for first in (0..PANEL).step_by(BLOCK) {
        if S::F32_LANES >= 16 {
            add_outer_block::<S, BLOCK, 2>(simd, a, b, first, out);
        } else {
            add_outer_block::<S, 4, 2>(simd, a, b, first, out);
            add_outer_block::<S, 4, 2>(simd, a, b, first + 4, out);
        }
    }
}

#[inline(always)]
fn add_outer_block<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    a: &[Line],
    b: &[Line],
    first: usize,
    out: &mut [Line],
) {
    let Some(out) = out.get_mut(first..).and_then(<[Line]>::first_chunk_mut::<ROWS>) else {
        return;
    };
    for part in 0..PANEL / (VECTORS * S::F32_LANES) {
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
        for row in 0..ROWS {
            let line = S::as_simd_f32s(&out[row].0).0;
            for vector in 0..VECTORS {
                sums[row][vector] = line[part * VECTORS + vector];
            }
        }
        for (a, b) in a.iter().zip(b) {
            let Some(a) = a.0[first..].first_chunk::<ROWS>() else { return };
            let b = S::as_simd_f32s(&b.0).0;
            for row in 0..ROWS {
                let value = simd.splat_f32s(a[row]);
                for vector in 0..VECTORS {
                    let at = part * VECTORS + vector;
                    sums[row][vector] = simd.mul_add_f32s(value, b[at], sums[row][vector]);
                }
            }
        }
        for row in 0..ROWS {
            let line = S::as_mut_simd_f32s(&mut out[row].0).0;
            for vector in 0..VECTORS {
                line[part * VECTORS + vector] = sums[row][vector];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulp::{Arch, WithSimd};

    fn panel(n_rows: usize, seed: usize) -> Vec<Line> {
        let value = |i: usize| ((i * 7919 + seed * 104_729 + 13) % 1009) as f32 / 504.0 - 1.0;
        (0..n_rows).map(|row| Line(std::array::from_fn(|c| value(row * PANEL + c)))).collect()
    }

    #[test]
    fn products_equal_the_sums_of_their_definition() {
        struct Products;
        impl WithSimd for Products {
            type Output = (Vec<Line>, Vec<Line>);
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
                let a = [panel(16, 1), panel(16, 2)];
                let mut out = vec![Line::ZERO; 16];
                multiply(simd, |at| a[at].as_slice(), &panel(64, 3), 13, &mut out);
                let mut outer = panel(32, 4);
                add_outer_products(simd, &panel(13, 1), &panel(13, 5), &mut outer);
                (out, outer)
            }
        }
        let (product, outer) = Arch::new().dispatch(Products);
        let (a, b) = ([panel(16, 1), panel(16, 2)], panel(64, 3));
        for row in 0..13 {
            for column in 0..PANEL {
                let sum = (0..64).fold(0.0_f32, |sum, k| {
                    a[k / PANEL][row].0[k % PANEL].mul_add(b[k].0[column], sum)
                });
                assert_eq!(product[row].0[column].to_bits(), sum.to_bits());
            }
        }
        let (a, b, start) = (panel(13, 1), panel(13, 5), panel(32, 4));
        for i in 0..PANEL {
            for column in 0..PANEL {
                let sum = a
                    .iter()
                    .zip(&b)
                    .fold(start[i].0[column], |sum, (a, b)| a.0[i].mul_add(b.0[column], sum));
                assert_eq!(outer[i].0[column].to_bits(), sum.to_bits());
            }
        }
    }
}
