//! Rows that are added to an index without training: found, judged as folded-in profiles, and no trouble to the others.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use phenocopy::calibrate::Share;
use phenocopy::dataset::{Dataset, DatasetOptions, Recipe, VectorFile};
use phenocopy::experiment::{PerturbationType, Side};
use phenocopy::index::{AddedBy, Index, IndexBuilder, ProfileUnits};
use phenocopy::model::{Ensemble, LpmConfig, TrainingOptions};
use phenocopy::search::{Answer, Flag, Query, Scope, Signature, SignatureQuery};
use phenocopy::{Error, Result};
use tempfile::TempDir;

pub const SCREENS: [&str; 2] = ["synthetic-screen-a", "synthetic-screen-b"];
const ANNOTATION: &str = "synthetic-compounds.csv";

pub fn demo(file: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo").join(file);
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn write(path: &Path, rows: &[Vec<String>]) {
    let lines: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
    fs::write(path, lines.join("\n") + "\n").unwrap();
}

fn transposed(rows: &[Vec<String>]) -> Vec<Vec<String>> {
    (0..rows[0].len()).map(|at| rows.iter().map(|row| row[at].clone()).collect()).collect()
}

/// One compound of each mechanism: `synthetic-001a`, `synthetic-002b`, …; also by its name in the second screen.
fn is_held(name: &str) -> bool {
    let mechanism = |text: &str| text.parse::<usize>().unwrap();
    if let Some(rest) = name.strip_prefix("SYN-") {
        return mechanism(&rest[..3]) % 4 == 1;
    }
    let Some(rest) = name.strip_prefix("synthetic-") else { return false };
    let (Some(digits), Some(letter)) = (rest.get(..3), rest.get(3..)) else { return false };
    digits.bytes().all(|byte| byte.is_ascii_digit())
        && ["a", "b", "c", "d"][(mechanism(digits) + 3) % 4] == letter
}

/// The demo world without a dozen compounds, those compounds, and indexes of it without and with them.
pub struct World {
    pub home: TempDir,
    /// Trained without.
    pub base: Index,
    /// Trained with.
    whole: Index,
    pub held: Vec<String>,
}

fn train(folder: &Path, name: &str) -> Index {
    let recipe = Recipe::read(folder.join("recipe.toml")).unwrap();
    let dataset = Dataset::from_recipe(&recipe, folder, &DatasetOptions::default()).unwrap();
    let config = LpmConfig {
        embedding_dim: 32,
        max_epochs: 20,
        validation_share: 0.0,
        ..LpmConfig::default()
    };
    let options = TrainingOptions::default();
    let (ensemble, report) = Ensemble::train(&dataset, &config, &[13, 14], &options).unwrap();
    let path = folder.join(name);
    IndexBuilder::from_ensemble(&dataset, &ensemble, &report).unwrap().write(&path).unwrap();
    Index::open(path).unwrap()
}

pub static WORLD: LazyLock<World> = LazyLock::new(|| {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo");
    let whole = home.path().join("whole");
    fs::create_dir(&whole).unwrap();
    for entry in fs::read_dir(&source).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, whole.join(path.file_name().unwrap())).unwrap();
        fs::copy(&path, home.path().join(path.file_name().unwrap())).unwrap();
    }
    fs::create_dir(home.path().join("held")).unwrap();
    for screen in SCREENS {
        let columns = transposed(&demo(&format!("{screen}.csv")));
        let (held, kept): (Vec<_>, Vec<_>) =
            columns[1..].iter().cloned().partition(|column| is_held(&column[0]));
        let with_names = |rows: Vec<Vec<String>>| [vec![columns[0].clone()], rows].concat();
        let kept = transposed(&with_names(kept));
        write(&home.path().join(format!("{screen}.csv")), &kept);
        write(&home.path().join(format!("held/{screen}.csv")), &with_names(held));
    }
    let annotation = demo(ANNOTATION);
    let held: Vec<Vec<String>> =
        annotation[1..].iter().filter(|row| is_held(&row[0])).cloned().collect();
    write(
        &home.path().join("held").join(ANNOTATION),
        &[annotation[..1].to_vec(), held.clone()].concat(),
    );
    let (base, whole) = (train(home.path(), "base"), train(&whole, "index"));
    World { home, base, whole, held: held.into_iter().map(|row| row[0].clone()).collect() }
});

/// The profiles of the compounds that were left out, in the units of their screens.
fn held(screens: &[&str]) -> Dataset {
    let folder = WORLD.home.path().join("held");
    let file = |screen: &&str| VectorFile {
        perturbation_type: PerturbationType::Compound,
        file: PathBuf::from(format!("{screen}.csv")),
    };
    let files = screens.iter().map(file).collect();
    read(&folder, files, &[PathBuf::from(ANNOTATION)])
}

fn read(folder: &Path, files: Vec<VectorFile>, annotations: &[PathBuf]) -> Dataset {
    let recipe = Recipe::of_vectors("ours", files, annotations, folder).unwrap();
    Dataset::from_recipe(&recipe, folder, &DatasetOptions::default()).unwrap()
}

fn extend(index: &Index, dataset: &Dataset, name: &str) -> Result<Index> {
    let path = WORLD.home.path().join(name);
    IndexBuilder::extend(index, dataset, ProfileUnits::Screen)?.write(&path)?;
    Index::open(path)
}

/// The base with what was left out.
pub static LARGER: LazyLock<Index> =
    LazyLock::new(|| extend(&WORLD.base, &held(&SCREENS), "larger").unwrap());

fn rank_of_target(index: &Index, compound: &str) -> usize {
    let query = Query { k: 100, ..Query::new(compound) };
    let hits = index.search(&query).unwrap().hits;
    hits.iter().find(|hit| hit.is_known).unwrap().rank
}

#[test]
fn added_compounds_find_their_targets_nearly_as_often_as_trained_ones() {
    let ranks = |index: &Index| -> Vec<usize> {
        WORLD.held.iter().map(|name| rank_of_target(index, name)).collect()
    };
    let (added, trained) = (ranks(&LARGER), ranks(&WORLD.whole));
    println!("added {added:?}\ntrained {trained:?}");
    let n_found = |ranks: &[usize]| ranks.iter().filter(|rank| **rank <= 10).count();
    assert_eq!(WORLD.held.len(), 12);
    // By chance a tenth of them.
    assert!(n_found(&trained) >= 11 && n_found(&added) + 1 >= n_found(&trained), "{added:?}");
}

#[test]
fn the_base_keeps_vectors_similarities_and_p_values_to_the_bit() {
    let (base, larger) = (&WORLD.base, &*LARGER);
    assert_eq!(larger.n_rows(), base.n_rows() + WORLD.held.len());
    let n_chemical = base.range(Side::Chemical).len();
    assert_eq!(larger.vectors(0..n_chemical), base.vectors(0..n_chemical));
    let genes = |index: &Index| index.vectors(index.range(Side::Genetic)).to_vec();
    assert_eq!(genes(larger), genes(base));
    assert_eq!(larger.manifest().calibration, base.manifest().calibration);
    for name in ["synthetic-001b", "SYNG003", "synthetic-005d"] {
        let query = Query { k: 1_000, scope: Scope::All, ..Query::new(name) };
        let (before, after) = (base.search(&query).unwrap(), larger.search(&query).unwrap());
        assert_eq!(after.hits.len(), before.hits.len() + WORLD.held.len());
        assert_eq!((after.flags, after.activity), (before.flags, before.activity));
        assert_eq!(after.mechanisms, before.mechanisms);
        let is_trained = |hit: &&phenocopy::search::Hit| !larger.is_added(hit.row);
        let kept: Vec<_> = after.hits.iter().filter(is_trained).collect();
        for (before, after) in before.hits.iter().zip(kept) {
            assert_eq!(before.record.perturbation, after.record.perturbation);
            assert_eq!(before.similarity.to_bits(), after.similarity.to_bits());
            assert_eq!(before.response_similarity, after.response_similarity);
            let worth = |hit: &phenocopy::search::Hit| {
                let worth = hit.significance.unwrap();
                (worth.z, worth.tau, worth.p_value, worth.probability)
            };
            assert_eq!(worth(before), worth(after), "{name}");
            assert_eq!((&before.flags, before.activity), (&after.flags, after.activity));
        }
    }
}

#[test]
fn an_added_row_is_judged_as_the_signature_that_it_is() {
    let larger = extend(&WORLD.base, &held(&SCREENS[..1]), "one-screen").unwrap();
    let rows = transposed(&demo("synthetic-screen-a.csv"));
    let profile = rows.iter().find(|row| row[0] == WORLD.held[3]).unwrap();
    let values = rows[0].iter().zip(profile).skip(1);
    let values = values.filter_map(|(readout, value)| Some((readout.clone(), value.parse().ok()?)));
    let signature = Signature { name: "mine".into(), values: values.collect() };
    let query = SignatureQuery {
        context: Some(SCREENS[0].into()),
        k: 50,
        ..SignatureQuery::new(signature)
    };
    let as_signature = WORLD.base.search_signature(&query).unwrap();
    let as_row = larger.search(&Query { k: 50, ..Query::new(&WORLD.held[3]) }).unwrap();
    assert!(as_row.flags.contains(&Flag::FoldedInQuery), "{:?}", as_row.flags);
    let strength = |answer: &Answer| answer.activity.map(|a| (a.strength, a.percentile));
    assert_eq!(strength(&as_signature), strength(&as_row));
    assert_eq!(as_signature.mechanisms.len(), as_row.mechanisms.len());
    for (a, b) in as_signature.hits.iter().zip(&as_row.hits) {
        assert_eq!(a.record.perturbation, b.record.perturbation);
        assert_eq!(a.similarity.to_bits(), b.similarity.to_bits());
        assert_eq!(a.response_similarity, b.response_similarity);
        let p_value = |hit: &phenocopy::search::Hit| hit.significance.unwrap().p_value.to_bits();
        assert_eq!(p_value(a), p_value(b));
        assert_eq!(a.support, b.support);
    }
}

#[test]
fn added_rows_are_found_filtered_explained_and_marked() {
    let larger = &*LARGER;
    let compound = &WORLD.held[0];
    let answer = larger.search(&Query { k: 60, ..Query::new("SYNG001") }).unwrap();
    let hit = answer.hits.iter().find(|hit| hit.record.name() == compound).unwrap();
    assert!(hit.flags.contains(&Flag::FoldedInHit) && hit.is_known && hit.rank <= 10, "{hit:?}");
    assert!(hit.significance.is_some() && hit.activity.is_some(), "{hit:?}");
    let others = answer.hits.iter().filter(|hit| !larger.is_added(hit.row));
    assert!(others.flat_map(|hit| &hit.flags).all(|flag| *flag != Flag::FoldedInHit));
    let gene = larger.search(&Query { k: 1, ..Query::new(compound) }).unwrap();
    assert_eq!(gene.query.contexts, SCREENS);
    let support = gene.hits[0].support.unwrap();
    assert_eq!(support.measured, 2);
    assert!(gene.activity.unwrap().agreement.is_some());
    let syng001 = larger.record(larger.resolve(&Query::new("SYNG001")).unwrap()).unwrap();
    assert!(syng001.targeted_by.contains(compound), "{:?}", syng001.targeted_by);
    let why = larger.explain(&Query::new(compound), &Query::new("SYNG001")).unwrap();
    assert!(why.response_similarity > 0.1 && !why.terms.is_empty(), "{}", why.response_similarity);
}

#[test]
fn an_index_is_added_to_again_and_again_and_says_so() {
    let screens = |at: usize| {
        let folder = WORLD.home.path().join(format!("half-{at}"));
        fs::create_dir_all(&folder).unwrap();
        let rows = transposed(&demo("synthetic-screen-a.csv"));
        let held = rows[1..].iter().filter(|row| is_held(&row[0])).skip(at * 6).take(6).cloned();
        let held: Vec<Vec<String>> = held.collect();
        write(&folder.join("synthetic-screen-a.csv"), &[vec![rows[0].clone()], held].concat());
        let file = PathBuf::from("synthetic-screen-a.csv");
        let perturbation_type = PerturbationType::Compound;
        let annotation = WORLD.home.path().join("held").join(ANNOTATION);
        fs::copy(annotation, folder.join(ANNOTATION)).unwrap();
        read(&folder, vec![VectorFile { perturbation_type, file }], &[PathBuf::from(ANNOTATION)])
    };
    let first = extend(&WORLD.base, &screens(0), "first").unwrap();
    let second = extend(&first, &screens(1), "second").unwrap();
    let again = extend(&first, &screens(1), "again").unwrap();
    let at_once = extend(&WORLD.base, &held(&SCREENS[..1]), "at-once").unwrap();
    let manifest = second.manifest();
    assert_eq!(manifest.fingerprint, again.manifest().fingerprint);
    assert_eq!((WORLD.base.manifest().format_version, manifest.format_version), (1, 2));
    let additions = &manifest.additions;
    assert_eq!((additions.len(), manifest.n_added()), (2, 12));
    assert_eq!(
        (additions[1].base.as_str(), additions[1].by),
        (first.manifest().fingerprint.as_str(), AddedBy::FoldIn)
    );
    assert_eq!(additions[0].inputs[0].sha256.len(), 64);
    assert!(!manifest.is_rebuild_due());
    for name in &WORLD.held {
        let of = |index: &Index| {
            let row = index.resolve(&Query::new(name)).unwrap();
            let query = Query { k: 1_000, scope: Scope::All, ..Query::new(name) };
            let hits = index.search(&query).unwrap().hits.into_iter();
            let mut worths: Vec<_> = hits
                .map(|hit| {
                    (
                        hit.record.perturbation.symbol(),
                        hit.significance.map(|w| w.p_value.to_bits()),
                    )
                })
                .collect();
            worths.sort();
            (index.vector(row).to_vec(), worths)
        };
        assert!(of(&second) == of(&at_once), "{name}");
    }
    second.verify().unwrap();
}

#[test]
fn profiles_that_say_nothing_seldom_have_a_significant_hit_once_they_are_added() {
    let folder = WORLD.home.path().join("noise");
    fs::create_dir_all(&folder).unwrap();
    // Half of them in both screens: a mean of several profiles is judged as one.
    let files = SCREENS.map(|screen| {
        let rows = transposed(&demo(&format!("{screen}.csv")));
        let shuffled = |(at, row): (usize, &Vec<String>)| {
            let (n, by) = (row.len() - 1, 7 + at % 60);
            let values = (0..n).map(|i| row[1 + (i * 37 + by) % n].clone());
            [vec![format!("noise {at}")], values.collect()].concat()
        };
        let noise: Vec<Vec<String>> = rows[1..].iter().enumerate().map(shuffled).collect();
        let file = PathBuf::from(format!("{screen}.csv"));
        write(&folder.join(&file), &[vec![rows[0].clone()], noise].concat());
        VectorFile { perturbation_type: PerturbationType::Compound, file }
    });
    let larger = extend(&WORLD.base, &read(&folder, files.to_vec(), &[]), "noisy").unwrap();
    assert!(larger.manifest().is_rebuild_due());
    let has_hit = |name: &str, scope: Scope, passes: &dyn Fn(u32) -> bool| {
        let query = Query { k: 1_000, scope, ..Query::new(name) };
        let hits = larger.search(&query).unwrap().hits;
        let mut worths =
            hits.iter().filter(|hit| passes(hit.row)).map(|hit| hit.significance.unwrap());
        worths.any(|worth| worth.q_value <= 0.05)
    };
    let added = larger.manifest().added(Side::Chemical);
    let names: Vec<String> =
        added.map(|row| larger.record(row as u32).unwrap().name().to_owned()).collect();
    let share = Share::of(names.iter().map(|name| has_hit(name, Scope::Genetic, &|_| true)));
    println!("noise with a significant gene: {share:?}");
    assert!(share.total >= 50 && share.is_within(0.05), "{share:?}");
    let genes = larger.range(Side::Genetic).map(|row| larger.record(row as u32).unwrap());
    let genes: Vec<String> = genes.map(|record| record.name().to_owned()).collect();
    let is_noise = |row: u32| larger.is_added(row);
    let share = Share::of(genes.iter().map(|gene| has_hit(gene, Scope::Chemical, &is_noise)));
    println!("genes with significant noise: {share:?}");
    assert!(share.is_within(0.05), "{share:?}");
}

#[test]
fn what_the_index_holds_already_is_refused_and_what_it_might_hold_is_told() {
    let refused = extend(&LARGER, &held(&SCREENS), "twice").unwrap_err().to_string();
    for part in ["`synthetic-001a` is `synthetic-001a`", "more", "names of their own"] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    let dataset = |name: &str, screen: &str, n_values: usize| {
        let folder = WORLD.home.path().join("small");
        fs::create_dir_all(&folder).unwrap();
        let rows = transposed(&demo("synthetic-screen-a.csv"));
        let mut own = rows[1].clone();
        own[0] = name.to_owned();
        own.iter_mut().skip(1 + n_values).for_each(|value| *value = String::new());
        let mut whole = rows[2].clone();
        whole[0] = "ours whole".to_owned();
        write(&folder.join(screen), &[rows[0].clone(), own, whole]);
        let file = PathBuf::from(screen);
        let files = vec![VectorFile { perturbation_type: PerturbationType::Compound, file }];
        read(&folder, files, &[])
    };
    let error = |name: &str, screen: &str, n_values| -> Error {
        extend(&WORLD.base, &dataset(name, screen, n_values), "refused").unwrap_err()
    };
    // An alias of the index's annotation, in other spelling.
    let alias = error("syn 002 0", "synthetic-screen-a.csv", 90).to_string();
    assert!(alias.contains("is `synthetic-002a`"), "{alias}");
    let context = error("ours", "mine.csv", 90).to_string();
    assert!(context.contains("`mine`") && context.contains("synthetic-screen-b"), "{context}");
    let side = error("ours", "synthetic-knockout.csv", 90).to_string();
    assert!(side.contains("synthetic-knockout is a screen of the type"), "{side}");
    let larger =
        extend(&WORLD.base, &dataset("ours", "synthetic-screen-a.csv", 12), "few").unwrap();
    assert_eq!(larger.manifest().n_added(), 1);
    let notices = larger.manifest().additions[0].notices.join("\n");
    assert!(notices.contains("left out: `ours`") && notices.contains("20 are needed"), "{notices}");
}

#[test]
fn a_damaged_model_is_found_before_anything_is_added() {
    let folder = WORLD.home.path().join("damaged");
    fs::create_dir_all(&folder).unwrap();
    copy(WORLD.base.folder(), &folder);
    let index = Index::open(&folder).unwrap();
    let weights = index.manifest().files.keys().find(|name| name.starts_with("model/")).unwrap();
    let mut bytes = fs::read(folder.join(weights)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(folder.join(weights), bytes).unwrap();
    let error = IndexBuilder::extend(&index, &held(&SCREENS), ProfileUnits::Screen).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
}

/// Copies what lies in a folder, and in those in it.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
