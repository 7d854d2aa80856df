use serde_json::{Value, json};

use super::Source;
use super::columns::to_json;
use crate::embedding::FeatureQuality;
use crate::search::{Answer, Origin};
use crate::table::Value as Cell;

/// A field of an object about an `R`.
pub(super) struct Field<R> {
    pub(super) name: &'static str,
    /// What JSON calls it.
    pub(super) of: &'static str,
    pub(super) meaning: &'static str,
    pub(super) value: fn(&R) -> Value,
}

/// What is told when all queries were dealt with.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) source: Source,
    pub(super) n_answered: usize,
    pub(super) n_hits: usize,
    pub(super) unanswered: Vec<Value>,
}

/// The fields of `begin`, which comes before the hits of a query.
pub(super) static BEGIN: [Field<Answer>; 10] = [
    Field {
        name: "asked",
        of: "string",
        meaning: "the query as it was typed",
        value: |answer| json!(answer.asked),
    },
    Field {
        name: "query",
        of: "string",
        meaning: "display name of the query",
        value: |answer| json!(answer.query.name()),
    },
    Field {
        name: "query_type",
        of: "string",
        meaning: "type of the query, as CMap names it",
        value: |answer| json!(answer.query.perturbation.perturbation_type().cmap_code()),
    },
    Field {
        name: "panel",
        of: "integer",
        meaning: "how many perturbations could be hits",
        value: |answer| json!(answer.n_panel),
    },
    Field {
        name: "activity",
        of: "object",
        meaning: "percentile, strength and agreement_of_contexts of the query; null where it was not measured",
        value: activity,
    },
    Field {
        name: "flags",
        of: "array of strings",
        meaning: "what to be wary of in all hits",
        value: flags,
    },
    Field {
        name: "classes_tested",
        of: "integer",
        meaning: "how many mechanism classes were tested",
        value: |answer| json!(answer.n_classes),
    },
    Field {
        name: "classes_not_tested",
        of: "array of strings",
        meaning: "mechanisms of the query with too few members or too many",
        value: |answer| json!(answer.untested),
    },
    Field {
        name: "conditions",
        of: "array of objects",
        meaning: "of an empty panel: each condition, and how many pass it alone",
        value: conditions,
    },
    Field {
        name: "origin",
        of: "object",
        meaning: "where the query's vector comes from: kind (row, combination, features, structure, signature), and for what was placed how well",
        value: |answer| origin(&answer.origin),
    },
];

/// The fields of `end`, which comes after them.
pub(super) static END: [Field<Answer>; 2] = [
    Field {
        name: "query",
        of: "string",
        meaning: "display name of the query",
        value: |answer| json!(answer.query.name()),
    },
    Field {
        name: "hits",
        of: "integer",
        meaning: "how many hits were written",
        value: |answer| json!(answer.hits.len()),
    },
];

/// The fields of `summary`, which comes last.
pub(super) static SUMMARY: [Field<Summary>; 8] = [
    Field {
        name: "queries",
        of: "integer",
        meaning: "how many were asked",
        value: |summary| json!(summary.n_answered + summary.unanswered.len()),
    },
    Field {
        name: "answered",
        of: "integer",
        meaning: "how many of them were answered",
        value: |summary| json!(summary.n_answered),
    },
    Field {
        name: "unanswered",
        of: "array of objects",
        meaning: "asked and reason of those that were not",
        value: |summary| json!(summary.unanswered),
    },
    Field {
        name: "hits",
        of: "integer",
        meaning: "how many hits were written",
        value: |summary| json!(summary.n_hits),
    },
    Field {
        name: "index",
        of: "string",
        meaning: "name of the index",
        value: |summary| json!(summary.source.index),
    },
    Field {
        name: "fingerprint",
        of: "string",
        meaning: "fingerprint of the index",
        value: |summary| json!(summary.source.fingerprint),
    },
    Field {
        name: "command",
        of: "string",
        meaning: "the command that was run",
        value: |summary| json!(summary.source.command),
    },
    Field {
        name: "version",
        of: "string",
        meaning: "version of phenocopy",
        value: |_| json!(env!("CARGO_PKG_VERSION")),
    },
];

fn flags(answer: &Answer) -> Value {
    answer.flags.iter().map(|flag| flag.code()).collect()
}

/// Where the query's vector comes from, and for a signature how well it is explained.
fn origin(origin: &Origin) -> Value {
    match origin {
        Origin::Row => json!({ "kind": "row" }),
        Origin::Combination(members) => json!({ "kind": "combination", "members": members }),
        Origin::Features(quality) => predicted("features", quality),
        Origin::Structure { quality, n_known, nearest, tanimoto } => {
            let mut origin = predicted("structure", quality);
            origin["learnt_from"] = json!(n_known);
            origin["nearest"] = json!(nearest);
            origin["nearest_tanimoto"] = json!(tanimoto);
            origin
        }
        Origin::Signature(fit) => json!({
            "kind": "signature",
            "context": fit.context,
            "context_guessed": fit.is_guessed,
            "normalised": fit.is_normalised_here,
            "readouts": fit.n_matched,
            "unmatched": fit.unmatched.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            "held_out_r": fit.held_out_r,
            "held_out_r2": fit.held_out_r2,
            "chance_r": fit.chance_r,
            "explained": fit.explains(),
        }),
    }
}

/// What the query does at all; nothing where that is not known.
fn activity(answer: &Answer) -> Value {
    answer.activity.map_or(Value::Null, |activity| {
        let number = |value: f32| to_json(&Cell::Number(f64::from(value)));
        json!({
            "percentile": number(activity.percentile),
            "strength": number(activity.strength),
            "agreement_of_contexts": activity.agreement.map(number),
        })
    })
}

/// Of an empty panel: how many pass each condition alone.
fn conditions(answer: &Answer) -> Value {
    let condition = |(condition, n): &(String, usize)| json!({ "condition": condition, "pass": n });
    answer.conditions.iter().map(condition).collect()
}

/// What is said of a query that was placed and never measured.
fn predicted(kind: &str, quality: &FeatureQuality) -> Value {
    json!({
        "kind": kind,
        "predicted": true,
        "rows": quality.n_rows,
        "features": quality.n_features,
        "cross_validated_cosine": quality.mean_cosine,
        "cross_validated_top_tenth": quality.top_tenth,
        "chance_top_tenth": quality.chance_top_tenth,
        "explained": quality.predicts(),
    })
}
