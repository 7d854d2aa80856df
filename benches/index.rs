//! The index folder: compiling it, opening it, searching it by name: `cargo bench --bench index`.
//!
//! Without the network and without the ready index it generates a folder of 10,000 genes and 1,000
//! compounds that ask for them. The figures of the README take the vectors of `make_vectors.py
//! 100000 128 7 DIR/` and keep the folder for the next run (its first build takes four CPU minutes):
//! `PHENOCOPY_VECTORS=DIR/vectors.f32 PHENOCOPY_QUERIES=DIR/queries.f32
//! PHENOCOPY_BENCH_INDEX=DIR/index cargo bench --bench index`.
#![allow(clippy::unwrap_used)]

mod mixture;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use divan::Bencher;
use phenocopy::embedding::Embeddings;
use phenocopy::experiment::{Annotation, Moa, Perturbation, PerturbationType, Side};
use phenocopy::index::{Filter, Index, IndexBuilder, Record};
use phenocopy::search::{Query, Via};

const DIM: usize = 128;
const N_GENES: usize = 10_000;
const N_COMPOUNDS: usize = 1_000;
/// Each mechanism is that of one gene in a hundred.
const N_MECHANISMS: usize = 100;
const VIAS: [Via; 2] = [Via::Scan, Via::Graph];

fn main() {
    divan::main();
}

fn record(kind: PerturbationType, number: usize) -> Record {
    let agent = match kind.side() {
        Side::Chemical => format!("compound-{number}"),
        Side::Genetic => format!("GENE{number}"),
    };
    let annotation = Annotation {
        name: agent.clone(),
        synonyms: vec![format!("alias {agent}")],
        moas: vec![Moa(format!("mechanism{} inhibitor", number % N_MECHANISMS))],
        description: "a generated perturbation".to_owned(),
        ..Annotation::default()
    };
    Record {
        perturbation: Perturbation::new(kind, agent),
        annotation,
        targeted_by: Vec::new(),
        contexts: vec!["bench".to_owned()],
    }
}

/// Compounds first, then the genes they search.
fn builder(compounds: Vec<f32>, genes: &[f32]) -> IndexBuilder<'static> {
    let n_compounds = compounds.len() / DIM;
    let chemical = (0..n_compounds).map(|i| record(PerturbationType::Compound, i));
    let genetic = (0..genes.len() / DIM).map(|i| record(PerturbationType::CrisprKnockout, i));
    let records = chemical.chain(genetic).collect();
    let mut values = compounds;
    values.extend_from_slice(genes);
    let embeddings = Embeddings::from_rows(values, DIM).unwrap();
    IndexBuilder::new("bench", embeddings, records).unwrap()
}

fn vectors(variable: &str, n_rows: usize, seed: u64) -> Vec<f32> {
    match std::env::var(variable) {
        Ok(path) => bytemuck::pod_collect_to_vec(&std::fs::read(path).unwrap()),
        Err(_) => mixture::draw(n_rows, DIM, seed),
    }
}

/// Written anew by each run, unless a folder to keep was named and is there.
static GENERATED: LazyLock<PathBuf> = LazyLock::new(|| {
    let kept = std::env::var_os("PHENOCOPY_BENCH_INDEX").map(PathBuf::from);
    if let Some(kept) = kept.as_ref().filter(|kept| kept.join("manifest.json").exists()) {
        return kept.clone();
    }
    let path = kept.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-index"));
    let genes = vectors("PHENOCOPY_VECTORS", N_GENES, 1);
    let compounds = vectors("PHENOCOPY_QUERIES", N_COMPOUNDS, 2);
    builder(compounds, &genes).write(&path).unwrap();
    path
});

/// The index that comes with the repository; the generated one where there is none.
fn ready() -> PathBuf {
    let ready = Path::new(env!("CARGO_MANIFEST_DIR")).join("index/cancer-viability");
    if ready.join("manifest.json").exists() { ready } else { GENERATED.clone() }
}

/// Searches for the compounds in turn.
fn search(bencher: Bencher<'_, '_>, folder: &Path, query: &Query) {
    let index = Index::open(folder).unwrap();
    let symbol = |row| index.record(row as u32).unwrap().perturbation.symbol();
    let symbols: Vec<String> = index.range(Side::Chemical).take(1_000).map(symbol).collect();
    let mut names = symbols.iter().cycle();
    bencher
        .with_inputs(|| Query { name: names.next().unwrap().clone(), ..query.clone() })
        .bench_local_refs(|query| index.search(query).unwrap());
}

#[divan::bench(args = [500, 2_000], sample_count = 5, sample_size = 1)]
fn compile(bencher: Bencher<'_, '_>, n_rows: usize) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("index");
    let (compounds, genes) = (mixture::draw(n_rows / 2, DIM, 2), mixture::draw(n_rows / 2, DIM, 1));
    bencher
        .with_inputs(|| builder(compounds.clone(), &genes))
        .bench_local_values(|builder| builder.write(&path).unwrap());
}

#[divan::bench(sample_size = 1)]
fn open_generated() -> Index {
    Index::open(&*GENERATED).unwrap()
}

#[divan::bench(sample_size = 1)]
fn open_ready() -> Index {
    Index::open(ready()).unwrap()
}

#[divan::bench(args = VIAS, sample_count = 1_000, sample_size = 1)]
fn search_generated(bencher: Bencher<'_, '_>, via: Via) {
    search(bencher, &GENERATED, &Query { via, ..Query::new("") });
}

#[divan::bench(args = VIAS, sample_count = 1_000, sample_size = 1)]
fn search_ready(bencher: Bencher<'_, '_>, via: Via) {
    search(bencher, &ready(), &Query { via, ..Query::new("") });
}

#[divan::bench(args = VIAS, sample_count = 1_000, sample_size = 1)]
fn search_one_in_a_hundred(bencher: Bencher<'_, '_>, via: Via) {
    let filter = Filter { moas: vec!["mechanism7 inhibitor".to_owned()], ..Filter::default() };
    search(bencher, &GENERATED, &Query { via, filter, ..Query::new("") });
}
