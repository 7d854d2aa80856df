//! Time to a held-out error: the published network trained on blocks by our engine, and on random values by
//! PyTorch, as published, from the same entries of the viability screens.
//!
//! `cargo bench --bench convergence`; data in `../shared/data` or the folder that `PHENOCOPY_DATA` names, PyTorch in
//! the Python that `PHENOCOPY_PYTHON` names (ours alone without one; `-- torch`: that alone). A quarter of an hour.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use phenocopy::dataset::{Dataset, DatasetOptions, Recipe, Split};
use phenocopy::experiment::PerturbationType;
use phenocopy::model::{EpochReport, Lpm, LpmConfig, TrainingOptions};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A tenth of the entries.
const HELD_OUT: Split = Split::Entries { share: 0.1, seed: 17 };
const EPOCHS: [usize; 5] = [1, 2, 4, 8, 16];
const EPOCHS_OF_TORCH: usize = 8;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data =
        std::env::var_os("PHENOCOPY_DATA").map_or(root.join("../shared/data"), PathBuf::from);
    if !data.is_dir() {
        println!("no screens in {}; name their folder in PHENOCOPY_DATA", data.display());
        return;
    }
    let recipe = Recipe::read(root.join("data/cancer-viability.toml")).unwrap();
    let options = DatasetOptions { split: HELD_OUT, ..DatasetOptions::default() };
    let dataset = Dataset::from_recipe(&recipe, &data, &options).unwrap();
    println!("RMSE on held-out values that are no knock-outs'; training seconds, evaluation apart");
    println!("steps of 1,000 values            epochs  seconds   RMSE");
    // The published shape of a step is a thousand values at random; ours are blocks of as many.
    let blocks = LpmConfig { validation_share: 0.0, ..LpmConfig::lincs() };
    let few = LpmConfig { profiles_per_batch: 16, readouts_per_batch: 63, ..blocks.clone() };
    let small = LpmConfig { embedding_scale: 0.1, ..blocks.clone() };
    let small_few = LpmConfig { embedding_scale: 0.1, ..few.clone() };
    if !std::env::args().any(|argument| argument == "torch") {
        converge("blocks of 125 x 8, N(0,1)", &dataset, &blocks);
        converge("blocks of 16 x 63, N(0,1)", &dataset, &few);
        converge("blocks of 125 x 8, 0.1 N(0,1)", &dataset, &small);
        converge("blocks of 16 x 63, 0.1 N(0,1)", &dataset, &small_few);
    }
    let folder = tempfile::tempdir().unwrap();
    for scale in ["1", "0.1"] {
        converge_in_torch(&dataset, folder.path(), scale);
    }
}

fn is_knockout(dataset: &Dataset, perturbation: u32) -> bool {
    let kind = dataset.perturbations[perturbation as usize].perturbation_type();
    kind == PerturbationType::CrisprKnockout
}

/// Trains anew for each number of epochs: the first are the same every time.
fn converge(name: &str, dataset: &Dataset, config: &LpmConfig) {
    for max_epochs in EPOCHS {
        let seconds = Mutex::new(0.0);
        let observer = |epoch: &EpochReport| {
            *seconds.lock().unwrap() += epoch.seconds;
            std::ops::ControlFlow::Continue(())
        };
        let options = TrainingOptions {
            excluded: &HELD_OUT,
            observer: &observer,
            ..TrainingOptions::default()
        };
        let config = LpmConfig { max_epochs, ..config.clone() };
        let (model, _) = Lpm::train(dataset, &config, &options).unwrap();
        let seconds = *seconds.lock().unwrap();
        println!("{name:<32} {max_epochs:>6}  {seconds:>7.1}  {:.3}", rmse(dataset, &model));
    }
}

fn rmse(dataset: &Dataset, model: &Lpm) -> f64 {
    let (mut sum, mut n) = (0.0, 0_u32);
    for (profile, key) in dataset.profiles.keys().iter().enumerate() {
        if is_knockout(dataset, key.perturbation) {
            continue;
        }
        let predicted = model.predict(&[key.perturbation], key.context).unwrap();
        for (readout, value) in dataset.profiles.row(profile).iter().enumerate() {
            if !value.is_nan() && HELD_OUT.holds_out(profile, readout) {
                sum += f64::from(predicted[readout] - value).powi(2);
                n += 1;
            }
        }
    }
    (sum / f64::from(n)).sqrt()
}

/// Writes the entries and has `converge_torch.py` train on them, a thousand at random per step.
fn converge_in_torch(dataset: &Dataset, folder: &Path, scale: &str) {
    let Ok(python) = std::env::var("PHENOCOPY_PYTHON") else { return };
    let sizes = [dataset.contexts.len(), dataset.perturbations.len(), dataset.readouts.len()];
    write_entries(dataset, &folder.join("training"), false);
    write_entries(dataset, &folder.join("held-out"), true);
    let mut torch = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/converge_torch.py"))
        .arg(folder)
        .args(sizes.map(|n| n.to_string()))
        .args([scale.to_owned(), EPOCHS_OF_TORCH.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    for line in BufReader::new(torch.stdout.take().unwrap()).lines() {
        println!("{}", line.unwrap());
    }
    assert!(torch.wait().unwrap().success());
}

/// Contexts, perturbations, readouts (i32) and values (f32), little-endian, one after the other.
fn write_entries(dataset: &Dataset, path: &Path, is_held_out: bool) {
    let mut columns: [Vec<u8>; 4] = Default::default();
    for (profile, key) in dataset.profiles.keys().iter().enumerate() {
        if is_held_out && is_knockout(dataset, key.perturbation) {
            continue;
        }
        for (readout, value) in (0_u32..).zip(dataset.profiles.row(profile)) {
            if !value.is_nan() && HELD_OUT.holds_out(profile, readout as usize) == is_held_out {
                let entry = [key.context, key.perturbation, readout, value.to_bits()];
                let bytes = columns.iter_mut().zip(entry);
                bytes.for_each(|(column, number)| column.extend(number.to_le_bytes()));
            }
        }
    }
    let mut out = BufWriter::new(std::fs::File::create(path).unwrap());
    columns.iter().for_each(|column| out.write_all(column).unwrap());
    out.flush().unwrap();
}
