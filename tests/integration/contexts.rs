//! Responses averaged over contexts, of signatures folded in.

use std::sync::LazyLock;

use phenocopy::dataset::{Dataset, ProfileKey, Profiles, StorageLimits};
use phenocopy::experiment::{Context, Perturbation, PerturbationType, Readout};
use phenocopy::index::{Index, IndexBuilder};
use phenocopy::model::{Ensemble, LpmConfig, TrainingOptions};
use phenocopy::search::{Scope, Signature, SignatureQuery};

const N_COMPOUNDS: u32 = 60;
const N_GENES: u32 = 40;
const N_READOUTS: usize = 80;
/// Directions of response; each context turns them up and down in its own way.
const RANK: usize = 3;

/// A number between −1 and 1 that looks random.
fn number(i: usize) -> f32 {
    ((i * 7919 + 13) % 1009) as f32 / 504.0 - 1.0
}

/// What a perturbation does to a readout; all of a side have a part in common, which centring takes out.
fn response(perturbation: u32, context: u32, readout: usize) -> f32 {
    let common = if perturbation < N_COMPOUNDS { 0.5 } else { -0.5 };
    let term = |k: usize| {
        let strength = common + number(perturbation as usize * 97 + k * 389);
        let scale = 1.0 + 0.6 * number(context as usize * 31 + k * 211);
        strength * scale * number(readout * 53 + k * 173 + 7)
    };
    let noise = 0.1 * number(perturbation as usize * 61 + context as usize * 17 + readout * 101);
    (0..RANK).map(term).sum::<f32>() + noise
}

/// Compounds in one of two assays (the last dozen in both), then genes in a third.
fn keys() -> Vec<ProfileKey> {
    let key = |(perturbation, context)| ProfileKey { perturbation, context };
    let compounds = (0..N_COMPOUNDS).flat_map(|p| {
        let contexts = if p < N_COMPOUNDS - 12 { p % 2..p % 2 + 1 } else { 0..2 };
        contexts.map(move |context| (p, context))
    });
    let genes = (N_COMPOUNDS..N_COMPOUNDS + N_GENES).map(|p| (p, 2));
    compounds.chain(genes).map(key).collect()
}

fn dataset() -> Dataset {
    let keys = keys();
    let fill = |profile: usize, row: &mut [f32]| {
        let ProfileKey { perturbation, context } = keys[profile];
        let values = row.iter_mut().enumerate();
        values.for_each(|(readout, value)| *value = response(perturbation, context, readout));
        Ok(())
    };
    let limits = StorageLimits::default();
    let profiles = Profiles::collect(keys.clone(), N_READOUTS, limits, fill).unwrap();
    let compound = |i| Perturbation::new(PerturbationType::Compound, format!("compound {i}"));
    let gene = |i| Perturbation::new(PerturbationType::CrisprKnockout, format!("GENE{i}"));
    Dataset::from_profiles(
        "world",
        (0..N_COMPOUNDS).map(compound).chain((0..N_GENES).map(gene)).collect(),
        (0..3).map(|i| Context(format!("assay {i}"))).collect(),
        (0..N_READOUTS).map(|i| Readout(format!("line {i}"))).collect(),
        profiles,
    )
    .unwrap()
}

static INDEX: LazyLock<(tempfile::TempDir, Index)> = LazyLock::new(|| {
    let dataset = dataset();
    let config = LpmConfig {
        embedding_dim: 8,
        dropout: 0.0,
        max_epochs: 80,
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

/// Returns the index, for other tests of what only a trained one has.
pub fn trained() -> &'static Index {
    &INDEX.1
}

/// The cosine of a folded-in profile's response and the stored one of its perturbation.
fn response_of_own(perturbation: u32, context: u32) -> f32 {
    let value = |readout| (format!("line {readout}"), response(perturbation, context, readout));
    let values = (0..N_READOUTS).map(value).collect();
    let query = SignatureQuery {
        context: Some(format!("assay {context}")),
        scope: Scope::All,
        k: (N_COMPOUNDS + N_GENES) as usize,
        ..SignatureQuery::new(Signature { name: "mine".into(), values })
    };
    let hits = INDEX.1.search_signature(&query).unwrap().hits;
    hits.iter().find(|hit| hit.row == perturbation).unwrap().response_similarity.unwrap()
}

#[test]
fn compounds_of_one_context_folded_in_respond_as_they_were_trained_to() {
    let alike = |p: &u32| response_of_own(*p, *p % 2);
    let mut all: Vec<f32> = (0..N_COMPOUNDS - 12).map(|p| alike(&p)).collect();
    all.sort_by(f32::total_cmp);
    // What a compound does beside what all do can be next to nothing: then the two are noise.
    assert!(all[all.len() / 4] > 0.9, "{all:?}");
    assert!(all[all.len() / 10] > 0.5, "{all:?}");
}
