//! Trains one epoch on 508 million values from a memory-mapped store and from memory, and prints
//! values per second and the most anonymous memory that the process held meanwhile.
//!
//! `cargo bench --bench larger_than_memory`; writes 2 GB to the folder for temporary files and takes a
//! few minutes. `-- mapped` does the first half only, for a run under a memory limit; `PHENOCOPY_PROFILES`
//! sets another number of profiles (of 978 values).
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod synthetic;

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use phenocopy::dataset::{Dataset, ProfileKey, StorageLimits};
use phenocopy::model::{EpochReport, Lpm, LpmConfig, TrainingOptions};

use synthetic::{N_CONTEXTS, N_READOUTS};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const N_PERTURBATIONS: u32 = 30_000;

fn main() {
    let n_profiles = std::env::var("PHENOCOPY_PROFILES").ok().and_then(|n| n.parse().ok());
    let n_profiles: u32 = n_profiles.unwrap_or(520_000);
    let product = LpmConfig { profiles_per_batch: 1_024, ..LpmConfig::default() };
    // Two layers of 32 units: a published network of its usual width would take ten minutes an epoch, and hide the
    // store behind its arithmetic.
    let concat = LpmConfig { embedding_dim: 32, hidden_widths: vec![32, 32], ..LpmConfig::lincs() };
    let concat = LpmConfig { profiles_per_batch: 1_024, ..concat };
    println!("{:.0} million values", f64::from(n_profiles) * N_READOUTS as f64 / 1e6);
    println!("store   head     M values/s  anonymous MiB: before training, at most");
    let is_mapped_only = std::env::args().any(|argument| argument == "mapped");
    for (name, memory_bytes) in [("mapped", 0), ("memory", u64::MAX)] {
        if is_mapped_only && memory_bytes > 0 {
            continue;
        }
        let dataset = dataset(n_profiles, memory_bytes);
        assert_eq!(dataset.profiles.is_mapped(), memory_bytes == 0);
        for config in [&product, &concat] {
            let before = anonymous_mebibytes();
            let (speed, peak) = train(&dataset, config);
            println!("{name:<7} {:<8} {:>10.1}  {before:>22}  {peak:>6}", config.head, speed / 1e6);
        }
    }
}

/// Values per second of one epoch, and the most anonymous memory in MiB.
fn train(dataset: &Dataset, config: &LpmConfig) -> (f64, u64) {
    let config = LpmConfig { max_epochs: 1, validation_share: 0.0, ..config.clone() };
    let (is_done, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    let seconds = Mutex::new(0.0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                peak.fetch_max(anonymous_mebibytes(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let observer = |epoch: &EpochReport| {
            *seconds.lock().unwrap() = epoch.seconds;
            ControlFlow::Continue(())
        };
        let options = TrainingOptions { observer: &observer, ..TrainingOptions::default() };
        Lpm::train(dataset, &config, &options).unwrap();
        is_done.store(true, Ordering::Relaxed);
    });
    let seconds = *seconds.lock().unwrap();
    (dataset.profiles.n_observed() as f64 / seconds, peak.into_inner())
}

/// What the process holds itself, without files that it mapped (Linux).
fn anonymous_mebibytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok());
    kibibytes.unwrap_or(0_u64) / 1_024
}

/// Every perturbation in the first context, then in the next.
fn dataset(n_profiles: u32, memory_bytes: u64) -> Dataset {
    let start = Instant::now();
    let keys = (0..n_profiles).map(|i| ProfileKey {
        perturbation: i % N_PERTURBATIONS,
        context: (i / N_PERTURBATIONS) % N_CONTEXTS,
    });
    let limits = StorageLimits { memory_bytes, ..StorageLimits::default() };
    let dataset = synthetic::dataset(N_PERTURBATIONS, keys.collect(), limits);
    println!("(stored in {:.0} s)", start.elapsed().as_secs_f64());
    dataset
}
