//! Values per second of full training steps: block, forward, backward, AdamW.
//!
//! `cargo bench --bench training`.
#![allow(clippy::unwrap_used, missing_docs)]

use divan::{Bencher, counter::ItemsCount};
use phenocopy::dataset::{Dataset, ProfileKey, Profiles, StorageLimits};
use phenocopy::experiment::{Context, Perturbation, PerturbationType, Readout};
use phenocopy::model::{Lpm, LpmConfig, TrainingOptions};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

/// As many profiles as given, fully measured at `n_readouts` readouts.
fn dataset(n_profiles: u32, n_readouts: usize) -> Dataset {
    let keys = (0..n_profiles).map(|i| ProfileKey { perturbation: i, context: i % 4 }).collect();
    let profiles = Profiles::collect(keys, n_readouts, StorageLimits::default(), |profile, row| {
        let value = |readout: usize| ((profile * 31 + readout * 17) % 101) as f32 / 50.0 - 1.0;
        row.iter_mut().enumerate().for_each(|(readout, cell)| *cell = value(readout));
        Ok(())
    });
    let name = |i| Perturbation::new(PerturbationType::Compound, format!("compound {i}"));
    Dataset::from_profiles(
        "bench",
        (0..n_profiles).map(name).collect(),
        (0..4).map(|i| Context(i.to_string())).collect(),
        (0..n_readouts).map(|i| Readout(i.to_string())).collect(),
        profiles.unwrap(),
    )
    .unwrap()
}

/// One epoch of one member, without validation.
fn bench_epoch(bencher: Bencher<'_, '_>, config: &LpmConfig, n_profiles: u32, n_readouts: usize) {
    let config = LpmConfig { max_epochs: 1, validation_share: 0.0, ..config.clone() };
    let dataset = dataset(n_profiles, n_readouts);
    bencher
        .counter(ItemsCount::new(dataset.profiles.n_observed()))
        .bench_local(|| Lpm::train(&dataset, &config, &TrainingOptions::default()).unwrap());
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn product_viability(bencher: Bencher<'_, '_>) {
    bench_epoch(bencher, &LpmConfig::default(), 3667, 647);
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn concat_lincs(bencher: Bencher<'_, '_>) {
    bench_epoch(bencher, &LpmConfig::lincs(), 1000, 100);
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn concat_k562(bencher: Bencher<'_, '_>) {
    bench_epoch(bencher, &LpmConfig::k562(), 2000, 100);
}
