//! `tests/fixtures/index-v2`: format 2, an index of format 1 to which rows were added.
//!
//! Two compounds were added to `index-v1-calibrated` by profiles at its twenty readouts. Its rows do not lie where their
//! profiles do, as those of a trained index, so that the references of single profiles cannot be found again: what they would judge
//! among added rows carries no statistics.

use std::fs;
use std::path::{Path, PathBuf};

use phenocopy::dataset::{Dataset, ProfileKey, Profiles, StorageLimits};
use phenocopy::experiment::{Context, Perturbation, PerturbationType, Readout, Side};
use phenocopy::index::{AddedBy, Addition, Index, IndexBuilder, Manifest, ProfileUnits};
use phenocopy::search::{Flag, Query, Scope};

const FINGERPRINT: &str = "b7dcba67c49ac353";
const ADDED: [(PerturbationType, &str); 2] =
    [(PerturbationType::Compound, "NEW0"), (PerturbationType::Compound, "NEW1")];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn dataset() -> Dataset {
    let keys = vec![
        ProfileKey { perturbation: 0, context: 0 },
        ProfileKey { perturbation: 0, context: 1 },
        ProfileKey { perturbation: 1, context: 0 },
    ];
    let profiles = Profiles::collect(keys, 20, StorageLimits::default(), |profile, row| {
        let value = |readout: usize| ((profile * 31 + readout * 17) % 101) as f32 / 25.0 - 2.0;
        row.iter_mut().enumerate().for_each(|(readout, cell)| *cell = value(readout));
        Ok(())
    });
    let perturbations = ADDED.map(|(kind, name)| Perturbation::new(kind, name)).to_vec();
    let contexts = ["one", "two"].map(|name| Context(name.to_owned())).to_vec();
    let readouts = (0..20).map(|at| Readout(format!("READOUT{at}"))).collect();
    Dataset::from_profiles("added", perturbations, contexts, readouts, profiles.unwrap()).unwrap()
}

#[test]
#[ignore = "writes the fixture; see the head of the module above"]
fn regenerate() {
    let base = Index::open(fixtures().join("index-v1-calibrated")).unwrap();
    let builder = IndexBuilder::extend(&base, &dataset(), ProfileUnits::Normalised).unwrap();
    builder.write(&fixtures().join("index-v2")).unwrap();
}

#[test]
fn a_manifest_that_counts_fewer_rows_than_were_added_is_damaged() {
    let manifest = Manifest::read(&fixtures().join("index-v2/manifest.json")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.json");
    let read = |additions: &[(usize, usize)]| {
        let addition = |(chemical, genetic): &(usize, usize)| Addition {
            chemical: *chemical,
            genetic: *genetic,
            ..manifest.additions[0].clone()
        };
        let additions = additions.iter().map(addition).collect();
        let crafted = Manifest { additions, ..manifest.clone() }.sealed().unwrap();
        fs::write(&path, crafted.to_json().unwrap()).unwrap();
        Manifest::read(&path)
    };
    let n_genetic = manifest.counts.genetic;
    assert_eq!(read(&[(1, 0), (1, n_genetic)]).unwrap().n_added(), 2 + n_genetic);
    for additions in [&[(0, n_genetic + 1)][..], &[(70, 0)], &[(usize::MAX, 0), (2, 0)]] {
        let error = read(additions).unwrap_err().to_string();
        assert!(error.contains("more rows were added than it counts"), "{error}");
    }
}

#[test]
fn an_index_of_format_2_tells_added_rows_from_trained_ones() {
    let index = Index::open(fixtures().join("index-v2")).unwrap();
    index.verify().unwrap();
    let manifest = index.manifest();
    assert_eq!((manifest.format_version, manifest.fingerprint.as_str()), (2, FINGERPRINT));
    assert_eq!(manifest.added(Side::Chemical), 67..69);
    assert_eq!((manifest.n_added(), manifest.additions[0].by), (2, AddedBy::FoldIn));
    assert_eq!(manifest.additions[0].base, "db1c4bf11c65de39");
    assert_eq!(index.record(67).unwrap().name(), "NEW0");
    let ask =
        |name| index.search(&Query { scope: Scope::All, k: 100, ..Query::new(name) }).unwrap();
    let is_added = |hit: &&phenocopy::search::Hit| hit.flags.contains(&Flag::FoldedInHit);
    // Rows as references: an added row is judged as a hit.
    let trained = ask("C5");
    assert!(trained.hits.iter().all(|hit| hit.significance.is_some()));
    assert_eq!(trained.hits.iter().filter(is_added).count(), 2);
    // Profiles as references: not.
    let added = ask("NEW0");
    assert!(added.flags.contains(&Flag::FoldedInQuery));
    assert!(added.hits.iter().all(|hit| hit.significance.is_none() == is_added(&hit)));
    assert_eq!(added.hits[0].support.map(|support| support.measured), Some(2));
}
