use std::fs;
use std::path::{Path, PathBuf};

use phenocopy::Error;
use phenocopy::embedding::Embeddings;
use phenocopy::experiment::{Annotation, Perturbation, PerturbationType};
use phenocopy::index::{FORMAT_VERSION, Index, IndexBuilder, Record};
use phenocopy::search::Query;

use crate::fixture;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn the_same_vectors_and_records_give_the_same_files_and_fingerprint() {
    let home = tempfile::tempdir().unwrap();
    let (first, second) = (home.path().join("first"), home.path().join("second"));
    let fingerprint = fixture::write(&first, 7).fingerprint;
    assert_eq!(fixture::write(&second, 7).fingerprint, fingerprint);
    let graphs = ["graph-chemical.bin", "graph-genetic.bin"];
    for name in graphs.into_iter().chain(["embeddings.bin", "records.bin", "calibration.bin"]) {
        assert_eq!(
            fs::read(first.join(name)).unwrap(),
            fs::read(second.join(name)).unwrap(),
            "{name}"
        );
    }
    assert_ne!(fixture::write(&second, 8).fingerprint, fingerprint);
}

#[test]
fn a_written_index_says_what_it_holds() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("index");
    fixture::write(&path, 7);
    let written = files(&path);
    let index = Index::open(&path).unwrap();
    index.verify().unwrap();
    assert_eq!(files(&path), written, "reading leaves nothing behind");
    assert_eq!(index.n_rows(), 3 * fixture::MECHANISMS);
    assert_eq!(index.manifest().counts.by_type["trt_xpr"], fixture::MECHANISMS);
    assert!(index.manifest().graphs.values().all(|graph| graph.recall_at_10 >= 0.99));
    assert_eq!(index.record(0).unwrap().perturbation.symbol(), "compound-0a");
}

#[test]
fn every_file_that_is_cut_or_edited_is_refused_by_open_or_by_verify_and_named() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("index");
    fixture::write(&path, 7);
    for file in files(&path) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let whole = fs::read(&file).unwrap();
        let mut edited = whole.clone();
        let middle = edited.len() / 2;
        assert!(!edited.is_empty(), "{name} is empty");
        edited[middle] ^= 0x10;
        for damage in [whole[..whole.len() * 2 / 3].to_vec(), edited, Vec::new()] {
            fs::write(&file, &damage).unwrap();
            let outcome = Index::open(&path).and_then(|index| index.verify());
            let Err(error) = outcome else { panic!("an edit of {name} went unnoticed") };
            assert!(
                error.to_string().contains(&name) || error.to_string().contains("metadata"),
                "{error}"
            );
            assert!(error.to_string().contains("rebuild"), "{error}");
        }
        fs::remove_file(&file).unwrap();
        assert!(Index::open(&path).is_err(), "{name} is missing");
        fs::write(&file, &whole).unwrap();
    }
    Index::open(&path).unwrap().verify().unwrap();
}

#[test]
fn a_figure_edited_in_the_manifest_is_found() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("index");
    fixture::write(&path, 7);
    let manifest = path.join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\"recall_queries\": 60", "\"recall_queries\": 61")).unwrap();
    let error = Index::open(&path).unwrap_err().to_string();
    assert!(error.contains("its text was edited"), "{error}");
}

#[test]
fn a_newer_format_is_refused_with_its_version() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("index");
    fixture::write(&path, 7);
    let manifest = path.join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    let newer = text
        .replace("\"format_version\": 1", &format!("\"format_version\": {}", FORMAT_VERSION + 1));
    fs::write(&manifest, newer).unwrap();
    let error = Index::open(&path).unwrap_err();
    assert!(matches!(error, Error::NewerFormat { .. }), "{error}");
    assert!(error.to_string().contains("update phenocopy"), "{error}");
}

#[test]
fn an_index_is_rebuilt_while_others_search_it() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("index");
    fixture::write(&path, 7);
    let held = Index::open(&path).unwrap();
    std::thread::scope(|scope| {
        let searching = scope.spawn(|| {
            for round in 0..60 {
                let query = Query::new(format!("compound-{round}a"));
                assert_eq!(held.search(&query).unwrap().hits.len(), 10);
                let reopened = Index::open(&path).unwrap();
                assert_eq!(reopened.search(&query).unwrap().hits.len(), 10);
            }
        });
        // Also the same again: only tantivy's files then differ.
        for seed in [8, 8, 8, 9, 9, 10] {
            fixture::write(&path, seed);
        }
        searching.join().unwrap();
    });
}

#[test]
fn a_failing_build_leaves_the_old_index_untouched() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("index");
    let fingerprint = fixture::write(&path, 7).fingerprint;
    let failing = fixture::builder(8).model(|_| Err(Error::data("model", "it broke", "try again")));
    assert!(failing.write(&path).is_err());
    assert_eq!(Index::open(&path).unwrap().manifest().fingerprint, fingerprint);
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}

#[test]
fn rows_out_of_order_or_twice_are_refused() {
    let record = |kind, agent: &str| Record {
        perturbation: Perturbation::new(kind, agent),
        annotation: Annotation::default(),
        targeted_by: Vec::new(),
        contexts: Vec::new(),
    };
    let gene = || record(PerturbationType::CrisprKnockout, "BRAF");
    let compound = || record(PerturbationType::Compound, "dabrafenib");
    let vectors = || Embeddings::from_rows(vec![1.0, 0.0, 0.0, 1.0], 2).unwrap();
    let refused = |records| IndexBuilder::new("x", vectors(), records).unwrap_err().to_string();
    assert!(refused(vec![gene(), compound()]).contains("chemical but follows"));
    assert!(refused(vec![gene(), gene()]).contains("twice"));
    assert!(refused(vec![gene()]).contains("2 vectors for 1 records"));
}

#[test]
fn a_thousand_equal_vectors_and_one_other_can_be_indexed_and_found() {
    let mut values = [1.0, 0.0].repeat(1000);
    values.extend([0.0, 1.0]);
    let kinds = std::iter::repeat_n(PerturbationType::Compound, 1000);
    let records =
        kinds.chain([PerturbationType::CrisprKnockout]).enumerate().map(|(i, kind)| Record {
            perturbation: Perturbation::new(kind, format!("p{i}")),
            annotation: Annotation::default(),
            targeted_by: Vec::new(),
            contexts: Vec::new(),
        });
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("index");
    let vectors = Embeddings::from_rows(values, 2).unwrap();
    IndexBuilder::new("equal", vectors, records.collect()).unwrap().write(&path).unwrap();
    let index = Index::open(&path).unwrap();
    let query = Query { k: 2000, ..Query::new("p1000") };
    assert_eq!(index.search(&query).unwrap().hits.len(), 1000);
}
