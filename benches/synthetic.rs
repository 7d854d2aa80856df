//! Synthetic profiles of a screen's size, fully measured: what training costs, not what it learns.

use phenocopy::dataset::{Dataset, ProfileKey, Profiles, StorageLimits};
use phenocopy::experiment::{Context, Perturbation, PerturbationType, Readout};

pub(crate) const N_CONTEXTS: u32 = 100;
pub(crate) const N_READOUTS: usize = 978;

/// Profiles of compounds in these pairs of a perturbation and a context.
pub(crate) fn dataset(
    n_perturbations: u32,
    keys: Vec<ProfileKey>,
    limits: StorageLimits,
) -> Dataset {
    let profiles = Profiles::collect(keys, N_READOUTS, limits, |profile, row| {
        let value = |readout: usize| ((profile * 31 + readout * 17) % 101) as f32 / 50.0 - 1.0;
        row.iter_mut().enumerate().for_each(|(readout, cell)| *cell = value(readout));
        Ok(())
    });
    let name = |i| Perturbation::new(PerturbationType::Compound, format!("compound {i}"));
    Dataset::from_profiles(
        "bench",
        (0..n_perturbations).map(name).collect(),
        (0..N_CONTEXTS).map(|i| Context(i.to_string())).collect(),
        (0..N_READOUTS).map(|i| Readout(i.to_string())).collect(),
        profiles.unwrap(),
    )
    .unwrap()
}
