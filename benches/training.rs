//! Observations per second of full training steps (block, forward, backward, AdamW), the share of the
//! processor's measured matrix-product peak, and PyTorch on the same model and batch in the same run.
//!
//! `cargo bench --bench training`; with `PHENOCOPY_PYTHON=python3` naming a Python that has torch,
//! `benches/train_torch.py` runs in turn with ours. Medians of several rounds.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod synthetic;

use std::process::Command;
use std::time::Instant;

use phenocopy::dataset::{Dataset, ProfileKey, StorageLimits};
use phenocopy::model::{Head, Lpm, LpmConfig, TrainingOptions};

use synthetic::N_CONTEXTS;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const N_PERTURBATIONS: u32 = 10_000;
const ROUNDS: usize = 5;

fn main() {
    let threads = std::thread::available_parallelism().unwrap().get();
    println!(
        "{threads} threads; medians of {ROUNDS} rounds; k/s: thousand observations per second"
    );
    println!("model          ours k/s  GFLOP/s  peak GFLOP/s  share  torch k/s  ratio");
    let product = LpmConfig { profiles_per_batch: 256, ..LpmConfig::default() };
    report("LINCS concat", &LpmConfig::lincs(), 2_000, threads);
    report("K562 concat", &LpmConfig::k562(), 1_000, threads);
    report("product", &product, 10_000, threads);
}

/// Ours, the peak and PyTorch in turn, so that all see the same noise of the machine.
fn report(name: &str, config: &LpmConfig, n_profiles: u32, threads: usize) {
    let dataset = dataset(n_profiles);
    let (mut ours, mut peaks, mut torch) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        peaks.push(peak(threads));
        ours.push(train(&dataset, config));
        torch.extend(train_in_torch(config, threads));
    }
    let (ours, peak) = (median(ours), median(peaks));
    let speed = ours * flop_per_value(config) / 1e9;
    print!(
        "{name:<14} {:>8.0}  {speed:>7.0}  {peak:>12.0}  {:>4.0}%",
        ours / 1e3,
        speed / peak * 100.0
    );
    if torch.is_empty() {
        println!("          –      –");
    } else {
        let torch = median(torch);
        println!("  {:>9.0}  {:>5.1}", torch / 1e3, ours / torch);
    }
}

/// Floating-point operations of a step per value: forward, and twice that back.
fn flop_per_value(config: &LpmConfig) -> f64 {
    let d = config.embedding_dim as f64;
    if config.head == Head::Product {
        return 6.0 * d;
    }
    let later: f64 = config.hidden_widths.windows(2).map(|w| (w[0] * w[1]) as f64).sum();
    let last = config.hidden_widths.last().copied().unwrap_or(0) as f64;
    let (pairs, readouts) = (config.profiles_per_batch as f64, config.readouts_per_batch as f64);
    let contexts = f64::from(N_CONTEXTS) * (1.0 - (1.0 - 1.0 / f64::from(N_CONTEXTS)).powf(pairs));
    let first = config.hidden_widths[0] as f64 * d * (pairs + contexts + readouts);
    6.0 * (later + last + first / (pairs * readouts))
}

/// One epoch of one member, without validation: values per second.
fn train(dataset: &Dataset, config: &LpmConfig) -> f64 {
    let config = LpmConfig { max_epochs: 1, validation_share: 0.0, ..config.clone() };
    let seconds = std::sync::Mutex::new(0.0);
    let observer = |epoch: &phenocopy::model::EpochReport| {
        *seconds.lock().unwrap() = epoch.seconds;
        std::ops::ControlFlow::Continue(())
    };
    let options = TrainingOptions { observer: &observer, ..TrainingOptions::default() };
    Lpm::train(dataset, &config, &options).unwrap();
    let seconds = *seconds.lock().unwrap();
    dataset.profiles.n_observed() as f64 / seconds
}

fn train_in_torch(config: &LpmConfig, threads: usize) -> Option<f64> {
    let python = std::env::var("PHENOCOPY_PYTHON").ok().filter(|_| config.head == Head::Concat)?;
    let batch = config.profiles_per_batch * config.readouts_per_batch;
    let output = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/train_torch.py"))
        .args([config.embedding_dim, config.hidden_widths[0], batch].map(|n| n.to_string()))
        .args([config.dropout.to_string(), "4".to_owned(), threads.to_string()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

/// GFLOP/s of gemm's 2048³ product on all threads, the best of three.
fn peak(threads: usize) -> f64 {
    const N: usize = 2_048;
    let (a, b, mut c) = (vec![0.5_f32; N * N], vec![0.25_f32; N * N], vec![0.0_f32; N * N]);
    let mut product = || {
        let start = Instant::now();
        multiply(N, &a, &b, &mut c, threads);
        2.0 * (N as f64).powi(3) / start.elapsed().as_secs_f64() / 1e9
    };
    (0..3).map(|_| product()).fold(0.0, f64::max)
}

// SAFETY: three distinct matrices of n × n, column-major, as the strides say.
#[allow(unsafe_code)]
fn multiply(n: usize, a: &[f32], b: &[f32], c: &mut [f32], threads: usize) {
    let parallelism = gemm::Parallelism::Rayon(threads);
    let stride = n as isize;
    assert!([a.len(), b.len(), c.len()] == [n * n; 3]);
    unsafe {
        gemm::gemm(
            n,
            n,
            n,
            c.as_mut_ptr(),
            stride,
            1,
            false,
            a.as_ptr(),
            stride,
            1,
            b.as_ptr(),
            stride,
            1,
            0.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// Random pairs of a perturbation and a context.
fn dataset(n_profiles: u32) -> Dataset {
    let pair = |i: u32| ProfileKey {
        perturbation: i.wrapping_mul(7_919) % N_PERTURBATIONS,
        context: i.wrapping_mul(104_729) % N_CONTEXTS,
    };
    let keys = (0..n_profiles).map(pair).collect();
    synthetic::dataset(N_PERTURBATIONS, keys, StorageLimits::default())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
