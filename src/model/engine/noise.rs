use pulp::Simd;

use super::line::{Line, PANEL};

const LANES: usize = PANEL / 2;

/// Names a step of a training run: all that its dropout depends on, beside the tile.
#[derive(Debug, Clone, Copy)]
pub(in crate::model) struct StepId {
    pub(in crate::model) seed: u64,
    pub(in crate::model) epoch: u64,
    pub(in crate::model) step: u64,
}

/// Names one part of a step, and how much of it is dropped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) rate: f64,
    pub(super) id: StepId,
    pub(super) part: u64,
}

/// Inverted dropout (Srivastava et al. 2014), 32 units at a time.
///
/// The numbers are sixteen interleaved xoshiro128++ generators (Blackman & Vigna 2021), which
/// compilers turn into vector instructions; a cryptographic generator would cost as much time as a layer.
#[derive(Debug, Clone)]
pub(super) struct Dropout {
    state: [[u32; LANES]; 4],
    threshold: u32,
    scale: f32,
}

impl Dropout {
    /// Starts the stream of one part of a step; its rate is met to 1/65,536.
    pub(super) fn new(Part { rate, id, part }: Part) -> Self {
        let mut seed = id.seed;
        for number in [id.epoch, id.step, part] {
            seed = split_mix(&mut seed) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        let mut state = [[0; LANES]; 4];
        state.iter_mut().flatten().for_each(|word| *word = (split_mix(&mut seed) >> 32) as u32);
        let threshold = (rate * 65_536.0).round() as u32;
        Self { state, threshold, scale: (1.0 / (1.0 - rate)) as f32 }
    }

    /// Returns whether anything is dropped at all.
    #[inline(always)]
    pub(super) fn is_active(&self) -> bool {
        self.threshold > 0
    }

    /// Returns what a unit that is kept is multiplied with.
    #[inline(always)]
    pub(super) fn scale(&self) -> f32 {
        self.scale
    }

    /// Drops units of a line, and scales the others up.
    #[inline(always)]
    pub(super) fn drop_units<S: Simd>(&mut self, simd: S, line: &mut Line) {
        if self.is_active() {
            line.multiply(simd, &self.factors());
        }
    }

    /// Returns the factors of the next 32 units: 0 or [`scale`](Self::scale).
    #[inline(always)]
    pub(super) fn factors(&mut self) -> Line {
        let random = self.next();
        let mut factors = [0.0; PANEL];
        for lane in 0..LANES {
            let (low, high) = (random[lane] & 0xffff, random[lane] >> 16);
            factors[lane] = if low >= self.threshold { self.scale } else { 0.0 };
            factors[lane + LANES] = if high >= self.threshold { self.scale } else { 0.0 };
        }
        Line(factors)
    }

    #[inline(always)]
    fn next(&mut self) -> [u32; LANES] {
        let [s0, s1, s2, s3] = &mut self.state;
        let mut result = [0; LANES];
        for lane in 0..LANES {
            result[lane] = s0[lane].wrapping_add(s3[lane]).rotate_left(7).wrapping_add(s0[lane]);
            let shifted = s1[lane] << 9;
            s2[lane] ^= s0[lane];
            s3[lane] ^= s1[lane];
            s1[lane] ^= s2[lane];
            s0[lane] ^= s3[lane];
            s2[lane] ^= shifted;
            s3[lane] = s3[lane].rotate_left(11);
        }
        result
    }
}

/// SplitMix64 (Steele et al. 2014).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: StepId = StepId { seed: 1, epoch: 2, step: 3 };

    #[test]
    fn dropout_keeps_the_expected_share_and_mean() {
        let mut dropout = Dropout::new(Part { rate: 0.2, id: ID, part: 0 });
        let factors: Vec<f32> = (0..3_125).flat_map(|_| dropout.factors().0).collect();
        let zeros = factors.iter().filter(|factor| **factor == 0.0).count();
        assert!((19_400..20_600).contains(&zeros), "{zeros} of 100,000");
        assert!(factors.iter().all(|f| *f == 0.0 || (*f - 1.25).abs() < 1e-6));
    }

    #[test]
    fn streams_differ_by_seed_epoch_step_and_part() {
        let first = |id, part| Dropout::new(Part { rate: 0.5, id, part }).next();
        let ids =
            [ID, StepId { seed: 2, ..ID }, StepId { epoch: 3, ..ID }, StepId { step: 4, ..ID }];
        let streams: Vec<_> =
            ids.into_iter().map(|id| first(id, 0)).chain([first(ID, 1)]).collect();
        for (i, a) in streams.iter().enumerate() {
            assert!(streams.iter().skip(i + 1).all(|b| a != b));
        }
        assert_eq!(first(ID, 0), first(ID, 0));
    }
}
