use std::fs;
use std::ops::RangeInclusive;

use phenocopy::dataset::synthetic::{SyntheticConfig, SyntheticWorld};
use phenocopy::dataset::{Dataset, DatasetOptions, Recipe, Split, StorageLimits};
use phenocopy::experiment::{Annotation, Side};

use super::{bits, repository};

#[test]
fn a_split_moves_constants_but_no_position() {
    let world = SyntheticWorld::generate(&SyntheticConfig::default()).unwrap();
    let split = Split::Entries { share: 0.3, seed: 17 };
    let held = world.dataset_with(&DatasetOptions { split, ..Default::default() }).unwrap();
    assert_eq!(held.profiles.keys(), world.dataset.profiles.keys());
    assert_ne!(bits(&held), bits(&world.dataset));
    let whole = Split::Profiles(vec![0, 3]);
    let held = world.dataset_with(&DatasetOptions { split: whole, ..Default::default() }).unwrap();
    assert_eq!(held.profiles.n_observed(), world.dataset.profiles.n_observed());
    assert!((0..4).all(|p| held.profiles.row(p).iter().any(|value| value.is_finite())));
}

#[test]
fn mapped_storage_holds_the_same_values() {
    let world = SyntheticWorld::generate(&SyntheticConfig::default()).unwrap();
    let limits = StorageLimits { memory_bytes: 0, ..StorageLimits::default() };
    let mapped = world.dataset_with(&DatasetOptions { limits, ..Default::default() }).unwrap();
    assert!(mapped.profiles.is_mapped());
    assert_eq!(bits(&mapped), bits(&world.dataset));
}

#[test]
fn a_synthetic_world_is_the_same_each_time_and_another_with_another_seed() {
    let generate = |seed| {
        SyntheticWorld::generate(&SyntheticConfig { seed, ..SyntheticConfig::default() }).unwrap()
    };
    assert_eq!(bits(&generate(3).dataset), bits(&generate(3).dataset));
    assert_ne!(bits(&generate(3).dataset), bits(&generate(4).dataset));
    let world = generate(3);
    assert_eq!((world.labels.len(), world.inactive.len(), world.hubs.len()), (48, 12, 4));
    assert_eq!(world.dataset.report.merges.len(), 12, "each mechanism has one alias");
}

#[test]
fn planted_targets_correlate_with_their_compounds() {
    let world = SyntheticWorld::generate(&SyntheticConfig::default()).unwrap();
    let dataset = &world.dataset;
    let row = |name: &str| {
        let perturbation = dataset.annotations.iter().position(|a| a.name == name).unwrap() as u32;
        let profile =
            dataset.profiles.keys().iter().position(|key| key.perturbation == perturbation);
        dataset.profiles.row(profile.unwrap())
    };
    let dot = |a: &[f32], b: &[f32]| -> f32 {
        a.iter().zip(b).filter(|(a, b)| !a.is_nan() && !b.is_nan()).map(|(a, b)| a * b).sum()
    };
    let genes: Vec<&Annotation> = dataset
        .annotations
        .iter()
        .zip(&dataset.perturbations)
        .filter(|(_, perturbation)| perturbation.side() == Side::Genetic)
        .map(|(annotation, _)| annotation)
        .collect();
    let is_found = |(compound, gene): &&(String, String)| {
        let query = row(compound);
        let score = |gene: &&&Annotation| dot(&query, &row(&gene.name));
        let best = genes.iter().max_by(|a, b| score(a).total_cmp(&score(b))).unwrap();
        best.name == *gene
    };
    let n_found = world.labels.iter().filter(is_found).count();
    assert!(n_found * 10 >= world.labels.len() * 9, "{n_found} of {}", world.labels.len());
}

#[test]
fn the_demo_files_are_what_the_generator_writes() {
    let world = SyntheticWorld::generate(&SyntheticConfig::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    world.write(folder.path()).unwrap();
    let demo = repository().join("data/demo");
    let mut n_files = 0;
    for entry in fs::read_dir(folder.path()).unwrap() {
        let name = entry.unwrap().file_name();
        let [written, committed] =
            [folder.path(), &demo].map(|f| fs::read_to_string(f.join(&name)).unwrap());
        assert_eq!(written, committed.replace("\r\n", "\n"), "{name:?}: run `rewrite_the_demo`");
        n_files += 1;
    }
    assert_eq!(n_files, 7);
    let recipe = Recipe::read(demo.join("recipe.toml")).unwrap();
    let read = Dataset::from_recipe(&recipe, recipe.folder(), &DatasetOptions::default()).unwrap();
    assert_eq!(bits(&read), bits(&world.dataset));
    assert_eq!(read.annotations, world.dataset.annotations);
}

#[test]
#[ignore = "writes data/demo; run it after the generator changed"]
fn rewrite_the_demo() {
    let world = SyntheticWorld::generate(&SyntheticConfig::default()).unwrap();
    world.write(&repository().join("data/demo")).unwrap();
}

fn hard() -> SyntheticConfig {
    SyntheticConfig {
        class_sizes: 2..=60,
        hub_strength: 1.0,
        analogue_share: 0.3,
        ..SyntheticConfig::default()
    }
}

#[test]
fn classes_fall_from_the_largest_to_the_smallest_by_equal_ratios() {
    let world = SyntheticWorld::generate(&hard()).unwrap();
    let is_analogue = |name: &String| world.analogues.iter().any(|(analogue, _)| analogue == name);
    let size = |mechanism: usize| {
        let gene = format!("SYNG{mechanism:03}");
        let members =
            world.labels.iter().filter(|(name, target)| *target == gene && !is_analogue(name));
        members.count()
    };
    let sizes: Vec<usize> = (1..=12).map(size).collect();
    assert_eq!(sizes, [60, 44, 32, 24, 17, 13, 9, 7, 5, 4, 3, 2]);
    assert_eq!(world.analogues.len(), (220.0 * 1.25 * 0.3) as usize);
}

#[test]
fn every_second_analogue_is_a_salt_and_shares_the_first_block_of_the_inchi_key() {
    let world = SyntheticWorld::generate(&hard()).unwrap();
    let block = |name: &String| {
        let annotation = world.dataset.annotations.iter().find(|a| a.name == *name).unwrap();
        assert_eq!(annotation.inchi_key.len(), 27, "{annotation:?}");
        annotation.inchi_key[..14].to_owned()
    };
    let n_salts = world.analogues.iter().filter(|(name, parent)| block(name) == block(parent));
    assert_eq!(n_salts.count(), world.analogues.len().div_ceil(2));
    let keys: std::collections::HashSet<&str> =
        world.dataset.annotations.iter().map(|a| a.inchi_key.as_str()).collect();
    assert_eq!(keys.len(), 220 + 55 + world.analogues.len() + 1, "genes have none");
}

#[test]
fn a_hard_world_read_back_is_the_one_that_was_written() {
    let world = SyntheticWorld::generate(&hard()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    world.write(folder.path()).unwrap();
    let recipe = Recipe::read(folder.path().join("recipe.toml")).unwrap();
    let read = Dataset::from_recipe(&recipe, recipe.folder(), &DatasetOptions::default()).unwrap();
    assert_eq!(bits(&read), bits(&world.dataset));
    assert_eq!(read.annotations, world.dataset.annotations);
}

#[test]
fn worlds_that_cannot_be_are_refused() {
    let share = SyntheticConfig { missing_share: 1.0, ..SyntheticConfig::default() };
    assert!(SyntheticWorld::generate(&share).unwrap_err().to_string().contains("missing_share"));
    let genes = SyntheticConfig { n_genes: 3, ..SyntheticConfig::default() };
    assert!(SyntheticWorld::generate(&genes).unwrap_err().to_string().contains("at least 16"));
    let sizes =
        SyntheticConfig { class_sizes: RangeInclusive::new(5, 3), ..SyntheticConfig::default() };
    assert!(SyntheticWorld::generate(&sizes).unwrap_err().to_string().contains("class_sizes"));
    let hubs = SyntheticConfig { hub_strength: f64::NAN, ..SyntheticConfig::default() };
    assert!(SyntheticWorld::generate(&hubs).unwrap_err().to_string().contains("hub_strength"));
}
