use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use phenocopy::dataset::{Dataset, ProfileKey, Profiles, Split, StorageLimits};
use phenocopy::embedding::{Embeddings, FoldIn, MemberPlacement, Placement, similarity};
use phenocopy::experiment::{Context, Perturbation, PerturbationType, Readout, Side};
use phenocopy::model::{
    Ensemble, EpochReport, Head, Lpm, LpmConfig, Phase, TrainingOptions, TrainingReport,
};
use phenocopy::{Error, Result};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const N_READOUTS: usize = 40;
const RANK: usize = 3;

/// A rank-3 world: 60 compounds (one a combination) and 20 knock-outs in two contexts each, a tenth
/// of the values missing.
fn low_rank_dataset(limits: StorageLimits) -> Dataset {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut factors = |n: usize| -> Vec<[f32; RANK]> {
        (0..n).map(|_| std::array::from_fn(|_| rng.random_range(-1.0..1.0))).collect()
    };
    let (perturbation_factors, readout_factors) = (factors(80), factors(N_READOUTS));
    let keys = (0..160).map(|i| ProfileKey { perturbation: i / 2, context: i % 2 }).collect();
    let value = |profile: usize, readout: usize| {
        let (p, r) = (&perturbation_factors[profile / 2], &readout_factors[readout]);
        let scale = [1.0, 1.5][profile % 2];
        scale * p.iter().zip(r).map(|(a, b)| 1.5 * a * b).sum::<f32>()
    };
    let profiles = Profiles::collect(keys, N_READOUTS, limits, |profile, row| {
        for (readout, cell) in row.iter_mut().enumerate() {
            let is_missing = (profile * 7 + readout * 3) % 10 == 0;
            *cell = if is_missing { f32::NAN } else { value(profile, readout) };
        }
        Ok(())
    });
    Dataset::from_profiles(
        "low-rank",
        (0..80).map(perturbation).collect(),
        ["first", "second"].map(|name| Context(name.to_owned())).into(),
        (0..N_READOUTS).map(|i| Readout(format!("line {i}"))).collect(),
        profiles.unwrap(),
    )
    .unwrap()
}

fn perturbation(i: usize) -> Perturbation {
    match i {
        2 => Perturbation::new(PerturbationType::Compound, "compound 0+compound 1"),
        0..60 => Perturbation::new(PerturbationType::Compound, format!("compound {i}")),
        _ => Perturbation::new(PerturbationType::CrisprKnockout, format!("GENE{i}")),
    }
}

fn dataset() -> Dataset {
    low_rank_dataset(StorageLimits::default())
}

fn small_config(head: Head) -> LpmConfig {
    LpmConfig {
        head,
        embedding_dim: 8,
        hidden_widths: vec![32, 32],
        dropout: 0.05,
        learning_rate: 0.01,
        max_epochs: 6,
        patience: 3,
        profiles_per_batch: 20,
        readouts_per_batch: 20,
        ..LpmConfig::default()
    }
}

fn embeddings(ensemble: &Ensemble) -> Vec<Vec<u32>> {
    let bits =
        |lpm: &Lpm| lpm.perturbation_embeddings().unwrap().into_iter().map(f32::to_bits).collect();
    ensemble.members().iter().map(bits).collect()
}

fn train(config: &LpmConfig, options: &TrainingOptions<'_>) -> Result<(Ensemble, TrainingReport)> {
    Ensemble::train(&dataset(), config, &[13, 14, 15], options)
}

/// Trains with checkpoints, asked to stop at the `n`-th epoch report.
fn train_interrupted(config: &LpmConfig, folder: &Path, n: usize, resume: bool) -> Error {
    let epochs = AtomicUsize::new(0);
    let observer = |_: &EpochReport| match epochs.fetch_add(1, Ordering::Relaxed) + 1 >= n {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    let checkpoints = Some(folder);
    let options =
        TrainingOptions { checkpoints, resume, observer: &observer, ..TrainingOptions::default() };
    train(config, &options).unwrap_err()
}

/// What a product head's frozen weights make of a signature.
fn fold_in(model: &Lpm) -> FoldIn {
    FoldIn::new(
        model.readout_embeddings().unwrap(),
        model.context_embeddings().unwrap(),
        model.context_offsets().unwrap().unwrap(),
        model.config().embedding_dim,
    )
    .unwrap()
}

fn correlation(pairs: &[(f32, f32)]) -> f32 {
    let n = pairs.len() as f32;
    let mean = |side: fn(&(f32, f32)) -> f32| pairs.iter().map(side).sum::<f32>() / n;
    let (a, b) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let sum = |term: &dyn Fn(f32, f32) -> f32| -> f32 {
        pairs.iter().map(|(x, y)| term(x - a, y - b)).sum()
    };
    sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
}

#[test]
fn a_signature_folded_in_from_half_of_its_readouts_predicts_the_other_half() {
    let dataset = dataset();
    let held = Split::Profiles((0..160).filter(|profile| profile % 16 < 2).collect());
    let config = LpmConfig { max_epochs: 40, patience: 10, ..small_config(Head::Product) };
    let options = TrainingOptions { excluded: &held, ..TrainingOptions::default() };
    let (model, _) = Lpm::train(&dataset, &config, &options).unwrap();
    let (fold_in, scales) = (fold_in(&model), model.context_embeddings().unwrap());
    let readouts = model.readout_embeddings().unwrap();
    let mut pairs = Vec::new();
    for profile in (0..160).filter(|profile| held.holds_out(*profile, 0)) {
        let context = dataset.profiles.keys()[profile].context;
        let measured = dataset.profiles.row(profile);
        let shown: Vec<f32> = (0..N_READOUTS)
            .map(|readout| if readout % 2 == 0 { measured[readout] } else { f32::NAN })
            .collect();
        let z = fold_in.embed(context, &shown).unwrap();
        let scale = &scales[context as usize * 8..context as usize * 8 + 8];
        for readout in (1..N_READOUTS).step_by(2).filter(|readout| !measured[*readout].is_nan()) {
            let weights = &readouts[readout * 8..readout * 8 + 8];
            let predicted = z.iter().zip(scale).zip(weights).map(|((z, a), r)| z * a * r).sum();
            pairs.push((predicted, measured[readout]));
        }
    }
    assert!(pairs.len() > 300, "{}", pairs.len());
    assert!(correlation(&pairs) > 0.8, "{}", correlation(&pairs));
}

#[test]
fn embeddings_from_profiles_keep_the_order_of_the_perturbations_and_repeat_bit_for_bit() {
    let dataset = dataset();
    let config = LpmConfig { max_epochs: 40, patience: 10, ..small_config(Head::Product) };
    let (model, _) = Lpm::train(&dataset, &config, &TrainingOptions::default()).unwrap();
    let (_, vectors) = MemberPlacement::fit(&dataset, fold_in(&model)).unwrap();
    assert_eq!(vectors.len(), 80 * 8);
    let (_, again) = MemberPlacement::fit(&dataset, fold_in(&model)).unwrap();
    assert!(vectors.iter().zip(&again).all(|(a, b)| a.to_bits() == b.to_bits()));
    // Both are estimates of one thing, so most find their own trained embedding among all of their side.
    let trained = model.perturbation_embeddings().unwrap();
    let unit = |values: Vec<f32>| Embeddings::join(&[values], 8, &sides(&dataset)).unwrap();
    let (vectors, trained) = (unit(vectors), unit(trained));
    let n_own = (0..80).filter(|row| {
        let (range, own) = (if *row < 60 { 0..60 } else { 60..80 }, *row);
        let of = |other: &usize| similarity(vectors.row(own), trained.row(*other));
        range.max_by(|a, b| of(a).total_cmp(&of(b))) == Some(own)
    });
    let n_own = n_own.count();
    // The embedding of the combination is the mean of its members', its profile is not.
    assert!(n_own >= 56, "{n_own} of 80");
}

fn sides(dataset: &Dataset) -> Vec<Side> {
    dataset.perturbations.iter().map(Perturbation::side).collect()
}

#[test]
fn both_heads_learn_a_low_rank_world_and_beat_the_baselines() {
    for head in [Head::Product, Head::Concat] {
        let config = LpmConfig { max_epochs: 40, patience: 10, ..small_config(head) };
        let (model, report) = Lpm::train(&dataset(), &config, &TrainingOptions::default()).unwrap();
        let losses: Vec<f64> = report.selection.iter().map(|epoch| epoch.training_loss).collect();
        assert!(losses.last().unwrap() < &(0.5 * losses[0]), "{head}: {losses:?}");
        let fit = report.overall.unwrap();
        assert!(fit.model.pearson > 0.7, "{head}: {fit:?}");
        assert!(fit.model.rmse < fit.readout_mean.rmse, "{head}: {fit:?}");
        // The second context is the first times 1.5, so its mean is a strong baseline here.
        assert!(fit.perturbation_mean.pearson > 0.8, "{head}: {fit:?}");
        let without = report.without_knockouts.unwrap();
        assert!(without.model.n < fit.model.n && without.model.n > fit.model.n / 2);
        assert_eq!(model.predict(&[5, 6], 1).unwrap().len(), 2 * N_READOUTS);
    }
}

#[test]
fn the_members_are_trained_for_the_best_epoch_of_the_selection_run() {
    let seen = std::sync::Mutex::new(Vec::new());
    let observer = |report: &EpochReport| {
        seen.lock().unwrap().push((report.phase, report.seed, report.epoch));
        ControlFlow::Continue(())
    };
    let options = TrainingOptions { observer: &observer, ..TrainingOptions::default() };
    let (_, report) = train(&small_config(Head::Product), &options).unwrap();
    let seen = seen.into_inner().unwrap();
    let count = |phase| seen.iter().filter(|(p, _, _)| *p == phase).count();
    assert_eq!(count(Phase::Selection), report.selection.len());
    assert_eq!(count(Phase::Member), 3 * report.epochs);
    let rmse = |epoch: &EpochReport| epoch.validation.unwrap().overall.rmse;
    let best = report.selection.iter().map(rmse).fold(f64::INFINITY, f64::min);
    assert!((rmse(&report.selection[report.epochs - 1]) - best).abs() < 1e-12);
}

#[test]
fn a_combination_has_the_mean_embedding_of_its_members() {
    for head in [Head::Product, Head::Concat] {
        let config = LpmConfig { max_epochs: 1, ..small_config(head) };
        let (model, _) = Lpm::train(&dataset(), &config, &TrainingOptions::default()).unwrap();
        assert_eq!(model.vocabularies().tokens.len(), 79);
        let rows = model.perturbation_embeddings().unwrap();
        for k in 0..config.embedding_dim {
            let at = |row: usize| rows[row * config.embedding_dim + k];
            assert!((at(2) - (at(0) + at(1)) / 2.0).abs() < 1e-6);
        }
    }
}

#[test]
fn sparse_dense_and_mapped_profiles_give_the_same_weights() {
    let config = LpmConfig { max_epochs: 2, validation_share: 0.0, ..small_config(Head::Product) };
    let train = |limits| {
        let dataset = low_rank_dataset(limits);
        embeddings(
            &Ensemble::train(&dataset, &config, &[1], &TrainingOptions::default()).unwrap().0,
        )
    };
    let dense = train(StorageLimits::default());
    assert_eq!(dense, train(StorageLimits { dense_percent: 101, ..StorageLimits::default() }));
    assert_eq!(dense, train(StorageLimits { memory_bytes: 0, ..StorageLimits::default() }));
}

#[test]
fn excluded_values_change_nothing_and_are_never_seen() {
    let config = LpmConfig { max_epochs: 2, ..small_config(Head::Product) };
    let excluded = Split::Profiles((0..40).collect());
    let options = TrainingOptions { excluded: &excluded, ..TrainingOptions::default() };
    let expected = embeddings(&train(&config, &options).unwrap().0);
    let mut dataset = dataset();
    let original = low_rank_dataset(StorageLimits::default());
    let keys = original.profiles.keys().to_vec();
    let limits = StorageLimits::default();
    dataset.profiles = Profiles::collect(keys, N_READOUTS, limits, |profile, row| {
        original.profiles.copy_row(profile, row);
        if profile < 40 {
            row.iter_mut().for_each(|value| *value *= -9.0);
        }
        Ok(())
    })
    .unwrap();
    let (changed, _) = Ensemble::train(&dataset, &config, &[13, 14, 15], &options).unwrap();
    assert_eq!(embeddings(&changed), expected);
}

#[test]
fn a_training_resumed_anywhere_ends_in_the_same_weights() {
    for head in [Head::Product, Head::Concat] {
        let config = small_config(head);
        let (expected, report) = train(&config, &TrainingOptions::default()).unwrap();
        for stop in [1, report.selection.len(), report.selection.len() + 2] {
            let folder = tempfile::tempdir().unwrap();
            let error = train_interrupted(&config, folder.path(), stop, false);
            assert!(matches!(error, Error::Interrupted { .. }), "{error}");
            assert!(error.to_string().contains("--resume"), "{error}");
            let error = train_interrupted(&config, folder.path(), 2, true);
            assert!(matches!(error, Error::Interrupted { .. }), "{error}");
            let checkpoints = Some(folder.path());
            let options =
                TrainingOptions { checkpoints, resume: true, ..TrainingOptions::default() };
            let (resumed, resumed_report) = train(&config, &options).unwrap();
            assert_eq!(embeddings(&resumed), embeddings(&expected), "{head}, stopped at {stop}");
            assert_eq!(resumed_report.epochs, report.epochs);
            assert_eq!(resumed_report.overall, report.overall);
        }
    }
}

#[test]
fn a_checkpoint_of_another_configuration_or_other_data_is_refused() {
    let (config, folder) = (small_config(Head::Product), tempfile::tempdir().unwrap());
    train_interrupted(&config, folder.path(), 2, false);
    let checkpoints = Some(folder.path());
    let options = TrainingOptions { checkpoints, resume: true, ..TrainingOptions::default() };
    let other = LpmConfig { learning_rate: 0.02, ..config.clone() };
    let message = train(&other, &options).unwrap_err().to_string();
    assert!(message.contains("`learning_rate`: 0.01, not 0.02"), "{message}");
    let mut dataset = dataset();
    dataset.readouts.swap(0, 1);
    let message = Ensemble::train(&dataset, &config, &[13], &options).unwrap_err().to_string();
    assert!(message.contains("other data") && message.contains("--resume"), "{message}");
    let excluded = Split::Entries { share: 0.1, seed: 3 };
    let options = TrainingOptions { excluded: &excluded, ..options };
    assert!(train(&config, &options).unwrap_err().to_string().contains("other data"));
}

#[test]
fn a_damaged_checkpoint_is_named() {
    let (config, folder) = (small_config(Head::Product), tempfile::tempdir().unwrap());
    train_interrupted(&config, folder.path(), 2, false);
    let path = folder.path().join("selection.safetensors");
    let bytes = fs::read(&path).unwrap();
    let checkpoints = Some(folder.path());
    let options = TrainingOptions { checkpoints, resume: true, ..TrainingOptions::default() };
    for damaged in damages(&bytes) {
        fs::write(&path, damaged).unwrap();
        let error = train(&config, &options).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("selection.safetensors"), "{error}");
    }
}

/// Truncated anywhere, emptied, or with one bit flipped.
fn damages(bytes: &[u8]) -> Vec<Vec<u8>> {
    let truncated = [0, 4, 9, bytes.len() / 2, bytes.len() - 1].map(|n| bytes[..n].to_vec());
    let flipped = [3, 40, bytes.len() / 3, bytes.len() - 2].map(|position| {
        let mut bytes = bytes.to_vec();
        bytes[position] ^= 1;
        bytes
    });
    truncated.into_iter().chain(flipped).collect()
}

#[test]
fn resuming_without_checkpoints_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("nowhere");
    let checkpoints = Some(missing.as_path());
    let options = TrainingOptions { checkpoints, resume: true, ..TrainingOptions::default() };
    let error = train(&small_config(Head::Product), &options).unwrap_err();
    assert!(matches!(error, Error::Missing { what: "checkpoint", .. }), "{error}");
}

#[test]
fn a_saved_model_opens_with_the_same_embeddings_and_predictions() {
    for head in [Head::Product, Head::Concat] {
        let config = LpmConfig { max_epochs: 2, ..small_config(head) };
        let folder = tempfile::tempdir().unwrap();
        let (ensemble, _) = train(&config, &TrainingOptions::default()).unwrap();
        ensemble.save(folder.path()).unwrap();
        let opened = Ensemble::open(folder.path()).unwrap();
        assert_eq!(opened.seeds(), [13, 14, 15]);
        assert_eq!(embeddings(&opened), embeddings(&ensemble));
        let predicted = ensemble.predict(&[2, 70], 1).unwrap();
        assert_eq!(opened.predict(&[2, 70], 1).unwrap(), predicted);
        let member = &ensemble.members()[1];
        member.save(folder.path().join("one")).unwrap();
        let opened = Lpm::open(folder.path().join("one")).unwrap();
        assert_eq!(opened.config(), member.config());
        assert_eq!(opened.vocabularies(), member.vocabularies());
        assert_eq!(opened.predict(&[2], 0).unwrap(), member.predict(&[2], 0).unwrap());
    }
}

#[test]
fn an_ensemble_predicts_the_mean_of_its_members() {
    let config = LpmConfig { max_epochs: 1, ..small_config(Head::Product) };
    let (ensemble, _) = train(&config, &TrainingOptions::default()).unwrap();
    let mean = ensemble.predict(&[3], 0).unwrap();
    let members = ensemble.members().iter().map(|member| member.predict(&[3], 0).unwrap());
    let members: Vec<Vec<f32>> = members.collect();
    for (readout, value) in mean.iter().enumerate() {
        let expected = members.iter().map(|row| row[readout]).sum::<f32>() / 3.0;
        assert!((value - expected).abs() < 1e-6);
    }
}

#[test]
fn damaged_or_missing_model_files_are_named() {
    let config = LpmConfig { max_epochs: 1, ..small_config(Head::Product) };
    let (model, _) = Lpm::train(&dataset(), &config, &TrainingOptions::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    model.save(folder.path()).unwrap();
    for name in ["weights.safetensors", "config.json", "vocabularies.json"] {
        let path = folder.path().join(name);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let error = Lpm::open(folder.path()).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{name}: {error}");
        assert!(error.to_string().contains(name), "{error}");
        fs::remove_file(&path).unwrap();
        let error = Lpm::open(folder.path()).unwrap_err();
        assert!(matches!(error, Error::Missing { .. }), "{name}: {error}");
        fs::write(&path, bytes).unwrap();
    }
    let path = folder.path().join("weights.safetensors");
    for damaged in damages(&fs::read(&path).unwrap()) {
        fs::write(&path, damaged).unwrap();
        let error = Lpm::open(folder.path()).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
    }
}

#[test]
fn a_vocabulary_that_does_not_fit_the_weights_is_damage() {
    let config = LpmConfig { max_epochs: 1, ..small_config(Head::Product) };
    let (model, _) = Lpm::train(&dataset(), &config, &TrainingOptions::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    model.save(folder.path()).unwrap();
    let path = folder.path().join("vocabularies.json");
    let mut words: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    words["readouts"].as_array_mut().unwrap().pop();
    fs::write(&path, words.to_string()).unwrap();
    let message = Lpm::open(folder.path()).unwrap_err().to_string();
    assert!(message.contains("readouts.weight"), "{message}");
    words["tokens"].as_array_mut().unwrap().pop();
    fs::write(&path, words.to_string()).unwrap();
    let message = Lpm::open(folder.path()).unwrap_err().to_string();
    assert!(message.contains("vocabularies.json"), "{message}");
}

#[test]
fn unusable_data_seeds_and_positions_are_refused() {
    let config = LpmConfig { max_epochs: 1, ..small_config(Head::Product) };
    let options = TrainingOptions::default();
    let refuse = |seeds: &[u64]| Ensemble::train(&dataset(), &config, seeds, &options).unwrap_err();
    assert!(refuse(&[]).to_string().contains("seeds"));
    assert!(refuse(&[1, 2, 1]).to_string().contains("1 twice"));
    let mut empty = dataset();
    empty.profiles =
        Profiles::collect(Vec::new(), N_READOUTS, StorageLimits::default(), |_, _| Ok(())).unwrap();
    let message = Lpm::train(&empty, &config, &options).unwrap_err().to_string();
    assert!(message.contains("no measured values"), "{message}");
    let (model, _) = Lpm::train(&dataset(), &config, &options).unwrap();
    assert!(model.predict(&[80], 0).unwrap_err().to_string().contains("below 80"));
    assert!(model.predict(&[0], 2).unwrap_err().to_string().contains("below 2"));
}

#[test]
fn a_loss_that_is_not_a_number_is_an_error_with_advice() {
    let mut dataset = dataset();
    let keys = dataset.profiles.keys().to_vec();
    let limits = StorageLimits::default();
    dataset.profiles = Profiles::collect(keys, N_READOUTS, limits, |_, row| {
        row.fill(1e30);
        Ok(())
    })
    .unwrap();
    let error = Lpm::train(&dataset, &small_config(Head::Product), &TrainingOptions::default());
    let message = error.unwrap_err().to_string();
    assert!(message.contains("epoch 1") && message.contains("learning_rate"), "{message}");
}

/// Trained large enough that matrix products are shared among threads; run by the test below.
#[test]
#[ignore = "prints for weights_do_not_depend_on_the_thread_count"]
fn print_the_weights_hash() {
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    for head in [Head::Product, Head::Concat] {
        let config = LpmConfig {
            hidden_widths: vec![128, 128],
            profiles_per_batch: 80,
            readouts_per_batch: 40,
            max_epochs: 2,
            ..small_config(head)
        };
        let (ensemble, _) = train(&config, &TrainingOptions::default()).unwrap();
        hash.update(format!("{:?}", embeddings(&ensemble)).as_bytes());
    }
    println!("weights {:016x}", hash.digest());
}

#[test]
fn weights_do_not_depend_on_the_thread_count() {
    let hash = |threads: &str| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "model::print_the_weights_hash", "--ignored", "--nocapture"])
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let start = text.find("weights ").unwrap_or_else(|| panic!("{text}"));
        text[start..start + 24].to_owned()
    };
    let alone = hash("1");
    assert_eq!(alone, hash("2"));
    assert_eq!(alone, hash("5"));
}

#[test]
fn a_trained_perturbation_is_placed_by_its_profiles_where_its_row_lies() {
    let dataset = dataset();
    let config = LpmConfig { max_epochs: 5, patience: 5, ..small_config(Head::Product) };
    let options = TrainingOptions::default();
    let (ensemble, _) = Ensemble::train(&dataset, &config, &[3, 4], &options).unwrap();
    let members = ensemble.members().iter().map(fold_in).collect();
    let (placement, embeddings) = Placement::fit(&dataset, members).unwrap();
    for perturbation in [0_u32, 17, 59, 60, 79] {
        let keys = dataset.profiles.keys().iter().enumerate();
        let own = keys.filter(|(_, key)| key.perturbation == perturbation);
        let rows: Vec<(u32, Vec<f32>)> =
            own.map(|(profile, key)| (key.context, dataset.profiles.row(profile))).collect();
        let profiles: Vec<(u32, &[f32])> =
            rows.iter().map(|(context, row)| (*context, row.as_slice())).collect();
        let side = dataset.perturbations[perturbation as usize].side();
        let placed = placement.place(side, &profiles).unwrap();
        let row = embeddings.row(perturbation as usize);
        assert!(placed.iter().zip(row).all(|(a, b)| (a - b).abs() < 1e-6), "{perturbation}");
    }
    assert!(placement.place(Side::Chemical, &[]).is_err());
}
