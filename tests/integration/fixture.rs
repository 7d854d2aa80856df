//! A small index of planted mechanisms, made without training.

use std::path::Path;

use phenocopy::embedding::Embeddings;
use phenocopy::experiment::{Annotation, Moa, Perturbation, PerturbationType, Target};
use phenocopy::index::{IndexBuilder, Manifest, Record};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Mechanism `m` of this many consists of gene `GENEm` and compounds that act on it.
pub const MECHANISMS: usize = 60;
pub const DIM: usize = 24;

fn record(kind: PerturbationType, agent: String, mechanism: usize) -> Record {
    let is_compound = kind == PerturbationType::Compound;
    let annotation = Annotation {
        name: agent.clone(),
        synonyms: vec![format!("alias-{agent}")],
        identifiers: vec![format!("ID{agent}")],
        targets: if is_compound { vec![Target(format!("GENE{mechanism}"))] } else { vec![] },
        moas: vec![Moa(format!("GENE{mechanism} inhibitor"))],
        phase: if is_compound && mechanism == 0 { "Launched".into() } else { String::new() },
        ..Annotation::default()
    };
    let contexts = vec!["assay one".to_owned()];
    Record {
        perturbation: Perturbation::new(kind, agent),
        annotation,
        targeted_by: vec![],
        contexts,
    }
}

/// Two compounds and one gene per mechanism; a compound lies nearest to its gene.
pub fn builder(seed: u64) -> IndexBuilder<'static> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let centres: Vec<Vec<f32>> =
        (0..MECHANISMS).map(|_| (0..DIM).map(|_| rng.random_range(-1.0..1.0)).collect()).collect();
    let (mut records, mut values) = (Vec::new(), Vec::new());
    for (suffix, kind) in [("a", PerturbationType::Compound), ("b", PerturbationType::Compound)] {
        for (mechanism, centre) in centres.iter().enumerate() {
            records.push(record(kind, format!("compound-{mechanism}{suffix}"), mechanism));
            values.extend(centre.iter().map(|c| c + rng.random_range(-0.1..0.1)));
        }
    }
    for (mechanism, centre) in centres.iter().enumerate() {
        records.push(record(
            PerturbationType::CrisprKnockout,
            format!("GENE{mechanism}"),
            mechanism,
        ));
        values.extend(centre.iter().map(|c| c + rng.random_range(-0.1..0.1)));
    }
    let embeddings = Embeddings::from_rows(values, DIM).unwrap();
    IndexBuilder::new("planted", embeddings, records).unwrap()
}

pub fn write(path: &Path, seed: u64) -> Manifest {
    builder(seed).write(path).unwrap()
}
