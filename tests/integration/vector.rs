use std::path::Path;
use std::sync::{Arc, OnceLock};

use phenocopy::Error;
use phenocopy::embedding::{Embeddings, RowSet, scan};
use phenocopy::index::file::{FORMAT_VERSION, SectionFile, SectionWriter};
use phenocopy::index::vector::{
    FlatGraph, GraphParameters, WalkParameters, WalkScratch, choose_ef,
};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

const DIM: usize = 16;

/// Unit vectors around `n_clusters` centres.
fn clustered(n_rows: usize, n_clusters: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let centres: Vec<f32> = (0..n_clusters * DIM).map(|_| rng.sample(StandardNormal)).collect();
    let mut values = Vec::with_capacity(n_rows * DIM);
    for _ in 0..n_rows {
        let cluster = rng.random_range(0..n_clusters);
        for centre in &centres[cluster * DIM..(cluster + 1) * DIM] {
            let noise: f32 = rng.sample(StandardNormal);
            values.push(centre + 0.6 * noise);
        }
    }
    Embeddings::from_rows(values, DIM).unwrap().into_values()
}

fn build(vectors: &[f32]) -> FlatGraph {
    FlatGraph::build(vectors, DIM, &GraphParameters::default()).unwrap()
}

fn rows(graph: &FlatGraph, vectors: &[f32], query: &[f32], k: usize, ef: usize) -> Vec<u32> {
    let parameters = WalkParameters { k, ef };
    let hits = graph.search(vectors, query, &parameters, None, &mut WalkScratch::default());
    hits.unwrap().iter().map(|hit| hit.row).collect()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn the_walk_finds_what_the_scan_finds() {
    let vectors = clustered(4_000, 40, 11);
    let queries = clustered(200, 40, 11);
    let graph = build(&vectors);
    assert!(graph.is_connected());
    let mut scratch = WalkScratch::default();
    let mut n_found = 0;
    for query in queries.chunks(DIM) {
        let exact = scan(&vectors, DIM, query, None, 10);
        let parameters = WalkParameters { k: 10, ef: 64 };
        let found = graph.search(&vectors, query, &parameters, None, &mut scratch).unwrap();
        n_found += exact.iter().filter(|hit| found.contains(hit)).count();
    }
    let recall = n_found as f64 / (200.0 * 10.0);
    assert!(recall >= 0.99, "recall@10 is {recall} with seed 11");
}

#[test]
fn a_walk_as_wide_as_the_graph_is_exact() {
    let vectors = clustered(700, 5, 3);
    let graph = build(&vectors);
    for query in clustered(20, 9, 4).chunks(DIM) {
        let exact: Vec<u32> = scan(&vectors, DIM, query, None, 700).iter().map(|h| h.row).collect();
        assert_eq!(rows(&graph, &vectors, query, 700, 700), exact);
    }
}

#[test]
fn very_small_graphs_work() {
    for n_rows in [1, 2, 3, 5, 17] {
        let vectors = clustered(n_rows, 2, 5);
        let graph = build(&vectors);
        assert!(graph.is_connected());
        let mut found = rows(&graph, &vectors, &vectors[..DIM], 50, 10);
        assert_eq!(found[0], 0);
        found.sort_unstable();
        assert!(found.into_iter().eq(0..n_rows as u32));
    }
}

#[test]
fn equal_vectors_hide_nothing() {
    let mut vectors = clustered(2, 2, 6);
    let distinct = vectors.split_off(DIM);
    vectors = vectors.repeat(1000);
    vectors.extend(&distinct);
    let graph = build(&vectors);
    assert_eq!((graph.n_rows(), graph.n_nodes()), (1001, 2));
    assert_eq!(rows(&graph, &vectors, &distinct, 1, 10), [1000]);
    assert_eq!(rows(&graph, &vectors, &vectors[..DIM], 3, 10), [0, 1, 2]);
    assert_eq!(rows(&graph, &vectors, &vectors[..DIM], 1001, 10).len(), 1001);
    let odd = RowSet::from_ranges(1001, [700..702]);
    let parameters = WalkParameters { k: 5, ef: 10 };
    let mut scratch = WalkScratch::default();
    let hits = graph.search(&vectors, &distinct, &parameters, Some(&odd), &mut scratch).unwrap();
    assert_eq!(hits.iter().map(|hit| hit.row).collect::<Vec<_>>(), [700, 701]);
}

#[test]
fn filtered_searches_return_full_k() {
    let vectors = clustered(5_000, 30, 21);
    let graph = build(&vectors);
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut scratch = WalkScratch::default();
    for percent in [1, 10, 50] {
        let mut allowed = RowSet::new(5_000);
        (0..5_000).filter(|_| rng.random_range(0..100) < percent).for_each(|row| {
            allowed.insert(row);
        });
        let (mut n_found, mut n_wanted) = (0, 0);
        for query in clustered(50, 30, 21).chunks(DIM) {
            let parameters = WalkParameters { k: 10, ef: 64 };
            let hits =
                graph.search(&vectors, query, &parameters, Some(&allowed), &mut scratch).unwrap();
            let exact = scan(&vectors, DIM, query, Some(&allowed), 10);
            assert_eq!(hits.len(), exact.len());
            assert!(hits.iter().all(|hit| allowed.contains(hit.row)));
            n_found += exact.iter().filter(|hit| hits.contains(hit)).count();
            n_wanted += exact.len();
        }
        assert!(n_found * 100 >= n_wanted * 98, "{percent} %: {n_found} of {n_wanted}");
    }
    let none = RowSet::new(5_000);
    let parameters = WalkParameters { k: 10, ef: 64 };
    let hits = graph.search(&vectors, &vectors[..DIM], &parameters, Some(&none), &mut scratch);
    assert!(hits.unwrap().is_empty());
}

#[test]
fn walk_and_scan_agree_to_the_last_bit() {
    let vectors = clustered(500, 5, 8);
    let graph = build(&vectors);
    let query = &clustered(1, 5, 9)[..];
    let parameters = WalkParameters { k: 20, ef: 500 };
    let walked =
        graph.search(&vectors, query, &parameters, None, &mut WalkScratch::default()).unwrap();
    let bits = |hits: Vec<phenocopy::embedding::Neighbour>| -> Vec<(u32, u32)> {
        hits.iter().map(|hit| (hit.row, hit.similarity.to_bits())).collect()
    };
    assert_eq!(bits(walked), bits(scan(&vectors, DIM, query, None, 20)));
}

#[test]
fn a_rebuild_gives_the_same_bytes() {
    let (folder, vectors) = (folder(), clustered(2_000, 20, 1));
    let bytes = |name: &str| {
        let path = folder.path().join(name);
        build(&vectors).save(&path).unwrap();
        std::fs::read(path).unwrap()
    };
    assert!(bytes("a.bin") == bytes("b.bin"));
}

#[test]
fn an_opened_graph_answers_as_the_built_one() {
    let (folder, mut vectors) = (folder(), clustered(1_500, 20, 1));
    let copies = vectors[..5 * DIM].to_vec();
    vectors.extend(copies);
    let built = build(&vectors);
    let path = folder.path().join("graph.bin");
    built.save(&path).unwrap();
    let opened = FlatGraph::open(&path).unwrap();
    assert_eq!((opened.n_rows(), opened.n_nodes(), opened.dim()), (1_505, 1_500, DIM));
    assert_eq!(opened.parameters(), built.parameters());
    assert_eq!(opened.n_links(), built.n_links());
    for query in clustered(30, 20, 2).chunks(DIM) {
        let answer = rows(&built, &vectors, query, 10, 20);
        assert_eq!(rows(&opened, &vectors, query, 10, 20), answer);
    }
}

#[test]
fn vectors_that_would_make_hnsw_rs_panic_are_refused() {
    let good = clustered(3, 2, 1);
    let refused = |vectors: &[f32], dim: usize| {
        FlatGraph::build(vectors, dim, &GraphParameters::default()).unwrap_err().to_string()
    };
    assert!(refused(&[], DIM).contains("0 numbers"));
    assert!(refused(&good, 0).contains("rows of 0"));
    assert!(refused(&good[1..], DIM).contains("not rows of 16"));
    for bad in [f32::NAN, f32::INFINITY, 2.0] {
        let mut vectors = good.clone();
        vectors[DIM] = bad;
        assert!(refused(&vectors, DIM).contains("row 1"));
    }
    assert!(refused(&[0.0; DIM], DIM).contains("row 0"));
}

#[test]
fn bad_queries_are_refused() {
    let vectors = clustered(10, 2, 1);
    let graph = build(&vectors);
    let parameters = WalkParameters { k: 3, ef: 10 };
    let mut scratch = WalkScratch::default();
    let nan = [f32::NAN; DIM];
    for query in [&nan[..], &vectors[..DIM - 1], &[]] {
        assert!(graph.search(&vectors, query, &parameters, None, &mut scratch).is_err());
    }
    let (query, fewer) = (&vectors[..DIM], &vectors[DIM..]);
    assert!(graph.search(fewer, query, &parameters, None, &mut scratch).is_err());
    let none = WalkParameters { k: 0, ef: 10 };
    assert!(graph.search(&vectors, query, &none, None, &mut scratch).unwrap().is_empty());
}

#[test]
fn the_progress_closure_can_stop_a_build() {
    let vectors = clustered(600, 5, 1);
    let mut heard = Vec::new();
    let mut stop = |row| {
        heard.push(row);
        let advice = "run it again".to_owned();
        if row < 256 { Ok(()) } else { Err(Error::Interrupted { advice }) }
    };
    let stopped =
        FlatGraph::build_with_progress(&vectors, DIM, &GraphParameters::default(), &mut stop);
    assert!(matches!(stopped, Err(Error::Interrupted { .. })));
    assert_eq!(heard, [0, 256]);
}

#[test]
fn the_chosen_ef_reaches_its_recall() {
    let vectors = clustered(3_000, 30, 5);
    let graph = build(&vectors);
    // From other centres: off the distribution of the graph, as compounds are among genes.
    let queries = clustered(100, 30, 99);
    let choice = choose_ef(&graph, &vectors, &queries, 0.99).unwrap();
    assert!(choice.recall >= 0.99 && choice.ef <= 3_000, "{choice:?}");
    let lax = choose_ef(&graph, &vectors, &queries, 0.5).unwrap();
    assert!(lax.ef <= choice.ef);
    assert_eq!(choose_ef(&graph, &vectors, &[], 0.99).unwrap().ef, 3_000);
}

/// A graph of 300 rows and the bytes of its file, built once.
fn saved_graph() -> &'static (Vec<f32>, Vec<u8>) {
    static SAVED: OnceLock<(Vec<f32>, Vec<u8>)> = OnceLock::new();
    SAVED.get_or_init(|| {
        let (folder, vectors) = (folder(), clustered(300, 4, 1));
        let path = folder.path().join("graph.bin");
        build(&vectors).save(&path).unwrap();
        (vectors, std::fs::read(path).unwrap())
    })
}

fn write_numbers(path: &Path) {
    let mut writer = SectionWriter::create(path, "numbers").unwrap();
    writer.section_f32("values", &[0.5, -1.0, 3.25]).unwrap();
    writer.section_u32("ids", &[7, 8]).unwrap();
    writer.section_bytes("text", b"unit").unwrap();
    writer.finish().unwrap();
}

#[test]
fn sections_come_back_as_written() {
    let folder = folder();
    let path = folder.path().join("numbers.bin");
    write_numbers(&path);
    let file = SectionFile::open(&path, "numbers").unwrap();
    assert_eq!(file.section_f32("values").unwrap(), [0.5, -1.0, 3.25]);
    assert_eq!(file.section_u32("ids").unwrap(), [7, 8]);
    assert_eq!(file.section_bytes("text").unwrap(), b"unit");
    assert_eq!(file.section_names().collect::<Vec<_>>(), ["values", "ids", "text"]);
    assert!(file.has_section("ids") && !file.has_section("idss"));
    assert!(matches!(file.section_u32("values"), Err(Error::Damaged { .. })));
    assert!(matches!(file.section_f32("none"), Err(Error::Damaged { .. })));
    let other = SectionFile::open(&path, "graph").unwrap_err().to_string();
    assert!(other.contains("it holds `numbers` where `graph` belongs"), "{other}");
}

#[test]
fn a_section_name_must_be_short_and_unique() {
    let folder = folder();
    let mut writer = SectionWriter::create(folder.path().join("x"), "numbers").unwrap();
    writer.section_u32("ids", &[1]).unwrap();
    assert!(writer.section_u32("ids", &[1]).is_err());
    assert!(writer.section_u32("a name of more than 24 bytes", &[1]).is_err());
    assert!(SectionWriter::create(folder.path().join("y"), "").is_err());
}

#[test]
fn an_unfinished_file_is_refused() {
    let folder = folder();
    let path = folder.path().join("numbers.bin");
    let mut writer = SectionWriter::create(&path, "numbers").unwrap();
    writer.section_f32("values", &[0.5; 100]).unwrap();
    drop(writer);
    assert!(matches!(SectionFile::open(&path, "numbers"), Err(Error::Damaged { .. })));
    std::fs::write(&path, b"").unwrap();
    assert!(matches!(SectionFile::open(&path, "numbers"), Err(Error::Damaged { .. })));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(SectionFile::open(&path, "numbers"), Err(Error::Io { .. })));
}

#[test]
fn a_newer_format_is_named() {
    let folder = folder();
    let path = folder.path().join("numbers.bin");
    write_numbers(&path);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[8..12].copy_from_slice(&(FORMAT_VERSION + 1).to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    let error = SectionFile::open(&path, "numbers").unwrap_err();
    assert!(matches!(error, Error::NewerFormat { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn damage_is_refused_or_harmless(cut in any::<Option<u16>>(), flips in prop::collection::vec(any::<(u16, u8)>(), 0..4)) {
        let (vectors, before) = saved_graph();
        let folder = folder();
        let path = folder.path().join("graph.bin");
        let mut bytes = before.clone();
        for (place, bit) in flips {
            let place = usize::from(place) % bytes.len();
            bytes[place] ^= 1 << (bit % 8);
        }
        if let Some(cut) = cut {
            bytes.truncate(usize::from(cut) % before.len());
        }
        let changed = bytes != *before;
        std::fs::write(&path, bytes).unwrap();
        match FlatGraph::open(&path) {
            Ok(graph) => {
                let expected = rows(&build(vectors), vectors, &vectors[..DIM], 10, 20);
                prop_assert_eq!(rows(&graph, vectors, &vectors[..DIM], 10, 20), expected);
            }
            Err(error) => {
                prop_assert!(changed);
                prop_assert!(error.to_string().contains("graph.bin"));
            }
        }
    }

    /// Beyond the size that is checked when opened, the walk itself must bear any numbers.
    #[test]
    fn edited_links_never_panic(edits in prop::collection::vec((any::<u16>(), any::<u32>()), 1..60), section in 0..4_usize) {
        let folder = folder();
        let (vectors, bytes) = saved_graph();
        let path = folder.path().join("graph.bin");
        std::fs::write(&path, bytes).unwrap();
        let source = SectionFile::open(&path, "graph").unwrap();
        let names: Vec<String> = source.section_names().collect();
        let edited = ["links", "layer 1 rows", "layer 1 below", "layer 1 links"][section];
        let copy = folder.path().join("edited.bin");
        let mut writer = SectionWriter::create(&copy, "graph").unwrap();
        for name in names {
            let mut numbers = source.section_u32(&name).unwrap().to_vec();
            if name == edited {
                for (place, value) in &edits {
                    let place = usize::from(*place) % numbers.len();
                    numbers[place] = *value;
                }
            }
            writer.section_u32(&name, &numbers).unwrap();
        }
        writer.finish().unwrap();
        let file = Arc::new(SectionFile::open(&copy, "graph").unwrap());
        let graph = FlatGraph::from_sections(&file).unwrap();
        prop_assert!(graph.n_links() > 0);
        let found = rows(&graph, vectors, &vectors[..DIM], 10, 20);
        prop_assert_eq!(found.len(), 10);
        prop_assert!(found.iter().all(|row| *row < 300));
    }
}
