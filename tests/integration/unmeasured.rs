//! Cell lines that no screen holds, as readouts and as contexts, predicted from features of theirs.

use std::sync::LazyLock;

use phenocopy::dataset::{Dataset, ProfileKey, Profiles, StorageLimits};
use phenocopy::experiment::{Context, Perturbation, PerturbationType, Readout};
use phenocopy::index::{Index, IndexBuilder};
use phenocopy::model::{Ensemble, LpmConfig, TrainingOptions};
use phenocopy::search::{FeatureAxis, UnmeasuredAnswer, UnmeasuredQuery};
use phenocopy::table::FeatureTable;

const N_COMPOUNDS: usize = 40;
const N_CONTEXTS: usize = 14;
const N_READOUTS: usize = 60;

/// A number between −1 and 1 that looks random.
fn number(i: usize) -> f32 {
    ((i * 7919 + 13) % 1009) as f32 / 504.0 - 1.0
}

/// Two features of a context and of a readout.
fn features(axis: FeatureAxis, at: usize) -> [f32; 2] {
    let first = at * 2 + if axis == FeatureAxis::Readout { 500 } else { 0 };
    [number(first * 31), number(first * 31 + 17)]
}

/// What a compound does: two strengths, of which each context turns up one and each readout feels another.
fn response(compound: usize, context: [f32; 2], readout: [f32; 2]) -> f32 {
    let strength = |k: usize| number(compound * 97 + k * 389);
    (0..2).map(|k| strength(k) * (1.0 + 0.5 * context[k]) * readout[k]).sum()
}

/// An index in which responses depend on features of contexts and of readouts.
static INDEX: LazyLock<(tempfile::TempDir, Index)> = LazyLock::new(|| {
    let keys: Vec<ProfileKey> = (0..(N_COMPOUNDS * N_CONTEXTS) as u32)
        .map(|i| ProfileKey { perturbation: i / N_CONTEXTS as u32, context: i % N_CONTEXTS as u32 })
        .collect();
    let limits = StorageLimits::default();
    let profiles = Profiles::collect(keys.clone(), N_READOUTS, limits, |profile, row| {
        let key = keys[profile];
        let context = features(FeatureAxis::Context, key.context as usize);
        for (readout, value) in row.iter_mut().enumerate() {
            let readout = features(FeatureAxis::Readout, readout);
            *value = response(key.perturbation as usize, context, readout);
        }
        Ok(())
    });
    let compound = |i| Perturbation::new(PerturbationType::Compound, format!("compound {i}"));
    let dataset = Dataset::from_profiles(
        "world",
        (0..N_COMPOUNDS).map(compound).collect(),
        (0..N_CONTEXTS).map(|i| Context(format!("context {i}"))).collect(),
        (0..N_READOUTS).map(|i| Readout(format!("line {i}"))).collect(),
        profiles.unwrap(),
    )
    .unwrap();
    let config = LpmConfig {
        embedding_dim: 8,
        dropout: 0.0,
        max_epochs: 60,
        profiles_per_batch: 32,
        validation_share: 0.0,
        learning_rate: 0.02,
        ..LpmConfig::default()
    };
    let options = TrainingOptions::default();
    let (ensemble, report) = Ensemble::train(&dataset, &config, &[13, 14], &options).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world");
    IndexBuilder::from_ensemble(&dataset, &ensemble, &report).unwrap().write(&path).unwrap();
    (folder, Index::open(&path).unwrap())
});

/// The features of all known rows of an axis, and of ten that are new.
fn table(axis: FeatureAxis) -> FeatureTable {
    let (what, n) = match axis {
        FeatureAxis::Readout => ("line", N_READOUTS),
        FeatureAxis::Context => ("context", N_CONTEXTS),
    };
    FeatureTable {
        names: (0..n + 10).map(|i| format!("{what} {i}")).collect(),
        features: vec!["one".into(), "two".into()],
        values: (0..n + 10).flat_map(|i| features(axis, i)).collect(),
    }
}

fn predict(axis: FeatureAxis, query: &UnmeasuredQuery) -> UnmeasuredAnswer {
    INDEX.1.predict_unmeasured(&table(axis), query).unwrap()
}

fn correlation(pairs: &[(f32, f32)]) -> f32 {
    let n = pairs.len() as f32;
    let mean = |of: fn(&(f32, f32)) -> f32| pairs.iter().map(of).sum::<f32>() / n;
    let (x, y) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let sum =
        |of: &dyn Fn(f32, f32) -> f32| pairs.iter().map(|p| of(p.0 - x, p.1 - y)).sum::<f32>();
    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
}

#[test]
fn the_responses_of_a_new_readout_follow_from_its_features() {
    let query = UnmeasuredQuery { context: Some("context 3".into()), ..Default::default() };
    let answer = predict(FeatureAxis::Readout, &query);
    assert_eq!(answer.axis, FeatureAxis::Readout);
    assert!(answer.quality.predicts() && answer.quality.mean_cosine > 0.9, "{:?}", answer.quality);
    assert_eq!((answer.rows.len(), answer.perturbations.len()), (10, N_COMPOUNDS));
    let context = features(FeatureAxis::Context, 3);
    let mut pairs = Vec::new();
    for (new, row) in answer.rows.iter().enumerate() {
        let readout = features(FeatureAxis::Readout, N_READOUTS + new);
        assert!(row.responses.is_sorted_by(|a, b| a.value.abs() >= b.value.abs()));
        for predicted in &row.responses {
            let agent = answer.perturbations[predicted.perturbation].perturbation.agent();
            let compound = agent.trim_start_matches("compound ").parse().unwrap();
            pairs.push((predicted.value, response(compound, context, readout)));
        }
    }
    assert!(correlation(&pairs) > 0.9, "{}", correlation(&pairs));
}

#[test]
fn the_responses_in_a_new_context_follow_from_its_features() {
    let perturbations = vec!["compound 7".into(), "compound 11".into()];
    let answer =
        predict(FeatureAxis::Context, &UnmeasuredQuery { perturbations, ..Default::default() });
    assert_eq!((answer.axis, answer.context.clone()), (FeatureAxis::Context, None));
    let mut pairs = Vec::new();
    for (new, row) in answer.rows.iter().enumerate() {
        let context = features(FeatureAxis::Context, N_CONTEXTS + new);
        assert_eq!(row.responses.len(), 2 * N_READOUTS);
        for predicted in &row.responses {
            let line = predicted.readout.as_ref().unwrap().trim_start_matches("line ");
            let readout = features(FeatureAxis::Readout, line.parse().unwrap());
            let agent = answer.perturbations[predicted.perturbation].perturbation.agent();
            let compound = agent.trim_start_matches("compound ").parse().unwrap();
            pairs.push((predicted.value, response(compound, context, readout)));
        }
    }
    assert!(correlation(&pairs) > 0.9, "{}", correlation(&pairs));
}

#[test]
fn features_that_say_nothing_are_called_that() {
    let mut table = table(FeatureAxis::Readout);
    // Those of other rows.
    table.values.rotate_left(2 * 23);
    let query = UnmeasuredQuery { context: Some("context 3".into()), ..Default::default() };
    let quality = INDEX.1.predict_unmeasured(&table, &query).unwrap().quality;
    assert!(!quality.predicts(), "{quality:?}");
    // One perturbation has two directions only; the quality is that of all.
    let one = UnmeasuredQuery { perturbations: vec!["compound 7".into()], k: Some(1), ..query };
    let answer = INDEX.1.predict_unmeasured(&table, &one).unwrap();
    assert!(!answer.quality.predicts() && answer.rows[0].responses.len() == 1);
}

#[test]
fn what_cannot_be_predicted_says_why() {
    let refused = |table: &FeatureTable, query: &UnmeasuredQuery| {
        INDEX.1.predict_unmeasured(table, query).unwrap_err().to_string()
    };
    let readouts = table(FeatureAxis::Readout);
    let none = refused(&readouts, &UnmeasuredQuery::default());
    assert!(none.contains("`context` must be one of context 0, context 1"), "{none}");
    let query = UnmeasuredQuery { context: Some("context 99".into()), ..Default::default() };
    assert!(refused(&readouts, &query).contains("but is context 99"));
    let query = UnmeasuredQuery { context: Some("context 3".into()), ..Default::default() };
    let mut known = readouts.clone();
    known.names.truncate(N_READOUTS);
    known.values.truncate(2 * N_READOUTS);
    assert!(refused(&known, &query).contains("all of its rows were measured"));
    let mut other = readouts.clone();
    other.names.iter_mut().for_each(|name| name.push('x'));
    let few = refused(&other, &query);
    assert!(few.contains("names 0 readouts and 0 contexts") && few.contains("`line 0`"), "{few}");
    let mut twice = readouts.clone();
    twice.names[N_READOUTS + 1] = "LINE_7".into();
    let one = refused(&twice, &query);
    assert!(one.contains("its rows `line 7` and `LINE_7` are the same in the index"), "{one}");
    let mut far = readouts.clone();
    far.values[2 * N_READOUTS] = f32::MAX;
    far.values[2 * N_READOUTS + 1] = -f32::MAX;
    let values = INDEX.1.predict_unmeasured(&far, &query);
    assert!(values.is_err_and(|error| error.to_string().contains("too far from")));
    let query = UnmeasuredQuery { perturbations: vec!["compound 99".into()], ..query };
    assert!(refused(&readouts, &query).contains("nothing here is called `compound 99`"));
    let nobody = refused(&table(FeatureAxis::Context), &UnmeasuredQuery::default());
    assert!(nobody.contains("at least one perturbation"), "{nobody}");
}
