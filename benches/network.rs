//! All pairs of 20,000 genes: `cargo bench --bench network`.
//!
//! It generates an index of vectors of 640 numbers (as the ready one's; kept for the next run, whose peak of
//! memory is that of the pairs alone) and says how long all its pairs take, as TSV.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod memory;
mod mixture;

use std::path::{Path, PathBuf};
use std::time::Instant;

use phenocopy::embedding::Embeddings;
use phenocopy::experiment::{Annotation, Perturbation, PerturbationType};
use phenocopy::index::vector::GraphParameters;
use phenocopy::index::{Index, IndexBuilder, Record};
use phenocopy::network::NetworkQuery;

const DIM: usize = 640;
const N_GENES: usize = 20_000;

fn record(gene: usize) -> Record {
    let name = format!("GENE{gene}");
    let annotation = Annotation { name: name.clone(), ..Annotation::default() };
    Record {
        perturbation: Perturbation::new(PerturbationType::CrisprKnockout, name),
        annotation,
        targeted_by: Vec::new(),
        contexts: vec!["bench".to_owned()],
    }
}

fn generated() -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("network-index");
    if Index::open(&path).is_ok() {
        return path;
    }
    let embeddings = Embeddings::from_rows(mixture::draw(N_GENES, DIM, 1), DIM).unwrap();
    let graph = GraphParameters { ef_construction: 40, ..GraphParameters::default() };
    let builder = IndexBuilder::new("network", embeddings, (0..N_GENES).map(record).collect());
    builder.unwrap().graph(graph).write(&path).unwrap();
    path
}

fn main() {
    let index = Index::open(generated()).unwrap();
    println!("pairs\tedges\tseconds\tpeak_MiB");
    let started = Instant::now();
    let network = index.network(&NetworkQuery::default()).unwrap();
    let seconds = started.elapsed().as_secs_f64();
    let n_pairs: u64 = network.tested.iter().map(|kind| kind.n_tested).sum();
    println!("{n_pairs}\t{}\t{seconds:.0}\t{:.0}", network.edges.len(), memory::peak());
}
