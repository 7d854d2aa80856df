//! What perturbations do in contexts, as the model of an index predicts it.

use std::path::Path;
use std::sync::LazyLock;

use phenocopy::Error;
use phenocopy::index::Index;
use phenocopy::search::{
    HeldOut, PredictedProfile, PredictionFlag, PredictionQuery, PredictionStatus, ResponseModel,
    Signature, SignatureQuery,
};
use phenocopy::table::Pattern;
use proptest::prelude::*;

use crate::contexts::{N_COMPOUNDS, N_GENES, N_READOUTS, response, trained};
use crate::fixture;

static MODEL: LazyLock<ResponseModel> = LazyLock::new(|| ResponseModel::open(trained()).unwrap());

fn query(perturbation: u32, context: u32) -> PredictionQuery {
    let symbol = trained().record(perturbation).unwrap().perturbation.symbol();
    PredictionQuery::new(symbol, format!("assay {context}"))
}

fn predict(query: &PredictionQuery) -> PredictedProfile {
    trained().predict(&MODEL, query).unwrap()
}

fn refusal(query: &PredictionQuery) -> String {
    trained().predict(&MODEL, query).unwrap_err().to_string()
}

fn values(profile: &PredictedProfile) -> Vec<f32> {
    profile.values.iter().map(|value| value.value).collect()
}

fn correlation(predicted: &[f32], measured: &[f32]) -> f32 {
    let n = predicted.len() as f32;
    let mean = |all: &[f32]| all.iter().sum::<f32>() / n;
    let (x, y) = (mean(predicted), mean(measured));
    let pairs = || predicted.iter().zip(measured).map(|(a, b)| (a - x, b - y));
    let sum = |of: fn((f32, f32)) -> f32| pairs().map(of).sum::<f32>();
    sum(|(a, b)| a * b) / (sum(|(a, _)| a * a) * sum(|(_, b)| b * b)).sqrt()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn a_profile_is_the_mean_and_the_spread_of_what_the_members_predict(
        perturbation in 0..N_COMPOUNDS + N_GENES, context in 0..3_u32,
    ) {
        static ENSEMBLE: LazyLock<phenocopy::model::Ensemble> = LazyLock::new(|| {
            phenocopy::model::Ensemble::open(trained().folder().join("model")).unwrap()
        });
        let profile = predict(&query(perturbation, context));
        prop_assert_eq!((profile.n_members, profile.values.len()), (2, N_READOUTS));
        let each: Vec<Vec<f32>> = ENSEMBLE.members().iter()
            .map(|member| member.predict(&[perturbation], context).unwrap())
            .collect();
        for (at, value) in profile.values.iter().enumerate() {
            prop_assert_eq!(value.readout as usize, at);
            prop_assert!((value.value - (each[0][at] + each[1][at]) / 2.0).abs() < 1e-5);
            prop_assert!((value.spread - (each[0][at] - each[1][at]).abs() / 2.0).abs() < 1e-5);
        }
    }

    #[test]
    fn a_pair_is_measured_where_the_perturbation_has_a_profile_and_nowhere_else(
        perturbation in 0..N_COMPOUNDS + N_GENES, context in 0..3_u32,
    ) {
        let profile = predict(&query(perturbation, context));
        let is_compound = perturbation < N_COMPOUNDS;
        let in_both = is_compound && perturbation >= N_COMPOUNDS - 12;
        let is_measured = match is_compound {
            true => context < 2 && (in_both || perturbation % 2 == context),
            false => context == 2,
        };
        let status = if is_measured { PredictionStatus::Measured } else { PredictionStatus::Interpolated };
        prop_assert_eq!(profile.status, status);
        let is_foreign = is_compound == (context == 2);
        let flags = if is_foreign { vec![PredictionFlag::OtherSide] } else { vec![] };
        prop_assert_eq!(profile.flags, flags);
    }
}

#[test]
fn measured_pairs_are_predicted_as_they_were_measured() {
    for (perturbation, context) in [(0, 0), (31, 1), (N_COMPOUNDS + 7, 2)] {
        let predicted = values(&predict(&query(perturbation, context)));
        let measured: Vec<f32> =
            (0..N_READOUTS).map(|at| response(perturbation, context, at)).collect();
        let r = correlation(&predicted, &measured);
        assert!(r > 0.95, "{perturbation} in {context}: {r}");
    }
}

#[test]
fn a_combination_is_predicted_from_the_mean_of_its_members_embeddings() {
    let both = predict(&PredictionQuery::new("compound 4 + compound 9", "assay 0"));
    assert_eq!(both.status, PredictionStatus::Interpolated);
    assert_eq!(both.record.name(), "compound 4 + compound 9");
    let [a, b] = [4, 9].map(|row| values(&predict(&query(row, 0))));
    // The product head is linear in the embedding.
    for ((a, b), both) in a.iter().zip(&b).zip(values(&both)) {
        assert!((f32::midpoint(*a, *b) - both).abs() < 1e-5, "{a} {b} {both}");
    }
    let mixed = refusal(&PredictionQuery::new("compound 4+GENE7", "assay 0"));
    assert!(mixed.contains("joins a compound and a genetic perturbation"), "{mixed}");
}

#[test]
fn readouts_come_in_the_order_asked_for_and_the_largest_first_where_a_k_is() {
    let readouts = ["line 9", "LINE_3", "line 120"].map(str::to_owned).to_vec();
    let all = values(&predict(&query(5, 1)));
    let some = predict(&PredictionQuery { readouts, ..query(5, 1) });
    assert_eq!(some.values.iter().map(|v| v.readout).collect::<Vec<_>>(), [9, 3, 120]);
    assert_eq!(values(&some), [all[9], all[3], all[120]]);
    let largest = values(&predict(&PredictionQuery { k: Some(7), ..query(5, 1) }));
    let mut sizes: Vec<f32> = all.iter().map(|value| value.abs()).collect();
    sizes.sort_by(|a, b| b.total_cmp(a));
    assert_eq!(largest.iter().map(|value| value.abs()).collect::<Vec<_>>(), sizes[..7]);
}

#[test]
fn a_batch_answers_what_single_queries_do_whatever_stands_between() {
    let unknown = PredictionQuery::new("compound 4", "assay 9");
    let queries = [query(5, 1), unknown, query(70, 2), query(5, 0)];
    let batch = trained().predict_batch(&MODEL, &queries).unwrap();
    assert_eq!(batch.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true, true]);
    for (query, answer) in queries.iter().zip(batch) {
        let Ok(answer) = answer else { continue };
        let single = predict(query);
        assert_eq!((&answer.record, &answer.context), (&single.record, &single.context));
        for (one, other) in values(&answer).into_iter().zip(values(&single)) {
            assert!((one - other).abs() < 1e-5);
        }
    }
    assert!(trained().predict_batch(&MODEL, &[]).unwrap().is_empty());
}

#[test]
fn what_the_model_cannot_know_is_refused_with_the_reason() {
    let unseen = refusal(&PredictionQuery::new("compound 4", "K562"));
    assert!(unseen.contains("context `K562`: the model was not trained on it"), "{unseen}");
    assert!(unseen.contains("choose one of assay 0, assay 1, assay 2"), "{unseen}");
    let close = refusal(&PredictionQuery::new("compound 4", "assay 9"));
    assert!(close.contains("did you mean `assay 0`?"), "{close}");
    let error = trained().predict(&MODEL, &PredictionQuery::new("compond 4", "assay 0"));
    assert!(
        matches!(error, Err(Error::UnknownName { suggestions, .. }) if !suggestions.is_empty())
    );
    let readouts = vec!["lin 12".to_owned()];
    let readout = refusal(&PredictionQuery { readouts, ..query(4, 0) });
    assert!(readout.contains("did you mean `line 12`?"), "{readout}");
    let folder = tempfile::tempdir().unwrap();
    fixture::write(&folder.path().join("planted"), 3);
    let planted = Index::open(folder.path().join("planted")).unwrap();
    let none = ResponseModel::open(&planted).unwrap_err().to_string();
    assert!(none.contains("it holds no model"), "{none}");
}

#[test]
fn a_signature_predicts_what_its_perturbation_does_where_it_was_not_given() {
    // A compound of both assays: the first is given, the second is known.
    let own = N_COMPOUNDS - 3;
    let given = (0..N_READOUTS).step_by(2).map(|at| (format!("line {at}"), response(own, 0, at)));
    let signature = Signature { name: "mine".into(), values: given.collect() };
    let query =
        SignatureQuery { context: Some("assay 0".into()), ..SignatureQuery::new(signature) };
    let answer = trained().predict_signature(&query, &[], None).unwrap();
    assert!(answer.fit.explains() && answer.fit.context == "assay 0");
    assert_eq!((answer.profiles.len(), answer.readouts.len()), (3, N_READOUTS));
    for (context, profile) in answer.profiles.iter().enumerate() {
        assert_eq!(profile.status, PredictionStatus::FoldedIn);
        assert_eq!(profile.flags.contains(&PredictionFlag::OtherSide), context == 2);
        if context < 2 {
            let measured: Vec<f32> =
                (0..N_READOUTS).map(|at| response(own, context as u32, at)).collect();
            let r = correlation(&values(profile), &measured);
            assert!(r > 0.9, "{}: {r}", profile.context);
        }
    }
    let one = trained().predict_signature(&query, &["line 77".to_owned()], None).unwrap();
    assert_eq!(one.profiles[1].values.len(), 1);
    assert_eq!(one.profiles[1].values[0], answer.profiles[1].values[77]);
}

#[test]
fn held_out_values_tell_what_predictions_in_a_context_are_worth() {
    let ready = Path::new(env!("CARGO_MANIFEST_DIR")).join("index/cancer-viability");
    let index = Index::open(ready).unwrap();
    let mut manifest = index.manifest().clone();
    // A context may be called as the rows of the table are.
    manifest.recipe.as_mut().unwrap().assays[0].context = Pattern::fixed("all");
    for (context, entries) in
        [("GDSC2", "without knock-outs"), ("all", "without knock-outs"), ("CRISPR", "all")]
    {
        let held_out = HeldOut::of(&manifest, context).unwrap();
        assert_eq!(
            (held_out.model.method.as_str(), held_out.model.entries.as_str()),
            ("model", entries)
        );
        assert!(held_out.predicts() && held_out.constant.method.ends_with("mean"));
    }
    for fit in &mut manifest.training.as_mut().unwrap().held_out {
        fit.rmse = if fit.method == "model" { 1.1 } else { 1.0 };
    }
    assert!(!HeldOut::of(&manifest, "GDSC2").unwrap().predicts());
    manifest.training = None;
    assert_eq!(HeldOut::of(&manifest, "GDSC2"), None);
}
