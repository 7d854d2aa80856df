//! `tests/fixtures/index-v1-calibrated`: format 1 since there are statistics.
//!
//! 67 compounds act on three of 13 genes each, the first most strongly: enough known pairs for a probability. Two were
//! measured in both assays. Names are short, as the fixture is to stay small.

use std::fs;
use std::path::{Path, PathBuf};

use phenocopy::Error;
use phenocopy::calibrate::{Activity, ClassKind};
use phenocopy::embedding::{Centring, Embeddings, FoldIn, MemberPlacement, Placement, Reliability};
use phenocopy::experiment::{Annotation, Moa, Perturbation, PerturbationType, Target};
use phenocopy::index::vector::GraphParameters;
use phenocopy::index::{
    Index, IndexBuilder, MeasuredActivity, PlacedProfiles, Provenance, Record, StoredPlacement,
};
use phenocopy::search::{
    Answer, Correction, Flag, Hit, MOST_MECHANISMS, ProfileUnits, Query, Scope, Signature,
    SignatureQuery,
};
use tempfile::TempDir;

use super::copy;

const CONTEXTS: [&str; 2] = ["one", "two"];
const DIM: usize = 13;
const N_COMPOUNDS: usize = 67;
const N_GENES: usize = 13;
const N_REPEATED: usize = 2;
const N_READOUTS: usize = 20;
const FINGERPRINT: &str = "db1c4bf11c65de39";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/index-v1-calibrated")
}

/// A number between −1 and 1 that looks random.
fn number(i: usize) -> f32 {
    let mixed = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed >> 41) as f32 / (1 << 22) as f32 - 1.0
}

/// The genes that a compound acts on, the most strongly first.
fn targets(compound: usize) -> [usize; 3] {
    [0, 1, 2].map(|offset| (compound + offset) % N_GENES)
}

fn gene(position: usize) -> String {
    format!("G{position}")
}

/// A gene lies along an axis of its own, a compound along those of its targets.
fn vector(row: usize, disturbance: usize) -> Vec<f32> {
    let mut vector: Vec<f32> =
        (0..DIM).map(|i| 0.4 * number((row * 3 + disturbance) * DIM + i)).collect();
    if row < N_COMPOUNDS {
        let strengths = [1.0, 0.5, 0.3];
        targets(row).iter().zip(strengths).for_each(|(gene, strength)| vector[*gene] += strength);
    } else {
        vector[row - N_COMPOUNDS] += 1.2;
    }
    vector
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|value| *value /= length);
    vector
}

fn record(row: usize) -> Record {
    if row >= N_COMPOUNDS {
        let gene = gene(row - N_COMPOUNDS);
        return Record {
            annotation: Annotation { name: gene.clone(), ..Annotation::default() },
            perturbation: Perturbation::new(PerturbationType::CrisprKnockout, gene),
            targeted_by: Vec::new(),
            contexts: vec![CONTEXTS[1].to_owned()],
        };
    }
    let name = format!("C{row}");
    let annotation = Annotation {
        name: name.clone(),
        targets: targets(row).map(gene).map(Target).to_vec(),
        moas: vec![Moa(format!("MOA{}", targets(row)[0]))],
        ..Annotation::default()
    };
    let n_contexts = if row < N_REPEATED { 2 } else { 1 };
    Record {
        perturbation: Perturbation::new(PerturbationType::Compound, name),
        annotation,
        targeted_by: Vec::new(),
        contexts: CONTEXTS[..n_contexts].iter().map(|name| (*name).to_owned()).collect(),
    }
}

/// Each compound's profiles in the first assay or both.
fn profiles() -> PlacedProfiles {
    let mut profiles = PlacedProfiles::default();
    for row in 0..N_COMPOUNDS {
        for context in 0..record(row).contexts.len() {
            profiles.owners.push(row as u32);
            profiles.vectors.extend(unit(vector(row, 1 + context)));
        }
    }
    profiles
}

fn measured() -> MeasuredActivity {
    let rows = 0..N_COMPOUNDS + N_GENES;
    let shuffled = |seed: usize| {
        let profile = |i: usize| unit((0..DIM).map(|k| number((seed + i) * DIM + k)).collect());
        let vectors = (0..40).flat_map(profile).collect();
        PlacedProfiles { vectors, ..PlacedProfiles::default() }
    };
    let activity = Activity {
        strength: rows.clone().map(|row| 2.0 + 1.5 * number(row)).collect(),
        agreement: rows.map(|row| if row < N_REPEATED { 0.6 } else { f32::NAN }).collect(),
        thresholds: vec![0.5, 0.25],
        ..Activity::default()
    };
    MeasuredActivity {
        profiles: profiles(),
        controls: shuffled(1000),
        without_effect: shuffled(2000),
        activity: Some(activity),
    }
}

#[test]
#[ignore = "writes the fixture; see the head of the module above"]
fn regenerate() {
    let rows = 0..N_COMPOUNDS + N_GENES;
    let vectors = rows.clone().flat_map(|row| vector(row, 0)).collect();
    let provenance = Provenance {
        contexts: CONTEXTS.map(str::to_owned).to_vec(),
        notes: vec!["written once for the tests".to_owned()],
        ..Provenance::default()
    };
    let embeddings = Embeddings::from_rows(vectors, DIM).unwrap();
    IndexBuilder::new("golden-calibrated", embeddings, rows.map(record).collect())
        .unwrap()
        .placement(Some(placement()))
        .activity(measured())
        .graph(GraphParameters { max_neighbours: 4, ..GraphParameters::default() })
        .provenance(provenance)
        .write(&folder())
        .unwrap();
}

/// Places profiles of as many readouts as a signature needs by made-up weights.
fn placement() -> StoredPlacement {
    let weights = (0..N_READOUTS * DIM).map(|i| number(90_000 + i)).collect();
    let scales = (0..2 * DIM).map(|i| 1.0 + 0.2 * number(95_000 + i)).collect();
    let fold_in = FoldIn::new(weights, scales, vec![0.1, -0.1], DIM).unwrap();
    let map = |scale: f32| {
        let rows: Vec<f32> =
            (0..DIM * DIM).map(|i| if i % (DIM + 1) == 0 { scale } else { 0.0 }).collect();
        Reliability::from_rows(&rows, DIM, N_REPEATED).unwrap()
    };
    let means = vec![0.0; 2 * DIM];
    let member = MemberPlacement::from_parts(fold_in, means, map(0.8), map(0.9)).unwrap();
    let centring = Centring::from_means(DIM, vec![0.01; DIM], vec![-0.01; DIM]).unwrap();
    StoredPlacement {
        placement: Placement::new(vec![member], centring).unwrap(),
        readouts: (0..N_READOUTS).map(readout).collect(),
        contexts: CONTEXTS.map(str::to_owned).to_vec(),
        removed_means: vec![Vec::new(); 2],
    }
}

fn readout(position: usize) -> String {
    format!("READOUT{position}")
}

fn index() -> Index {
    Index::open(folder()).unwrap()
}

fn ask(name: &str, correction: Correction) -> Query {
    Query { k: 3, correction, ..Query::new(name) }
}

fn search(name: &str) -> Answer {
    index().search(&ask(name, Correction::Query)).unwrap()
}

/// Symbol, similarity, z, tau, p, q and probability; NaN where none is told.
type Worth = (String, [f64; 6]);

fn worths(answer: &Answer) -> Vec<Worth> {
    let worth = |hit: &Hit| {
        let w = hit.significance.unwrap();
        let (tau, probability) = (w.tau.unwrap(), w.probability.unwrap_or(f64::NAN));
        let similarity = f64::from(hit.similarity);
        let numbers = [similarity, w.z, tau, w.p_value, w.q_value, probability];
        (hit.record.perturbation.symbol(), numbers)
    };
    answer.hits.iter().map(worth).collect()
}

fn assert_worths(answer: &Answer, expected: &[(&str, [f64; 6])]) {
    let found = worths(answer);
    assert_eq!(found.len(), expected.len());
    for ((symbol, numbers), (expected, expected_numbers)) in found.iter().zip(expected) {
        assert_eq!(symbol, expected, "{found:?}");
        assert_close(numbers, expected_numbers);
    }
}

/// Within a millionth, of numbers above 1 in proportion.
fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    let is_close = |(found, expected): (&f64, &f64)| {
        let is_missing = found.is_nan() && expected.is_nan();
        is_missing || (found - expected).abs() <= 1e-6 * expected.abs().max(1.0)
    };
    assert!(found.iter().zip(expected).all(is_close), "{found:?} {expected:?}");
}

fn signature() -> SignatureQuery {
    let values = (0..N_READOUTS).map(|i| (readout(i), 3.0 * number(90_000 + i * DIM + 4)));
    SignatureQuery {
        context: Some(CONTEXTS[0].to_owned()),
        units: ProfileUnits::Normalised,
        k: 3,
        ..SignatureQuery::new(Signature { name: "mine".to_owned(), values: values.collect() })
    }
}

#[test]
fn the_calibrated_index_opens_and_verifies() {
    let index = index();
    index.verify().unwrap();
    let manifest = index.manifest();
    assert_eq!((manifest.format_version, manifest.name.as_str()), (1, "golden-calibrated"));
    assert_eq!(manifest.fingerprint, FINGERPRINT);
    assert_eq!(index.n_rows(), N_COMPOUNDS + N_GENES);
    let calibration = manifest.calibration.as_ref().unwrap();
    assert_eq!((calibration.strata.len(), calibration.n_classes), (6, 2 * N_GENES));
    assert!(calibration.honesty.iter().all(|honesty| honesty.controls.total == 40));
}

#[test]
fn its_hits_are_worth_what_they_always_were() {
    let genes = [
        (
            "CRISPR-KO_G3",
            [0.656_640_6, 3.356_448_7, 98.484_848_5, 0.001_490_3, 0.019_374_1, 0.983_050_8],
        ),
        (
            "CRISPR-KO_G1",
            [0.422_147_6, 1.768_251_2, 86.363_636_4, 0.038_509_5, 0.093_246_7, 0.612_903_2],
        ),
        (
            "CRISPR-KO_G9",
            [0.365_659_3, 2.036_784_7, 80.303_030_3, 0.020_835_8, 0.090_288_5, 0.692_307_7],
        ),
    ];
    assert_worths(&search("C1"), &genes);
    let scope = Scope::Chemical;
    let compounds = Query { scope, ..ask("C1", Correction::Query) };
    let expected = [
        ("C14", [0.708_436_7, 2.501_879_3, 96.923_076_9, 0.006_176_8, 0.101_917_2, f64::NAN]),
        ("C66", [0.689_478_8, 2.986_626_9, 95.384_615_4, 0.001_410_4, 0.046_542_2, f64::NAN]),
        ("C40", [0.687_000_1, 2.550_538, 98.461_538_5, 0.005_377_8, 0.101_917_2, f64::NAN]),
    ];
    assert_worths(&index().search(&compounds).unwrap(), &expected);
}

#[test]
fn its_q_values_are_corrected_over_a_batch_as_they_were() {
    let queries = ["C1", "C40"].map(|name| ask(name, Correction::Batch));
    let answers: Vec<Answer> =
        index().search_batch(&queries).into_iter().map(Result::unwrap).collect();
    let expected = [
        (
            "CRISPR-KO_G3",
            [0.656_640_6, 3.356_448_7, 98.484_848_5, 0.001_490_3, 0.019_406_3, 0.983_050_8],
        ),
        (
            "CRISPR-KO_G1",
            [0.422_147_6, 1.768_251_2, 86.363_636_4, 0.038_509_5, 0.124_374_4, 0.612_903_2],
        ),
        (
            "CRISPR-KO_G9",
            [0.365_659_3, 2.036_784_7, 80.303_030_3, 0.020_835_8, 0.112_933_3, 0.692_307_7],
        ),
    ];
    assert_worths(&answers[0], &expected);
    let expected = [
        (
            "CRISPR-KO_G2",
            [0.643_440_2, 3.388_514_1, 96.969_697, 0.001_490_3, 0.019_406_3, 0.983_050_8],
        ),
        (
            "CRISPR-KO_G3",
            [0.392_176_7, 1.999_608_3, 77.272_727_3, 0.022_771_3, 0.112_933_3, 0.692_307_7],
        ),
        (
            "CRISPR-KO_G5",
            [0.375_022_3, 1.942_224_9, 86.363_636_4, 0.026_054_9, 0.112_933_3, 0.612_903_2],
        ),
    ];
    assert_worths(&answers[1], &expected);
}

#[test]
fn its_mechanisms_are_those_they_were() {
    let expected = [
        (ClassKind::Moa, "MOA1", 5, true, [3.566_185_7, 0.000_678, 0.008_813_6, 3.556_993_9]),
        (ClassKind::Target, "G3", 15, true, [3.235_884_5, 0.000_678, 0.008_813_6, 3.556_993_9]),
        (ClassKind::Target, "G2", 16, true, [2.815_515_8, 0.002_435, 0.018_677, 3.556_993_9]),
    ];
    let answer = search("C40");
    for (found, (kind, name, n_members, is_known, numbers)) in
        answer.mechanisms.iter().zip(expected)
    {
        assert_eq!((found.kind, found.name.as_str()), (kind, name));
        assert_eq!((found.n_members, found.is_known), (n_members, is_known));
        assert_close(&[found.z, found.p_value, found.q_value, found.members[0].1], &numbers);
    }
    assert_eq!(answer.mechanisms.len(), MOST_MECHANISMS);
    assert_eq!(answer.mechanisms[0].members[0].0, "C14");
}

#[test]
fn its_activities_support_and_flags_are_those_they_were() {
    let answer = search("C1");
    let activity = answer.activity.unwrap();
    let numbers = [activity.percentile, activity.strength, activity.agreement.unwrap()];
    assert_close(&numbers.map(f64::from), &[38.805_969_2, 1.767_926_3, 0.6]);
    let support = |hit: &Hit| hit.support.map(|support| (support.agreeing, support.measured));
    let supports: Vec<_> = answer.hits.iter().map(support).collect();
    assert_eq!(supports, [Some((1, 2)), Some((1, 2)), Some((0, 2))]);
    let percentiles: Vec<f64> =
        answer.hits.iter().map(|hit| f64::from(hit.activity.unwrap())).collect();
    assert_close(&percentiles, &[69.230_766_3, 76.923_080_4, 46.153_846_7]);
    // Of 13 genes a null would have too few references.
    let gene = search("G5");
    assert!(gene.hits.iter().all(|hit| hit.significance.is_none()));
    assert!(gene.hits.iter().all(|hit| hit.flags.ends_with(&[Flag::Uncalibrated])));
    assert_eq!(search("C29").flags, [Flag::InactiveQuery]);
}

#[test]
fn a_signature_folded_into_it_finds_what_it_did() {
    let answer = index().search_signature(&signature()).unwrap();
    let expected = [
        (
            "CRISPR-KO_G4",
            [0.661_678_7, 2.229_760_5, 98.507_462_7, 0.012_881_7, 0.167_461_8, 0.969_697],
        ),
        (
            "CRISPR-KO_G1",
            [0.236_790_6, 0.815_395_2, 62.686_567_2, 0.207_423_1, 0.947_645, 0.228_571_4],
        ),
        ("CRISPR-KO_G8", [0.078_101_1, 0.191_309_4, 23.880_597, 0.424_141_6, 0.947_645, 0.125]),
    ];
    assert_worths(&answer, &expected);
    assert_eq!(answer.mechanisms[0].name, "MOA4");
}

#[test]
fn calibration_of_a_newer_format_is_refused() {
    let (_home, path) = changed(|bytes| bytes[8] += 1);
    assert!(matches!(Index::open(&path), Err(Error::NewerFormat { received: 2, .. })));
}

#[test]
fn damaged_calibration_is_refused_by_its_name() {
    for at in [100, 1_000, 50_000, 105_000] {
        let (_home, path) = changed(|bytes| bytes[at] ^= 0x10);
        let error = Index::open(&path).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{at}: {error:?}");
        let message = error.to_string();
        assert!(message.contains("calibration.bin") && message.contains("rebuild"), "{message}");
    }
}

/// A copy of the index whose `calibration.bin` was changed.
fn changed(change: impl Fn(&mut [u8])) -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("index");
    copy(&folder(), &path);
    Index::open(&path).unwrap();
    let file = path.join("calibration.bin");
    let mut bytes = fs::read(&file).unwrap();
    change(&mut bytes);
    fs::write(&file, bytes).unwrap();
    (home, path)
}
