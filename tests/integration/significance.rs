//! What hits are worth: the same by every way of finding them, in the direction that was asked for.

use std::sync::LazyLock;

use phenocopy::calibrate::LEVEL;
use phenocopy::experiment::PerturbationType;
use phenocopy::index::{Filter, Index};
use phenocopy::search::{Answer, Correction, Query, Scope, Significance, Via};
use tempfile::TempDir;

use crate::fixture;

static PLANTED: LazyLock<(TempDir, Index)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("planted");
    fixture::write(&path, 1);
    (folder, Index::open(&path).unwrap())
});

fn planted() -> &'static Index {
    &PLANTED.1
}

fn worths(index: &Index, query: &Query) -> Vec<(u32, Option<Significance>)> {
    let hits = index.search(query).unwrap().hits;
    hits.into_iter().map(|hit| (hit.row, hit.significance)).collect()
}

#[test]
fn the_graph_and_the_scan_give_a_hit_the_same_worth() {
    let index = planted();
    for name in ["compound-3a", "GENE7", "compound-11b"] {
        let query = |via| Query { via, k: 20, scope: Scope::All, ..Query::new(name) };
        let (scan, graph) = (worths(index, &query(Via::Scan)), worths(index, &query(Via::Graph)));
        for hit in &graph {
            assert!(scan.contains(hit), "{name}: {hit:?}");
        }
    }
}

#[test]
fn a_batch_gives_each_query_the_answer_that_it_gets_alone() {
    let index = planted();
    let names = ["compound-3a", "GENE7", "compound-0b", "nobody", "compound-58a"];
    let queries: Vec<Query> = names.iter().map(|name| Query::new(*name)).collect();
    for (query, answer) in queries.iter().zip(index.search_batch(&queries)) {
        match answer {
            Ok(answer) => {
                let alone = index.search(query).unwrap();
                assert_eq!(answer.hits, alone.hits);
                assert_eq!(answer.mechanisms, alone.mechanisms);
            }
            Err(_) => assert_eq!(query.name, "nobody"),
        }
    }
}

#[test]
fn worth_is_told_for_the_panel_that_was_asked() {
    let index = planted();
    let hit = |query: &Query| index.search(query).unwrap().hits[0].significance.unwrap();
    let all = hit(&Query::new("compound-3a"));
    let filter = Filter { targets: vec!["GENE3".into(), "GENE4".into()], ..Filter::default() };
    let few = hit(&Query { filter, ..Query::new("compound-3a") });
    // The score does not depend on the panel; how many such hits chance would give does.
    assert!(all.z.to_bits() == few.z.to_bits() && all.p_value.to_bits() == few.p_value.to_bits());
    assert!((all.e_value - 60.0 * all.p_value).abs() < 1e-12);
    assert!((few.e_value - 2.0 * all.p_value).abs() < 1e-12);
    assert!(few.q_value <= all.q_value && all.q_value <= LEVEL, "{all:?} {few:?}");
    assert_eq!(all.tau, Some(100.0));
}

#[test]
fn without_statistics_hits_are_the_same_and_none_is_called_uncalibrated() {
    let index = planted();
    let bare = Query { correction: Correction::Skip, ..Query::new("compound-3a") };
    let (bare, full) =
        (index.search(&bare).unwrap(), index.search(&Query::new("compound-3a")).unwrap());
    let rows = |answer: &Answer| {
        answer.hits.iter().map(|hit| (hit.row, hit.similarity.to_bits())).collect::<Vec<_>>()
    };
    assert_eq!(rows(&bare), rows(&full));
    assert!(bare.hits.iter().all(|hit| hit.significance.is_none() && hit.flags.is_empty()));
}

#[test]
fn an_empty_panel_says_which_condition_emptied_it() {
    let index = planted();
    let filter = Filter {
        targets: vec!["GENE3".into()],
        types: vec![PerturbationType::Compound],
        ..Filter::default()
    };
    let answer = index.search(&Query { filter, ..Query::new("compound-3a") }).unwrap();
    assert!(answer.hits.is_empty());
    let expected = [("type trt_cp".to_owned(), 0), ("target GENE3".to_owned(), 1)];
    assert_eq!(answer.conditions, expected);
}

/// What only a trained index has: responses, and the way of profiles into it.
#[cfg(feature = "train")]
mod trained {
    use phenocopy::experiment::Side;
    use phenocopy::search::{Direction, Query, Scope, Signature, SignatureQuery};

    use crate::contexts::trained;

    #[test]
    fn opposites_are_ranked_by_their_responses_the_most_opposite_first() {
        let index = trained();
        let name = index.record(0).unwrap().perturbation.symbol();
        let n_genes = index.range(Side::Genetic).len();
        let query = |direction| Query { direction, k: n_genes, ..Query::new(name.clone()) };
        let responses = |direction| -> Vec<f32> {
            let hits = index.search(&query(direction)).unwrap().hits;
            assert!(hits.iter().all(|hit| hit.support.is_none()));
            hits.iter().map(|hit| hit.response_similarity.unwrap()).collect()
        };
        let oppose = responses(Direction::Oppose);
        assert!(oppose.is_sorted() && oppose[0] < 0.0 && oppose.len() == n_genes);
        let both = responses(Direction::Both);
        assert!(both.is_sorted_by(|a, b| a.abs() >= b.abs()));
        let hits = index.search(&query(Direction::Both)).unwrap().hits;
        for hit in hits {
            let is_opposite = hit.response_similarity.unwrap() < 0.0;
            assert_eq!(hit.direction == Direction::Oppose, is_opposite);
        }
        let worth = index.search(&query(Direction::Oppose)).unwrap().hits[0].significance;
        assert!(worth.is_none_or(|worth| worth.z < 0.0 && worth.tau.is_none()));
    }

    #[test]
    fn a_signature_finds_what_opposes_it() {
        let index = trained();
        let stored = index.placement().unwrap().unwrap();
        let value =
            |(i, name): (usize, &String)| (name.clone(), ((i * 7919) % 101) as f32 / 50.0 - 1.0);
        let values = stored.readouts.iter().enumerate().map(value).collect();
        let query = SignatureQuery {
            direction: Direction::Oppose,
            scope: Scope::Chemical,
            units: phenocopy::search::ProfileUnits::Normalised,
            ..SignatureQuery::new(Signature { name: "mine".into(), values })
        };
        let answer = index.search_signature(&query).unwrap();
        let responses: Vec<f32> =
            answer.hits.iter().map(|hit| hit.response_similarity.unwrap()).collect();
        assert!(responses.is_sorted() && responses[0] < 0.0, "{responses:?}");
        assert!(answer.hits.iter().all(|hit| hit.direction == Direction::Oppose));
        assert!(answer.activity.is_some(), "the strength of a signature is known");
        // Judged by the responses of profiles that were folded in, as it is.
        let worths: Vec<f64> =
            answer.hits.iter().map(|hit| hit.significance.unwrap().q_value).collect();
        assert!(worths.iter().all(|q| (0.0..=1.0).contains(q)), "{worths:?}");
        assert!(answer.hits[0].significance.unwrap().z < 0.0);
    }
}
