//! Honesty where it is hard: hubs that are near to many compounds, near-duplicates of a third of all compounds, and
//! mechanisms of 2 to 60 members.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use phenocopy::calibrate::{LEVEL, Share};
use phenocopy::dataset::synthetic::{SyntheticConfig, SyntheticWorld};
use phenocopy::index::Index;
use phenocopy::search::{Answer, Correction, Query};
use tempfile::TempDir;

use crate::honesty;

const N_GENES: usize = 200;
/// Hits that are looked at, the nearest; the last of them must not be significant.
const K: usize = 40;

struct HardWorld {
    world: SyntheticWorld,
    index: Index,
    _home: TempDir,
}

static HARD: LazyLock<HardWorld> = LazyLock::new(|| {
    let config = SyntheticConfig {
        n_mechanisms: 30,
        class_sizes: 2..=60,
        n_genes: N_GENES,
        n_readouts: 150,
        inactive_share: 0.3,
        n_hubs: 12,
        hub_strength: 1.0,
        analogue_share: 0.3,
        ..SyntheticConfig::default()
    };
    let world = SyntheticWorld::generate(&config).unwrap();
    let (home, index) = honesty::build(&world);
    HardWorld { world, index, _home: home }
});

/// The answers to all compounds in the order of their names, and the target of each that has one.
fn ask_all(correction: Correction) -> Vec<(Answer, Option<&'static str>)> {
    let HardWorld { world, index, .. } = &*HARD;
    let targets: HashMap<&str, &str> =
        world.labels.iter().map(|(name, gene)| (name.as_str(), gene.as_str())).collect();
    let names = world.labels.iter().map(|(name, _)| name).chain(&world.inactive);
    let query = |name: &String| Query { k: K, correction, ..Query::new(name) };
    let queries: Vec<Query> = names.clone().map(query).collect();
    let answers = index.search_batch(&queries).into_iter().map(Result::unwrap);
    answers.zip(names.map(|name| targets.get(name.as_str()).copied())).collect()
}

static ANSWERS: LazyLock<Vec<(Answer, Option<&'static str>)>> =
    LazyLock::new(|| ask_all(Correction::Query));

/// The genes of significant hits.
fn discoveries(answer: &Answer) -> Vec<&str> {
    let is_significant = |q: Option<f64>| q.is_some_and(|q| q <= LEVEL);
    let q = |at: usize| answer.hits[at].significance.map(|worth| worth.q_value);
    assert!(!is_significant(q(K - 1)), "more may lie behind: {}", answer.asked);
    let hits = answer.hits.iter().filter(|hit| is_significant(hit.significance.map(|w| w.q_value)));
    hits.map(|hit| hit.record.name()).collect()
}

fn has_mechanism(answer: &Answer, is_known: bool) -> bool {
    let mut mechanisms = answer.mechanisms.iter();
    mechanisms.any(|class| class.q_value <= LEVEL && class.is_known == is_known)
}

fn inactive() -> impl Iterator<Item = &'static Answer> {
    ANSWERS.iter().filter(|(_, target)| target.is_none()).map(|(answer, _)| answer)
}

fn active() -> impl Iterator<Item = (&'static Answer, &'static str)> {
    ANSWERS.iter().filter_map(|(answer, target)| Some((answer, (*target)?)))
}

/// Prints a figure that the README quotes: `cargo test --test integration hard_world -- --nocapture`.
#[allow(clippy::print_stdout)] // the command's purpose; silent otherwise
fn print(figure: &str) {
    println!("{figure}");
}

fn tell(what: &str, Share { count, total }: Share) {
    print(&format!("{what}: {count} of {total}"));
}

/// Asserts that the mean of false discovery proportions is at most the level, within 1.96 standard errors.
fn assert_controlled(what: &str, proportions: &[f64]) {
    let n = proportions.len() as f64;
    let mean = proportions.iter().sum::<f64>() / n;
    print(&format!("{what} among the discoveries of an active compound, on average: {mean:.3}"));
    let variance = proportions.iter().map(|p| (p - mean).powi(2)).sum::<f64>() / n;
    assert!(mean <= LEVEL + 1.96 * (variance / n).sqrt(), "{mean}");
}

fn proportion(n_false: usize, n: usize) -> f64 {
    n_false as f64 / n.max(1) as f64
}

#[test]
fn the_world_tempts() {
    let HardWorld { world, index, .. } = &*HARD;
    let hubs: HashSet<&str> = world.hubs.iter().map(String::as_str).collect();
    let nearest_is_hub = |answer: &Answer| hubs.contains(answer.hits[0].record.name());
    let share = Share::of(inactive().map(nearest_is_hub));
    assert!(share.value() >= 3.0 * proportion(hubs.len(), N_GENES), "{share:?}");
    let vectors: HashMap<String, &[f32]> = (0..index.n_rows() as u32)
        .map(|row| (index.record(row).unwrap().name().to_owned(), index.vector(row)))
        .collect();
    let similarity = |(name, parent): &(String, String)| {
        phenocopy::embedding::similarity(vectors[name], vectors[parent])
    };
    let near = Share::of(world.analogues.iter().map(|pair| similarity(pair) >= 0.7));
    assert!(near.total > 200 && near.value() >= 0.8, "{near:?}");
}

#[test]
fn compounds_that_do_nothing_seldom_have_a_significant_gene_however_strong_the_hubs() {
    let share = Share::of(inactive().map(|answer| !discoveries(answer).is_empty()));
    tell("compounds that do nothing with a significant gene", share);
    assert!(share.total >= 200 && share.is_within(LEVEL), "{share:?}");
}

#[test]
fn compounds_that_do_nothing_seldom_have_a_significant_mechanism_however_large_the_class() {
    let share = Share::of(inactive().map(|answer| has_mechanism(answer, false)));
    tell("compounds that do nothing with a significant mechanism", share);
    assert!(share.total >= 200 && share.is_within(LEVEL), "{share:?}");
}

#[test]
fn shuffled_profiles_deceive_no_null_and_none_is_withdrawn() {
    let calibration = HARD.index.manifest().calibration.as_ref().unwrap();
    let targets: Vec<&str> = calibration.honesty.iter().map(|h| h.targets.as_str()).collect();
    // Mimics, then opposites.
    assert_eq!(targets, ["trt_cp", "trt_xpr", "classes", "trt_cp", "trt_xpr"]);
    for honesty in &calibration.honesty {
        assert!(honesty.controls.total == 200 && honesty.is_honest(), "{honesty:?}");
    }
    assert!(active().all(|(answer, _)| !answer.mechanisms.is_empty()));
}

/// Of every query's own discoveries, false ones are a twentieth on average: what Benjamini and Hochberg promise.
#[test]
fn false_discoveries_are_as_rare_as_q_values_say() {
    let of_genes = active().map(|(answer, target)| {
        let found = discoveries(answer);
        proportion(found.iter().filter(|gene| **gene != target).count(), found.len())
    });
    assert_controlled("false genes", &of_genes.collect::<Vec<f64>>());
    let of_mechanisms = active().map(|(answer, _)| {
        let found = answer.mechanisms.iter().filter(|class| class.q_value <= LEVEL);
        let is_known: Vec<bool> = found.map(|class| class.is_known).collect();
        proportion(is_known.iter().filter(|known| !**known).count(), is_known.len())
    });
    assert_controlled("false mechanisms", &of_mechanisms.collect::<Vec<f64>>());
}

/// Corrected over the batch, false discoveries of all queries are a twentieth of all together.
#[test]
fn false_discoveries_of_a_batch_are_as_rare_as_its_q_values_say() {
    let answers = ask_all(Correction::Batch);
    let is_false = answers.iter().flat_map(|(answer, target)| {
        discoveries(answer).into_iter().map(move |gene| Some(gene) != *target)
    });
    let share = Share::of(is_false);
    tell("false genes among the discoveries of a batch", share);
    assert!(share.total >= 400 && share.is_within(LEVEL), "{share:?}");
}

#[test]
fn targets_and_mechanisms_of_most_active_compounds_are_significant_nonetheless() {
    let genes = Share::of(active().map(|(answer, target)| discoveries(answer).contains(&target)));
    tell("active compounds whose target is significant", genes);
    assert!(genes.value() >= 0.75, "{genes:?}");
    let mechanisms = Share::of(active().map(|(answer, _)| has_mechanism(answer, true)));
    tell("active compounds whose mechanism is significant", mechanisms);
    assert!(mechanisms.value() >= 0.75, "{mechanisms:?}");
}
