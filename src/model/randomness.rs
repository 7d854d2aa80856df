use candle_core::{Device, Result, Shape, Tensor};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a stream of random numbers is for; streams of different purposes are independent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Weights = 1,
    Order = 2,
    Dropout = 3,
}

/// Returns the random numbers of one epoch for one purpose.
///
/// They depend on nothing else, so (seed, epoch) is the whole random state of a checkpoint.
pub(super) fn stream(seed: u64, epoch: usize, purpose: Purpose) -> ChaCha8Rng {
    let mut key = [0_u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&(epoch as u64).to_le_bytes());
    key[16..24].copy_from_slice(&(purpose as u64).to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// Inverted dropout (Srivastava et al. 2014) from a stream of our own: candle's draws from a
/// thread's generator, which no seed reproduces.
#[derive(Debug)]
pub(super) struct Dropout {
    rng: ChaCha8Rng,
    rate: f64,
    draws: Vec<u8>,
}

impl Dropout {
    pub(super) fn new(rate: f64, rng: ChaCha8Rng) -> Self {
        Self { rng, rate, draws: Vec::new() }
    }

    /// Returns `x` with about `rate` of its elements set to zero, the others scaled by 1/(1 − rate).
    pub(super) fn apply(&mut self, x: &Tensor) -> Result<Tensor> {
        if self.rate <= 0.0 {
            return Ok(x.clone());
        }
        x.mul(&self.mask(x.shape(), x.device())?)
    }

    /// Draws 16 bits per element: a rate is met to 1/65,536.
    fn mask(&mut self, shape: &Shape, device: &Device) -> Result<Tensor> {
        self.draws.resize(2 * shape.elem_count(), 0);
        self.rng.fill_bytes(&mut self.draws);
        let threshold = (self.rate * 65_536.0).round() as u32;
        let scale = (1.0 / (1.0 - self.rate)) as f32;
        let keep = |pair: &[u8]| match *pair {
            [low, high] if u32::from(u16::from_le_bytes([low, high])) >= threshold => scale,
            _ => 0.0,
        };
        Tensor::from_vec(self.draws.chunks_exact(2).map(keep).collect(), shape, device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_seed_epoch_and_purpose() {
        let first = |seed, epoch, purpose| stream(seed, epoch, purpose).next_u64();
        let reference = first(1, 2, Purpose::Order);
        assert_eq!(reference, first(1, 2, Purpose::Order));
        assert_ne!(reference, first(2, 2, Purpose::Order));
        assert_ne!(reference, first(1, 3, Purpose::Order));
        assert_ne!(reference, first(1, 2, Purpose::Dropout));
    }

    #[test]
    fn dropout_keeps_the_expected_share_and_mean() {
        let mut dropout = Dropout::new(0.2, stream(1, 1, Purpose::Dropout));
        let ones = Tensor::ones((100, 1000), candle_core::DType::F32, &Device::Cpu).unwrap();
        let dropped =
            dropout.apply(&ones).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let zeros = dropped.iter().filter(|value| **value == 0.0).count();
        assert!((19_500..20_500).contains(&zeros), "{zeros}");
        assert!(dropped.iter().all(|value| *value == 0.0 || (*value - 1.25).abs() < 1e-6));
    }
}
