//! Unit vectors at half the width: what a walk through more vectors than a cache holds reads instead.
//!
//! A number keeps its sign, exponent and seven bits of fraction (bfloat16, rounded to nearest), so that a
//! similarity of unit vectors is right to about ±.001: enough to choose where to walk, not to rank.
//! Word j of a row holds number j in its upper and number j + dim/2 in its lower half: both become f32
//! by one instruction on whole registers.

use pulp::Simd;

/// Returns the rows of an even `dim` at half the width: n × `dim` / 2 words.
pub(crate) fn halve(vectors: &[f32], dim: usize) -> Vec<u32> {
    let half = dim / 2;
    let words = vectors.chunks_exact(dim.max(1)).flat_map(|row| {
        let (upper, lower) = row.split_at(half);
        upper.iter().zip(lower).map(|(upper, lower)| rounded(*upper) | rounded(*lower) >> 16)
    });
    words.collect()
}

/// The bits of a finite number rounded to bfloat16, in the upper half of the word; ties go to even.
fn rounded(number: f32) -> u32 {
    let bits = number.to_bits();
    (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000
}

/// Returns the dot products of `query` with `N` halved rows of half its length; NaN if one is shorter.
#[inline(always)]
pub(crate) fn dot_half_rows<S: Simd, const N: usize>(
    simd: S,
    query: &[f32],
    rows: [&[u32]; N],
) -> [f32; N] {
    let (upper, lower) = query.split_at(query.len() / 2);
    let ((upper, upper_tail), (lower, lower_tail)) =
        (S::as_simd_f32s(upper), S::as_simd_f32s(lower));
    let n_lanes = upper.len();
    let lanes = rows.map(|row| S::as_simd_u32s(row).0);
    if lower.len() < n_lanes || lanes.iter().any(|row| row.len() < n_lanes) {
        return [f32::NAN; N];
    }
    let (lanes, lower) = (lanes.map(|row| &row[..n_lanes]), &lower[..n_lanes]);
    let (mask, shift) = (simd.splat_u32s(0xffff_0000), simd.splat_u32s(16));
    let mut from_upper = [simd.splat_f32s(0.0); N];
    let mut from_lower = from_upper;
    for lane in 0..n_lanes {
        for row in 0..N {
            let words = lanes[row][lane];
            let high = simd.transmute_f32s_u32s(simd.and_u32s(words, mask));
            let low = simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(words, shift));
            from_upper[row] = simd.mul_add_f32s(upper[lane], high, from_upper[row]);
            from_lower[row] = simd.mul_add_f32s(lower[lane], low, from_lower[row]);
        }
    }
    if !upper_tail.is_empty() {
        let upper = simd.partial_load_f32s(upper_tail);
        let lower = simd.partial_load_f32s(lower_tail);
        for row in 0..N {
            let words = simd.partial_load_u32s(S::as_simd_u32s(rows[row]).1);
            let high = simd.transmute_f32s_u32s(simd.and_u32s(words, mask));
            let low = simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(words, shift));
            from_upper[row] = simd.mul_add_f32s(upper, high, from_upper[row]);
            from_lower[row] = simd.mul_add_f32s(lower, low, from_lower[row]);
        }
    }
    let mut sums = [0.0; N];
    for row in 0..N {
        sums[row] = simd.reduce_sum_f32s(simd.add_f32s(from_upper[row], from_lower[row]));
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use pulp::{Arch, WithSimd};

    struct Pair<'a>(&'a [f32], &'a [u32]);

    impl WithSimd for Pair<'_> {
        type Output = f32;
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> f32 {
            let [sum] = dot_half_rows(simd, self.0, [self.1]);
            sum
        }
    }

    proptest! {
        #[test]
        fn halved_products_are_those_of_rounded_numbers(half in 1_usize..40, seed in any::<u64>()) {
            let number = |i: usize| {
                let bits = seed.wrapping_add(i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                (bits >> 40) as f32 / (1_u64 << 24) as f32 * 2.0 - 1.0
            };
            let query: Vec<f32> = (0..2 * half).map(number).collect();
            let row: Vec<f32> = (0..2 * half).map(|i| number(i + 1_000)).collect();
            let received = Arch::new().dispatch(Pair(&query, &halve(&row, 2 * half)));
            let short = |v: &f32| f64::from(f32::from_bits(rounded(*v)));
            let expected: f64 = query.iter().zip(&row).map(|(q, v)| f64::from(*q) * short(v)).sum();
            prop_assert!((f64::from(received) - expected).abs() < 1e-4, "{received} {expected}");
        }
    }

    #[test]
    fn numbers_are_rounded_to_the_nearest() {
        for number in [0.0, 1.0, -0.5, 0.1, -0.333, 1e-20] {
            let error = f32::from_bits(rounded(number)) - number;
            assert!(error.abs() <= number.abs() / 256.0, "{number}");
        }
    }

    #[test]
    fn rows_that_are_too_short_have_no_product() {
        assert!(Arch::new().dispatch(Pair(&[1.0; 64], &[0; 16])).is_nan());
    }
}
