//! One search by each way, for the planner's cross-over: `cargo bench --bench search`.
//!
//! Graph against exact scan at growing sizes, alone and in batches, and opening a stored graph.
//! Vectors are drawn as in `benches/ann.rs`, where recall is measured.
#![allow(clippy::unwrap_used)]

mod mixture;

use divan::Bencher;
use divan::counter::ItemsCount;
use phenocopy::embedding::{RowSet, scan, scan_batch};
use phenocopy::index::vector::{FlatGraph, GraphParameters, WalkParameters, WalkScratch};

const SIZES: [usize; 5] = [1_000, 2_000, 3_000, 5_000, 10_000];
const N_QUERIES: usize = 64;
/// Recall@10 of about .99 on these vectors.
const PARAMETERS: WalkParameters = WalkParameters { k: 10, ef: 48 };

fn main() {
    divan::main();
}

/// Vectors to search and vectors to search with.
fn vectors<const DIM: usize>(n_rows: usize) -> (Vec<f32>, Vec<f32>) {
    (mixture::draw(n_rows, DIM, 1), mixture::draw(N_QUERIES, DIM, 2))
}

#[divan::bench(args = SIZES, consts = [128, 320])]
fn graph<const DIM: usize>(bencher: Bencher, n_rows: usize) {
    let (vectors, queries) = vectors::<DIM>(n_rows);
    let graph = FlatGraph::build(&vectors, DIM, &GraphParameters::default()).unwrap();
    let mut scratch = WalkScratch::default();
    bencher.counter(ItemsCount::new(N_QUERIES)).bench_local(|| {
        for query in queries.chunks(DIM) {
            divan::black_box(graph.search(&vectors, query, &PARAMETERS, None, &mut scratch))
                .unwrap();
        }
    });
}

/// What a scratch of one's own for every search would cost.
#[divan::bench(args = SIZES)]
fn graph_new_scratch(bencher: Bencher, n_rows: usize) {
    let (vectors, queries) = vectors::<128>(n_rows);
    let graph = FlatGraph::build(&vectors, 128, &GraphParameters::default()).unwrap();
    bencher.counter(ItemsCount::new(N_QUERIES)).bench_local(|| {
        for query in queries.chunks(128) {
            let mut scratch = WalkScratch::default();
            divan::black_box(graph.search(&vectors, query, &PARAMETERS, None, &mut scratch))
                .unwrap();
        }
    });
}

#[divan::bench(args = SIZES, consts = [128, 320])]
fn exact<const DIM: usize>(bencher: Bencher, n_rows: usize) {
    let (vectors, queries) = vectors::<DIM>(n_rows);
    bencher.counter(ItemsCount::new(N_QUERIES)).bench_local(|| {
        for query in queries.chunks(DIM) {
            divan::black_box(scan(&vectors, DIM, query, None, PARAMETERS.k));
        }
    });
}

#[divan::bench(args = SIZES)]
fn exact_batch(bencher: Bencher, n_rows: usize) {
    let (vectors, queries) = vectors::<128>(n_rows);
    bencher
        .counter(ItemsCount::new(N_QUERIES))
        .bench_local(|| divan::black_box(scan_batch(&vectors, 128, &queries, None, PARAMETERS.k)));
}

/// One row in a hundred is allowed.
#[divan::bench(args = SIZES)]
fn exact_filtered(bencher: Bencher, n_rows: usize) {
    let (vectors, queries) = vectors::<128>(n_rows);
    let mut allowed = RowSet::new(n_rows);
    (0..n_rows as u32).step_by(100).for_each(|row| {
        allowed.insert(row);
    });
    bencher.counter(ItemsCount::new(N_QUERIES)).bench_local(|| {
        for query in queries.chunks(128) {
            divan::black_box(scan(&vectors, 128, query, Some(&allowed), PARAMETERS.k));
        }
    });
}

#[divan::bench]
fn open(bencher: Bencher) {
    let (vectors, _) = vectors::<128>(5_000);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("graph.bin");
    FlatGraph::build(&vectors, 128, &GraphParameters::default()).unwrap().save(&path).unwrap();
    bencher.bench_local(|| FlatGraph::open(&path).unwrap());
}
