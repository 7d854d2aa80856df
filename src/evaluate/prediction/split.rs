use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::dataset::{Dataset, Split};
use crate::error::{Error, Result};

/// Seed of both splits of the protocol.
const SEED: u64 = 17;
/// Share held out by both splits.
const SHARE: f64 = 0.1;

/// Returns the protocol's split of entries: 10 %, seed 17.
#[must_use]
pub fn entry_split() -> Split {
    Split::Entries { share: SHARE, seed: SEED }
}

/// Returns the protocol's split of profiles: 10 % (seed 17) of those whose perturbation was also
/// measured in another context; at least one, and never all of a perturbation's.
///
/// # Errors
/// When no perturbation was measured in two contexts.
pub fn profile_split(dataset: &Dataset) -> Result<Split> {
    let keys = dataset.profiles.keys();
    let mut left = vec![0_u32; dataset.perturbations.len()];
    let count = |left: &[u32], profile: u32| {
        keys.get(profile as usize).and_then(|key| left.get(key.perturbation as usize)).copied()
    };
    for key in keys {
        if let Some(left) = left.get_mut(key.perturbation as usize) {
            *left += 1;
        }
    }
    let mut eligible: Vec<u32> =
        (0..keys.len() as u32).filter(|profile| count(&left, *profile) > Some(1)).collect();
    if eligible.is_empty() {
        return Err(Error::data(
            format!("dataset `{}`", dataset.name),
            "no perturbation was measured in two contexts",
            "evaluate held-out entries instead",
        ));
    }
    let wanted = ((eligible.len() as f64 * SHARE).round() as usize).max(1);
    eligible.shuffle(&mut ChaCha8Rng::seed_from_u64(SEED));
    let mut held = Vec::with_capacity(wanted);
    for profile in eligible {
        let perturbation = keys[profile as usize].perturbation as usize;
        if held.len() < wanted && left[perturbation] > 1 {
            left[perturbation] -= 1;
            held.push(profile);
        }
    }
    held.sort_unstable();
    Ok(Split::Profiles(held))
}
