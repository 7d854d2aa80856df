//! A batch of 10,000 compounds against 30,000 genes, each hit with exact statistics: `cargo bench --bench batch`.
//!
//! It generates an index of vectors of 640 numbers (as the ready one's; a few minutes, kept for the next run) and says
//! how long its answers take as TSV, at what peak memory, and what the same takes without statistics.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod memory;
mod mixture;

use std::path::{Path, PathBuf};
use std::time::Instant;

use phenocopy::calibrate::{KnownPairs, NullModel, References};
use phenocopy::embedding::Embeddings;
use phenocopy::experiment::{Annotation, Moa, Perturbation, PerturbationType};
use phenocopy::index::vector::GraphParameters;
use phenocopy::index::{Index, IndexBuilder, MOST_REFERENCES, Record};
use phenocopy::report::{HitTsv, HitWriter, Source};
use phenocopy::search::{Correction, Query};

const DIM: usize = 640;
const N_COMPOUNDS: usize = 10_000;
const N_GENES: usize = 30_000;
const N_TARGETS_OF_NULL: usize = 100_000;
/// Queries that are answered before they are written, as the command does.
const CHUNK: usize = 256;

fn record(kind: PerturbationType, agent: String, number: usize) -> Record {
    let annotation = Annotation {
        name: agent.clone(),
        moas: vec![Moa(format!("mechanism {}", number % 200))],
        ..Annotation::default()
    };
    let contexts = vec!["bench".to_owned()];
    let perturbation = Perturbation::new(kind, agent);
    Record { perturbation, annotation, targeted_by: Vec::new(), contexts }
}

fn generated() -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("batch-index");
    if Index::open(&path).is_ok_and(|index| index.calibration().is_some()) {
        return path;
    }
    let compound = |i| record(PerturbationType::Compound, format!("compound-{i}"), i);
    let gene = |i| record(PerturbationType::CrisprKnockout, format!("GENE{i}"), i);
    let records = (0..N_COMPOUNDS).map(compound).chain((0..N_GENES).map(gene)).collect();
    let mut vectors = mixture::draw(N_COMPOUNDS, DIM, 2);
    vectors.extend(mixture::draw(N_GENES, DIM, 1));
    let embeddings = Embeddings::from_rows(vectors, DIM).unwrap();
    let graph = GraphParameters { ef_construction: 40, ..GraphParameters::default() };
    let started = Instant::now();
    IndexBuilder::new("batch", embeddings, records).unwrap().graph(graph).write(&path).unwrap();
    println!("index built in {:.0} s", started.elapsed().as_secs_f64());
    path
}

fn answer(index: &Index, correction: Correction) {
    let names = (0..N_COMPOUNDS).map(|i| format!("compound-{i}"));
    let queries: Vec<Query> = names.map(|name| Query { correction, ..Query::new(name) }).collect();
    let source = Source {
        index: "batch".to_owned(),
        fingerprint: index.manifest().fingerprint.clone(),
        command: "bench".to_owned(),
        ..Source::default()
    };
    let mut writer = HitTsv::new(std::io::sink(), source);
    let started = Instant::now();
    let chunk = if correction == Correction::Batch { queries.len() } else { CHUNK };
    for chunk in queries.chunks(chunk) {
        for found in index.search_batch(chunk) {
            writer.answer(&found.unwrap()).unwrap();
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let memory = memory::peak();
    println!(
        "{N_COMPOUNDS} queries × {N_GENES} targets, {correction:?}: {seconds:.1} s, peak {memory:.0} MiB"
    );
}

/// Learns the null of 100,000 targets from as many references as an index takes.
fn fit_null() {
    let vectors = mixture::draw(MOST_REFERENCES, DIM, 4);
    let targets = mixture::draw(N_TARGETS_OF_NULL, DIM, 3);
    let known = KnownPairs::default();
    let references = References { vectors: &vectors, targets: &targets, dim: DIM, known: &known };
    let started = Instant::now();
    NullModel::fit(MOST_REFERENCES, N_TARGETS_OF_NULL, |r, t| references.similarities(r, t))
        .unwrap();
    let (seconds, memory) = (started.elapsed().as_secs_f64(), memory::peak());
    let own = (targets.len() + vectors.len()) as f64 * 4.0 / f64::from(1 << 20);
    println!(
        "null of {N_TARGETS_OF_NULL} targets × {MOST_REFERENCES} references: {seconds:.1} s, peak {memory:.0} MiB, vectors of {own:.0} among them"
    );
}

fn main() {
    let started = Instant::now();
    fit_null();
    let path = generated();
    let opening = Instant::now();
    let index = Index::open(path).unwrap();
    println!("opened in {:.0} ms", opening.elapsed().as_secs_f64() * 1e3);
    for correction in [Correction::Query, Correction::Batch, Correction::Skip] {
        answer(&index, correction);
    }
    println!("all in {:.0} s", started.elapsed().as_secs_f64());
}
