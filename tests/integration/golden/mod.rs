//! The index of each format version ever released, opened by today's program.
//!
//! `tests/fixtures/index-v1` was written once, by the program that introduced format 1, and must
//! be readable forever: whoever holds an index of that age keeps it through every update. When
//! `FORMAT_VERSION` rises, leave it as it is; have `regenerate` write `index-v2` beside it, by
//! `cargo test --test integration golden -- --ignored`; add the answers it must give; keep the
//! tests of version 1. Only while no version has been released may version 1 be written anew.

/// Format 2: rows that were added after training.
mod added;
/// The same of an index that says what similarities are worth.
mod calibrated;

use std::fs;
use std::path::{Path, PathBuf};

use phenocopy::Error;
use phenocopy::embedding::Embeddings;
use phenocopy::experiment::{Annotation, Moa, Perturbation, PerturbationType, Side, Target};
use phenocopy::index::{Filter, Index, IndexBuilder, Provenance, Record, Responses};
use phenocopy::search::{Query, Scope, Via};

const DIM: usize = 8;
const N_COMPOUNDS: usize = 12;
const GENES: [&str; 8] = ["BCL2", "BRAF", "EGFR", "HDAC1", "IGF1R", "MDM2", "MET", "MTOR"];
const CONTEXTS: [&str; 2] = ["assay one", "assay two"];
const READOUTS: [&str; 6] = ["A375", "HL60", "K562", "MCF7", "PC3", "U2OS"];
const FINGERPRINT: &str = "f798308a4d4103c5";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/index-v1")
}

/// Compound `i` acts on gene `i mod 8`.
fn perturbations() -> Vec<Perturbation> {
    let compound = |i| Perturbation::new(PerturbationType::Compound, format!("compound-{i}"));
    let gene = |gene: &&str| Perturbation::new(PerturbationType::CrisprKnockout, *gene);
    (0..N_COMPOUNDS).map(compound).chain(GENES.iter().map(gene)).collect()
}

fn record(row: usize, perturbation: Perturbation) -> Record {
    let is_compound = perturbation.side() == Side::Chemical;
    let gene = GENES[if is_compound { row % 8 } else { row - N_COMPOUNDS }];
    let only = |wanted: bool, value: &str| if wanted { vec![value.to_owned()] } else { vec![] };
    let compound_text = |text: &str| if is_compound { text.to_owned() } else { String::new() };
    let annotation = Annotation {
        name: perturbation.agent().to_owned(),
        synonyms: vec![format!("trade name {row}")],
        identifiers: vec![format!("BRD-K{row:08}")],
        targets: only(is_compound, gene).into_iter().map(Target).collect(),
        moas: vec![Moa(format!("{gene} inhibitor"))],
        phase: compound_text(if row.is_multiple_of(2) { "Launched" } else { "Phase 2" }),
        indications: only(is_compound, "melanoma"),
        inchi_key: compound_text("VNWKTOKETHGBQD-UHFFFAOYSA-N"),
        smiles: compound_text("C"),
        description: format!("row {row} of the golden index"),
    };
    Record {
        perturbation,
        annotation,
        targeted_by: only(!is_compound, "compound-0"),
        contexts: CONTEXTS.map(str::to_owned).to_vec(),
    }
}

/// Each mechanism is a direction of its own, disturbed a little.
fn vectors() -> Embeddings {
    let value = |row: usize, i: usize| {
        let mechanism = if row < N_COMPOUNDS { row % 8 } else { row - N_COMPOUNDS };
        let disturbance = ((row * 7 + i * 5 + row * i) % 13) as f32 / 32.0 - 0.1875;
        f32::from(u8::from(mechanism == i)) + disturbance
    };
    let rows = (0..N_COMPOUNDS + GENES.len()).flat_map(|row| (0..DIM).map(move |i| value(row, i)));
    Embeddings::from_rows(rows.collect(), DIM).unwrap()
}

fn responses() -> Responses {
    let n_rows = N_COMPOUNDS + GENES.len();
    let predicted = (0..n_rows * READOUTS.len()).map(|i| ((i * 7919 + 13) % 101) as f32 / 32.0);
    let sides = [(Side::Chemical, 0..N_COMPOUNDS), (Side::Genetic, N_COMPOUNDS..n_rows)];
    let readouts = READOUTS.map(str::to_owned).to_vec();
    Responses::factorise(predicted.collect(), readouts, &sides).unwrap()
}

#[cfg(feature = "train")]
mod model {
    use phenocopy::dataset::{Dataset, ProfileKey, Profiles, StorageLimits};
    use phenocopy::experiment::{Context, Readout};
    use phenocopy::model::{Ensemble, LpmConfig, TrainingOptions};

    use super::{CONTEXTS, READOUTS, perturbations};

    /// Two members of four numbers each, trained for two epochs on made-up values.
    pub(super) fn tiny() -> Ensemble {
        let n_rows = perturbations().len() as u32;
        let keys = (0..2 * n_rows)
            .map(|i| ProfileKey { perturbation: i % n_rows, context: i / n_rows })
            .collect();
        let limits = StorageLimits::default();
        let profiles = Profiles::collect(keys, READOUTS.len(), limits, |profile, row| {
            let value = |readout: usize| ((profile * 31 + readout * 17) % 101) as f32 / 50.0 - 1.0;
            row.iter_mut().enumerate().for_each(|(readout, cell)| *cell = value(readout));
            Ok(())
        });
        let contexts = CONTEXTS.map(|name| Context(name.to_owned())).to_vec();
        let readouts = READOUTS.map(|name| Readout(name.to_owned())).to_vec();
        let profiles = profiles.unwrap();
        let dataset =
            Dataset::from_profiles("golden", perturbations(), contexts, readouts, profiles)
                .unwrap();
        let config = LpmConfig {
            embedding_dim: 4,
            max_epochs: 2,
            validation_share: 0.0,
            ..LpmConfig::default()
        };
        Ensemble::train(&dataset, &config, &[13, 14], &TrainingOptions::default()).unwrap().0
    }

    #[test]
    fn the_model_of_format_1_still_predicts_what_it_did() {
        let ensemble = Ensemble::open(super::folder().join("model")).unwrap();
        assert_eq!(ensemble.seeds(), [13, 14]);
        let predicted = ensemble.predict(&[0, 19], 1).unwrap();
        let expected = [
            0.021_718_2,
            0.006_974_4,
            0.001_568_0,
            0.032_757_0,
            0.000_393_0,
            0.017_081_7,
            0.009_646_0,
            0.002_855_6,
            0.002_871_5,
            0.000_261_7,
            0.005_999_2,
            0.034_798_0,
        ];
        assert_eq!(predicted.len(), expected.len());
        for (found, expected) in predicted.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{predicted:?}");
        }
    }

    #[test]
    #[ignore = "writes the fixture; see the head of this module"]
    fn regenerate() {
        let records = perturbations().into_iter().enumerate();
        let records = records.map(|(row, p)| super::record(row, p)).collect();
        let provenance = super::Provenance {
            contexts: CONTEXTS.map(str::to_owned).to_vec(),
            readouts: READOUTS.len(),
            seeds: vec![13, 14],
            notes: vec!["written once for the tests".to_owned()],
            ..super::Provenance::default()
        };
        super::IndexBuilder::new("golden", super::vectors(), records)
            .unwrap()
            .responses(super::responses())
            .provenance(provenance)
            .model(|folder| tiny().save(folder))
            .write(&super::folder())
            .unwrap();
    }
}

/// Symbol and similarity of the first hits.
fn hits(query: &Query) -> Vec<(String, f32)> {
    let answer = Index::open(folder()).unwrap().search(query).unwrap();
    answer.hits.iter().map(|hit| (hit.record.perturbation.symbol(), hit.similarity)).collect()
}

fn assert_hits(query: &Query, expected: &[(&str, f32)]) {
    for via in [Via::Scan, Via::Graph] {
        let found = hits(&Query { k: expected.len(), via, ..query.clone() });
        assert_eq!(found.len(), expected.len());
        for ((symbol, similarity), (expected, expected_similarity)) in found.iter().zip(expected) {
            let is_same = (similarity - expected_similarity).abs() < 2e-6;
            assert!(symbol == expected && is_same, "{via:?}: {found:?}");
        }
    }
}

#[test]
fn the_index_of_format_1_opens_and_verifies() {
    let index = Index::open(folder()).unwrap();
    index.verify().unwrap();
    let manifest = index.manifest();
    assert_eq!((manifest.format_version, manifest.name.as_str()), (1, "golden"));
    assert_eq!(manifest.fingerprint, FINGERPRINT);
    assert_eq!((index.n_rows(), index.dim(), manifest.seeds.as_slice()), (20, DIM, &[13, 14][..]));
}

#[test]
fn the_index_of_format_1_holds_every_field_of_a_record() {
    let index = Index::open(folder()).unwrap();
    for (row, perturbation) in perturbations().into_iter().enumerate() {
        assert_eq!(index.record(row as u32).unwrap(), record(row, perturbation));
    }
}

#[test]
fn the_index_of_format_1_answers_what_it_always_did() {
    let genes = [
        ("CRISPR-KO_BCL2", 0.856_133),
        ("CRISPR-KO_EGFR", 0.194_328),
        ("CRISPR-KO_IGF1R", 0.180_436),
    ];
    assert_hits(&Query::new("compound-0"), &genes);
    let compounds =
        [("compound-5", 0.958_215), ("compound-4", 0.275_409), ("compound-1", 0.255_368)];
    assert_hits(&Query::new("trade name 17"), &compounds);
    let filter = Filter { phases: vec!["launched".to_owned()], ..Filter::default() };
    let query = Query { filter, scope: Scope::All, ..Query::new("BRD-K00000003") };
    let launched =
        [("compound-10", 0.288_768), ("compound-2", 0.281_686), ("compound-6", 0.068_286_5)];
    assert_hits(&query, &launched);
}

#[test]
fn the_responses_of_format_1_compare_as_they_did() {
    let index = Index::open(folder()).unwrap();
    for (a, b, expected) in [(0, 12, 0.214_705), (0, 16, 0.978_261), (3, 10, 1.0)] {
        let found = index.response_similarity(a, b).unwrap();
        assert!((found - expected).abs() < 2e-6, "{a}, {b}: {found}");
    }
}

#[test]
fn the_names_of_format_1_are_found_by_text() {
    let metadata = Index::open(folder()).unwrap();
    let (rows, n_found) = metadata.metadata().find("MDM2 inhibitor", 10).unwrap();
    assert_eq!((rows.len(), n_found), (2, 2));
    assert_eq!(metadata.metadata().find("melanoma", 20).unwrap().1, N_COMPOUNDS);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::write(&target, fs::read(&path).unwrap()).unwrap();
        }
    }
}

#[test]
fn a_format_one_above_is_refused_wherever_it_shows() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("index");
    copy(&folder(), &path);
    Index::open(&path).unwrap();
    let files = ["embeddings.bin", "graph-genetic.bin", "records.bin", "responses.bin"];
    for file in files.map(|name| path.join(name)) {
        let whole = fs::read(&file).unwrap();
        let mut newer = whole.clone();
        // The version follows the eight bytes of the magic word.
        newer[8] += 1;
        fs::write(&file, newer).unwrap();
        assert!(matches!(Index::open(&path), Err(Error::NewerFormat { received: 2, .. })));
        fs::write(&file, whole).unwrap();
    }
    let manifest = path.join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\"format_version\": 1", "\"format_version\": 3")).unwrap();
    assert!(matches!(Index::open(&path), Err(Error::NewerFormat { received: 3, .. })));
}
