//! Recall and queries per CPU second of the flat graph beside hnsw_rs's own search.
//!
//! `cargo bench --bench ann` takes 20,000 generated vectors and about a minute. For the figures of
//! the README give it the files of `make_vectors.py 100000 128 7 DIR/` (two builds, seven CPU
//! minutes) and a folder that keeps both graphs, so that every later run takes seconds:
//! `PHENOCOPY_VECTORS=DIR/vectors.f32 PHENOCOPY_QUERIES=DIR/queries.f32 PHENOCOPY_GRAPHS=DIR
//! cargo bench --bench ann`.
//!
//! The two graphs are built apart, of the same rows in the same order with the same parameters.
//! hnsw_rs draws levels from a fixed seed, so they differ only where two distances differ in their
//! last bit; the columns of recall show how little that is. Rounds alternate between the two, and
//! the fastest of each counts. Pin the run to one core: `taskset -c 0`.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod mixture;

use std::path::{Path, PathBuf};

use cpu_time::ThreadTime;
use hnsw_rs::anndists::dist::distances::DistDot;
use hnsw_rs::api::AnnT;
use hnsw_rs::hnsw::Hnsw;
use hnsw_rs::hnswio::HnswIo;
use phenocopy::embedding::{Neighbour, scan, scan_batch};
use phenocopy::index::vector::{FlatGraph, GraphParameters, WalkParameters, WalkScratch};

const DIM: usize = 128;
const K: usize = 10;
const EFS: [usize; 8] = [10, 16, 20, 24, 28, 32, 40, 48];
const TARGET: f64 = 0.99;
const ROUNDS: usize = 9;
const HNSW_RS: &str = "hnsw_rs";

/// Graphs of the two libraries and the vectors they join.
struct Contest<'a> {
    vectors: &'a [f32],
    queries: &'a [f32],
    exact: Vec<Vec<Neighbour>>,
    flat: FlatGraph,
    hnsw_rs: Hnsw<'a, f32, DistDot>,
}

#[derive(Clone, Copy)]
struct Point {
    recall: f64,
    /// Queries per CPU second.
    speed: f64,
}

impl Contest<'_> {
    fn search_flat(&self, ef: usize, scratch: &mut WalkScratch) -> Vec<Vec<u32>> {
        let parameters = WalkParameters { k: K, ef };
        let search = |query| self.flat.search(self.vectors, query, &parameters, None, scratch);
        let found = self.queries.chunks(DIM).map(search);
        found.map(|hits| hits.unwrap().iter().map(|hit| hit.row).collect()).collect()
    }

    fn search_hnsw_rs(&self, ef: usize) -> Vec<Vec<u32>> {
        let found = self.queries.chunks(DIM).map(|query| self.hnsw_rs.search(query, K, ef));
        found.map(|hits| hits.iter().map(|hit| hit.d_id as u32).collect()).collect()
    }

    fn time(&self, search: impl FnOnce() -> Vec<Vec<u32>>) -> Point {
        let start = ThreadTime::now();
        let found = search();
        let seconds = start.elapsed().as_secs_f64();
        let pairs = self.exact.iter().zip(&found);
        let n_found: usize =
            pairs.map(|(e, f)| e.iter().filter(|hit| f.contains(&hit.row)).count()).sum();
        let n_queries = self.exact.len();
        Point { recall: n_found as f64 / (n_queries * K) as f64, speed: n_queries as f64 / seconds }
    }

    /// The fastest of a few alternating rounds at one `ef`: flat, hnsw_rs.
    fn measure(&self, ef: usize, scratch: &mut WalkScratch) -> [Point; 2] {
        let mut best = [Point { recall: 0.0, speed: 0.0 }; 2];
        for _ in 0..ROUNDS {
            let points = [
                self.time(|| self.search_flat(ef, scratch)),
                self.time(|| self.search_hnsw_rs(ef)),
            ];
            for (best, point) in best.iter_mut().zip(points) {
                *best = Point { speed: best.speed.max(point.speed), ..point };
            }
        }
        best
    }
}

fn vectors(variable: &str, n_rows: usize, seed: u64) -> Vec<f32> {
    match std::env::var(variable) {
        Ok(path) => bytemuck::pod_collect_to_vec(&std::fs::read(path).unwrap()),
        Err(_) => mixture::draw(n_rows, DIM, seed),
    }
}

/// Interpolates the speed (its logarithm, linearly in recall) at the target recall.
fn speed_at_target(points: &[Point]) -> f64 {
    let Some(after) = points.iter().position(|point| point.recall >= TARGET) else {
        return f64::NAN;
    };
    let (Some(before), after) = (points[..after].last(), points[after]) else {
        return points[after].speed;
    };
    let share = (TARGET - before.recall) / (after.recall - before.recall);
    (before.speed.ln() * (1.0 - share) + after.speed.ln() * share).exp()
}

fn flat_graph(vectors: &[f32], kept: Option<&Path>) -> FlatGraph {
    let path = kept.map(|folder| folder.join("flat-graph.bin"));
    if let Some(path) = path.as_ref().filter(|path| path.exists()) {
        return FlatGraph::open(path).unwrap();
    }
    let start = ThreadTime::now();
    let graph = FlatGraph::build(vectors, DIM, &GraphParameters::default()).unwrap();
    println!("flat graph: built in {:.1} CPU s", start.elapsed().as_secs_f64());
    if let Some(path) = path {
        graph.save(path).unwrap();
    }
    graph
}

fn build_hnsw_rs<'a>(vectors: &[f32], kept: Option<&Path>) -> Hnsw<'a, f32, DistDot> {
    let GraphParameters { max_neighbours, ef_construction } = GraphParameters::default();
    let start = ThreadTime::now();
    let hnsw = Hnsw::new(max_neighbours, vectors.len() / DIM, 16, ef_construction, DistDot {});
    vectors.chunks(DIM).enumerate().for_each(|(row, vector)| hnsw.insert_slice((vector, row)));
    println!("hnsw_rs: built in {:.1} CPU s", start.elapsed().as_secs_f64());
    if let Some(folder) = kept {
        hnsw.file_dump(folder, HNSW_RS).unwrap();
    }
    hnsw
}

fn main() {
    // `cargo test --benches` only asks whether this compiles and starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let vectors = vectors("PHENOCOPY_VECTORS", 20_000, 1);
    let queries = self::vectors("PHENOCOPY_QUERIES", 1000, 2);
    let kept = std::env::var_os("PHENOCOPY_GRAPHS").map(PathBuf::from);
    let kept = kept.as_deref();
    let mut dump = kept.map(|folder| HnswIo::new(folder, HNSW_RS));
    let is_dumped = kept.is_some_and(|folder| folder.join("hnsw_rs.hnsw.data").exists());
    let flat = flat_graph(&vectors, kept);
    let hnsw_rs = match dump.as_mut().filter(|_| is_dumped) {
        Some(dump) => dump.load_hnsw().unwrap(),
        None => build_hnsw_rs(&vectors, kept),
    };
    let exact = scan_batch(&vectors, DIM, &queries, None, K);
    compare(&Contest { vectors: &vectors, queries: &queries, exact, flat, hnsw_rs });
}

fn compare(contest: &Contest<'_>) {
    let start = ThreadTime::now();
    for query in contest.queries.chunks(DIM).take(200) {
        std::hint::black_box(scan(contest.vectors, DIM, query, None, K));
    }
    let scans = 200.0 / start.elapsed().as_secs_f64();
    println!("{} vectors; exact scan: {scans:.0} per CPU s\n", contest.vectors.len() / DIM);
    println!("{:>4} | flat graph: recall@{K}, queries per CPU s | hnsw_rs", "ef");
    let (mut points, mut scratch) = ([Vec::new(), Vec::new()], WalkScratch::default());
    for ef in EFS {
        let measured = contest.measure(ef, &mut scratch);
        let [flat, own] = measured.map(|point| format!("{:.4} {:6.0}", point.recall, point.speed));
        println!("{ef:4} | {flat} | {own}");
        points.iter_mut().zip(measured).for_each(|(points, point)| points.push(point));
    }
    let [flat, own] = points.map(|points| speed_at_target(&points));
    let ratio = flat / own;
    println!("at recall {TARGET}: {flat:.0} and {own:.0}, {ratio:.2} times as many");
}
