//! Rows that were added after training have no response in a single context: what takes all rows leaves them out, and
//! one that is named is refused.

#[cfg(feature = "cli")]
use std::fs;

use phenocopy::Result;
use phenocopy::experiment::{PerturbationType, Side};
use phenocopy::index::{Filter, Index};
use phenocopy::network::{Compared, NetworkQuery};
use phenocopy::search::{
    ContextResponses, PredictionQuery, Query, ResponseModel, UnmeasuredAnswer, UnmeasuredQuery,
};
use phenocopy::table::FeatureTable;

use crate::addition::{LARGER, SCREENS, WORLD, demo};

#[test]
fn what_uses_the_whole_index_in_a_context_leaves_added_rows_out() {
    let index = &*LARGER;
    let trained: Vec<u32> =
        (0..index.n_rows() as u32).filter(|row| !index.is_added(*row)).collect();
    let entries = index.entries(&Filter::default()).unwrap();
    assert_eq!(entries.clone().trained().map(|e| e.unwrap().row).collect::<Vec<_>>(), trained);
    let compared = Compared::ResponsesIn(SCREENS[0].into());
    let types = vec![PerturbationType::Compound];
    let query = NetworkQuery { types, compared, max_q: 1.0, ..NetworkQuery::default() };
    let nodes = index.network(&query).unwrap().nodes;
    assert_eq!(nodes.len(), index.range(Side::Chemical).len() - WORLD.held.len());
    assert!(nodes.iter().all(|node| !index.is_added(node.row)));
    assert_eq!(unmeasured(index, &[]).unwrap(), unmeasured(&WORLD.base, &[]).unwrap());
}

/// What is predicted of a readout that no screen holds, from features of the others.
fn unmeasured(index: &Index, perturbations: &[&str]) -> Result<UnmeasuredAnswer> {
    let rows = demo("synthetic-screen-a.csv").into_iter().skip(1);
    let mut names: Vec<String> = rows.map(|row| row[0].clone()).collect();
    names.push("our line".into());
    let feature = |at: usize| ((at * 7919 + 13) % 1009) as f32 / 504.0 - 1.0;
    let table = FeatureTable {
        values: (0..2 * names.len()).map(feature).collect(),
        names,
        features: vec!["one".into(), "two".into()],
    };
    let query = UnmeasuredQuery {
        perturbations: perturbations.iter().map(|name| (*name).to_owned()).collect(),
        context: Some(SCREENS[0].into()),
        k: None,
    };
    index.predict_unmeasured(&table, &query)
}

#[test]
fn an_added_row_that_is_named_for_a_context_is_refused_with_what_to_do_wherever() {
    let (index, name) = (&*LARGER, WORLD.held[0].as_str());
    let record = index.record(index.resolve(&Query::new(name)).unwrap()).unwrap();
    let responses = ContextResponses::open(index).unwrap().unwrap();
    let model = ResponseModel::open(index).unwrap();
    let (query, gene) = (Query::new(name), Query::new("SYNG001"));
    let predict = |name: &str| index.predict(&model, &PredictionQuery::new(name, SCREENS[0]));
    assert!(!responses.knows(&record));
    let refusals = [
        predict(name).unwrap_err(),
        predict(&format!("{name}+synthetic-001b")).unwrap_err(),
        responses.response_in(&record, SCREENS[0]).unwrap_err(),
        index.explain_in(&responses, &query, &gene, SCREENS[0]).unwrap_err(),
        unmeasured(index, &[name, "synthetic-001b"]).unwrap_err(),
    ];
    for refusal in refusals.map(|error| error.to_string()) {
        for part in [name, "after training", "predict --signature", "from all data"] {
            assert!(refusal.contains(part), "{part}: {refusal}");
        }
    }
}

#[cfg(feature = "cli")]
#[test]
fn responses_in_a_context_are_exported_of_trained_rows_and_the_others_counted() {
    use crate::cli::{run, text};
    let output = WORLD.home.path().join("responses.npy");
    let picklist = WORLD.home.path().join("held.txt");
    fs::write(&picklist, WORLD.held.join("\n")).unwrap();
    let folder = text(LARGER.folder());
    let export = |more: &[&str]| {
        let all = ["export", "responses", "--context", SCREENS[0], "--index", folder, "-o"];
        run(&[&all[..], &[text(&output)], more].concat())
    };
    let exported = export(&[]);
    let n_all = LARGER.n_rows();
    let left_out = format!("12 of {n_all} perturbations left out");
    assert!(exported.stderr.contains(&left_out), "{}", exported.stderr);
    exported.success();
    let ids = fs::read_to_string(output.with_extension("ids.tsv")).unwrap();
    assert_eq!(ids.lines().count(), 1 + n_all - 12);
    assert!(!ids.contains(&WORLD.held[0]));
    let none = export(&["--picklist", text(&picklist)]).failure();
    assert!(none.contains("all 12") && none.contains("leave out `--context`"), "{none}");
}
