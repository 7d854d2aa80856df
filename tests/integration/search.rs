use std::sync::LazyLock;

use phenocopy::Error;
use phenocopy::experiment::PerturbationType;
use phenocopy::index::{Filter, Index};
use phenocopy::search::{Answer, Engine, Query, Scope, Via};
use tempfile::TempDir;

use crate::fixture;

static PLANTED: LazyLock<(TempDir, Index)> = LazyLock::new(|| {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("index");
    fixture::write(&path, 7);
    let index = Index::open(path).unwrap();
    (home, index)
});

fn search(query: &Query) -> Answer {
    PLANTED.1.search(query).unwrap()
}

fn names(answer: &Answer) -> Vec<String> {
    answer.hits.iter().map(|hit| hit.record.perturbation.symbol()).collect()
}

#[test]
fn a_compound_finds_its_gene_and_a_gene_its_compounds() {
    let answer = search(&Query::new("compound-3a"));
    assert_eq!(answer.hits[0].record.gene(), Some("GENE3"));
    assert!(answer.hits[0].is_known && !answer.hits[1].is_known);
    assert_eq!(answer.n_panel, fixture::MECHANISMS);
    let mut compounds = names(&search(&Query { k: 2, ..Query::new("GENE3") }));
    compounds.sort();
    assert_eq!(compounds, ["compound-3a", "compound-3b"]);
}

#[test]
fn any_name_synonym_identifier_or_symbol_finds_the_same_row() {
    let expected = names(&search(&Query::new("GENE5")));
    for name in ["gene5", " CRISPR-KO_GENE5", "alias-GENE5", "Alias GENE5", "IDGENE5", "gene-5"] {
        assert_eq!(names(&search(&Query::new(name))), expected, "{name}");
    }
}

#[test]
fn the_scope_says_which_sides_are_searched_and_the_query_is_never_its_own_hit() {
    let of = |scope| search(&Query { scope, k: 1000, ..Query::new("compound-0a") });
    assert_eq!(of(Scope::Across).hits.len(), 60);
    assert_eq!(of(Scope::Genetic).hits.len(), 60);
    assert_eq!(of(Scope::Chemical).hits.len(), 119);
    let all = of(Scope::All);
    assert_eq!(all.hits.len(), 179);
    assert!(!names(&all).contains(&"compound-0a".to_owned()));
    let similarities: Vec<f32> = all.hits.iter().map(|hit| hit.similarity).collect();
    assert!(similarities.is_sorted_by(|a, b| a >= b));
    assert!(all.hits.iter().enumerate().all(|(i, hit)| hit.rank == i + 1));
}

#[test]
fn graph_and_scan_agree_and_say_which_they_are() {
    for name in ["compound-1a", "compound-17b", "GENE40"] {
        let by = |via| search(&Query { via, scope: Scope::All, k: 15, ..Query::new(name) });
        let (graph, scan) = (by(Via::Graph), by(Via::Scan));
        assert_eq!((graph.engine, scan.engine), (Engine::Graph, Engine::Scan));
        assert_eq!(names(&graph), names(&scan));
    }
}

#[test]
fn filters_narrow_the_panel_before_neighbours_are_chosen() {
    let filtered = |filter, via| {
        search(&Query { filter, via, scope: Scope::All, k: 3, ..Query::new("compound-30a") })
    };
    for via in [Via::Graph, Via::Scan] {
        let target = Filter { targets: vec!["gene7".into()], ..Filter::default() };
        let mut hits = names(&filtered(target, via));
        hits.sort();
        assert_eq!(hits, ["CRISPR-KO_GENE7", "compound-7a", "compound-7b"]);
        let moa = Filter {
            moas: vec!["GENE8 inhibitor".into()],
            types: vec![PerturbationType::Compound],
            ..Filter::default()
        };
        assert_eq!(filtered(moa, via).hits.len(), 2);
        let phase = Filter { phases: vec!["launched".into()], ..Filter::default() };
        assert_eq!(filtered(phase, via).n_panel, 2);
        let text = "moa:\"GENE9 inhibitor\" AND type:trt_cp OR target:GENE10";
        let expression = Filter { expression: Some(text.into()), ..Filter::default() };
        assert_eq!(filtered(expression, via).n_panel, 5);
        let text = "moa:inhibitor AND NOT target:GENE10".to_owned();
        let without = Filter { expression: Some(text), ..Filter::default() };
        assert_eq!(filtered(without, via).n_panel, 179 - 3);
        for (text, n_passing) in [
            ("type:trt_cp AND (NOT target:GENE10)", 119 - 2),
            ("target:GENE10 OR NOT type:trt_cp", 60 + 2),
            ("NOT(target:GENE10 OR target:GENE11)", 179 - 6),
            ("NOT type:trt_xpr AND NOT target:GENE10", 119 - 2),
            ("type:trt_cp AND\t(-target:GENE10)", 119 - 2),
            ("type:trt_cp NOT target:GENE10", 119 - 2),
        ] {
            let filter = Filter { expression: Some(text.into()), ..Filter::default() };
            assert_eq!(filtered(filter, via).n_panel, n_passing, "{text}");
        }
    }
}

#[test]
fn a_filter_value_that_no_perturbation_has_is_an_error() {
    let filter = Filter { targets: vec!["NOGENE".into()], ..Filter::default() };
    let error = PLANTED.1.search(&Query { filter, ..Query::new("GENE1") }).unwrap_err();
    assert!(error.to_string().contains("no perturbation of this index has this target"), "{error}");
}

#[test]
fn a_filter_that_cannot_be_parsed_names_the_fields() {
    for text in ["mao:inhibitor", "moa:\"open", "AND AND"] {
        let filter = Filter { expression: Some(text.into()), ..Filter::default() };
        let query = Query { filter, ..Query::new("GENE1") };
        match PLANTED.1.search(&query) {
            Err(error @ Error::Filter { .. }) => {
                assert!(error.to_string().contains("phase"), "{error}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn a_misspelt_name_gets_suggestions_and_nonsense_gets_advice() {
    let error = PLANTED.1.search(&Query::new("compond-3a")).unwrap_err();
    assert!(error.to_string().contains("did you mean `compound-3a`"), "{error}");
    for nonsense in ["zzzzqqqq", "", "  ", "(((", "\u{1F9EC}"] {
        let error = PLANTED.1.search(&Query::new(nonsense)).unwrap_err();
        assert!(matches!(error, Error::UnknownName { .. }), "{nonsense}: {error}");
    }
}

#[test]
fn the_type_of_the_query_must_fit() {
    let query =
        Query { perturbation_type: Some(PerturbationType::Compound), ..Query::new("GENE3") };
    let error = PLANTED.1.search(&query).unwrap_err().to_string();
    assert!(error.contains("`CRISPR-KO_GENE3` is trt_xpr, not trt_cp"), "{error}");
    let query = Query { name: "CRISPR-KO_GENE3".into(), ..query };
    assert!(PLANTED.1.search(&query).is_err(), "a symbol does not overrule the type asked for");
}

#[test]
fn no_hits_asked_for_is_an_error() {
    assert!(PLANTED.1.search(&Query { k: 0, ..Query::new("GENE3") }).is_err());
}

#[test]
fn find_lists_what_the_index_holds_under_a_text() {
    let metadata = PLANTED.1.metadata();
    assert_eq!(metadata.find("GENE12 inhibitor", 10).unwrap().1, 3);
    assert_eq!(metadata.find("compound-12a", 10).unwrap().0.len(), 1);
    let (rows, n_found) = metadata.find("inhibitor", 4).unwrap();
    assert_eq!((rows.len(), n_found), (4, 180));
    assert_eq!(metadata.find("no such thing \" ( AND", 10).unwrap().1, 0);
}

#[test]
fn threads_share_one_open_index() {
    let expected = names(&search(&Query::new("compound-3a")));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert_eq!(names(&search(&Query::new("compound-3a"))), expected);
                }
            });
        }
    });
}
