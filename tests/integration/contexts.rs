//! Responses in one context and on average over all: of signatures folded in, and taken apart by `explain`.

use std::sync::LazyLock;

use phenocopy::dataset::{Dataset, ProfileKey, Profiles, StorageLimits};
use phenocopy::experiment::{Context, Perturbation, PerturbationType, Readout};
use phenocopy::index::{Index, IndexBuilder};
use phenocopy::model::{Ensemble, LpmConfig, TrainingOptions};
use phenocopy::search::{ContextResponses, Explanation, Query, Scope, Signature, SignatureQuery};
use proptest::prelude::*;

pub const N_COMPOUNDS: u32 = 60;
pub const N_GENES: u32 = 40;
pub const N_READOUTS: usize = 160;
/// Directions of response; each context turns them up and down in its own way.
const RANK: usize = 3;

/// A number between −1 and 1 that looks random.
fn number(i: usize) -> f32 {
    ((i * 7919 + 13) % 1009) as f32 / 504.0 - 1.0
}

/// What a perturbation does to a readout. All do about as much, as profiles of unit spread do; those of a side have
/// a part in common, which centring takes out.
pub fn response(perturbation: u32, context: u32, readout: usize) -> f32 {
    let common = if perturbation < N_COMPOUNDS { 0.1 } else { -0.1 };
    let strengths: [f32; RANK] =
        std::array::from_fn(|k| number(perturbation as usize * 97 + k * 389));
    let size = strengths.iter().map(|strength| strength * strength).sum::<f32>().sqrt();
    let term = |k: usize| {
        let scale = 1.0 + 0.6 * number(context as usize * 31 + k * 211);
        2.0 * (strengths[k] / size + common) * scale * number(readout * 53 + k * 173 + 7)
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

static RESPONSES: LazyLock<ContextResponses> =
    LazyLock::new(|| ContextResponses::open(&INDEX.1).unwrap().unwrap());

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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_compound_of_one_context_folded_in_responds_as_it_was_trained_to(
        perturbation in 0..N_COMPOUNDS - 12,
    ) {
        let found = response_of_own(perturbation, perturbation % 2);
        prop_assert!(found > 0.9, "{perturbation}: {found}");
    }
}

fn symbol(row: u32) -> String {
    INDEX.1.record(row).unwrap().perturbation.symbol()
}

fn explain_in(query: u32, hit: u32, context: u32) -> Explanation {
    let (query, hit) = (Query::new(symbol(query)), Query::new(symbol(hit)));
    INDEX.1.explain_in(&RESPONSES, &query, &hit, &format!("assay {context}")).unwrap()
}

/// What the ensemble predicts for all rows in a context; a row, centred over its side and over readouts, at unit
/// length.
fn predicted(row: u32, context: u32) -> Vec<f64> {
    static ENSEMBLE: LazyLock<Ensemble> =
        LazyLock::new(|| Ensemble::open(INDEX.1.folder().join("model")).unwrap());
    let side = if row < N_COMPOUNDS { 0..N_COMPOUNDS } else { N_COMPOUNDS..N_COMPOUNDS + N_GENES };
    let rows: Vec<u32> = side.clone().collect();
    let all = ENSEMBLE.predict(&rows, context).unwrap();
    let mean = |readout: usize| {
        all.chunks(N_READOUTS).map(|r| f64::from(r[readout])).sum::<f64>() / rows.len() as f64
    };
    let own = &all[(row - side.start) as usize * N_READOUTS..][..N_READOUTS];
    let mut own: Vec<f64> =
        own.iter().enumerate().map(|(r, value)| f64::from(*value) - mean(r)).collect();
    let centre = own.iter().sum::<f64>() / N_READOUTS as f64;
    own.iter_mut().for_each(|value| *value -= centre);
    let norm = own.iter().map(|value| value * value).sum::<f64>().sqrt();
    own.iter().map(|value| value / norm).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn terms_in_a_context_are_products_of_what_the_ensemble_predicts_there(
        query in 0..N_COMPOUNDS + N_GENES, hit in 0..N_COMPOUNDS + N_GENES, context in 0..3_u32,
    ) {
        let why = explain_in(query, hit, context);
        let (of_query, of_hit) = (predicted(query, context), predicted(hit, context));
        for term in &why.terms {
            let readout: usize = term.readout.trim_start_matches("line ").parse().unwrap();
            prop_assert!((term.query - of_query[readout]).abs() < 1e-4);
            prop_assert!((term.hit - of_hit[readout]).abs() < 1e-4);
        }
        let sum: f64 = why.terms.iter().map(|term| term.contribution).sum();
        prop_assert!((sum - f64::from(why.response_similarity)).abs() < 1e-6);
        prop_assert!(why.terms.is_sorted_by_key(|term| -term.contribution.abs()));
        let here = &why.by_context[context as usize];
        prop_assert_eq!(Some(&here.context), why.context.as_ref());
        prop_assert_eq!(here.response_similarity.to_bits(), why.response_similarity.to_bits());
    }
}

#[test]
fn contexts_that_turn_directions_up_and_down_change_who_is_alike() {
    let spread = |hit: u32| {
        let of = |context| explain_in(0, hit, context).response_similarity;
        let all = [of(0), of(1), of(2)];
        all.iter().fold(f32::MIN, |a, b| a.max(*b)) - all.iter().fold(f32::MAX, |a, b| a.min(*b))
    };
    let widest = (1..N_COMPOUNDS + N_GENES).map(spread).fold(0.0, f32::max);
    assert!(widest > 0.05, "{widest}");
    assert!(explain_in(7, 7, 2).by_context.iter().all(|c| c.response_similarity > 0.999));
}

#[test]
fn an_unknown_context_is_told_the_known_ones() {
    let (query, hit) = (Query::new(symbol(0)), Query::new(symbol(70)));
    let unknown = INDEX.1.explain_in(&RESPONSES, &query, &hit, "assay 9").unwrap_err().to_string();
    assert_eq!(unknown, "`context` must be one of assay 0, assay 1, assay 2, but is assay 9");
    let spelt = INDEX.1.explain_in(&RESPONSES, &query, &hit, "ASSAY_1").unwrap();
    assert_eq!(spelt.context.as_deref(), Some("assay 1"));
}
