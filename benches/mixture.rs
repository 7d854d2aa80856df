//! Clustered unit vectors, for every bench that searches.

use phenocopy::embedding::Embeddings;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

const COMPONENTS: usize = 500;
const SPREAD: f32 = 0.6;

/// Draws `n_rows × dim` unit rows from 500 Gaussian components; every seed has the same components.
pub(crate) fn draw(n_rows: usize, dim: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let centres: Vec<f32> = (0..COMPONENTS * dim).map(|_| rng.sample(StandardNormal)).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut values = Vec::with_capacity(n_rows * dim);
    for _ in 0..n_rows {
        let centre = rng.random_range(0..COMPONENTS) * dim;
        for mean in &centres[centre..centre + dim] {
            let noise: f32 = rng.sample(StandardNormal);
            values.push(mean + SPREAD * noise);
        }
    }
    Embeddings::from_rows(values, dim).unwrap().into_values()
}
