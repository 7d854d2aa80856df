use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::columns::{Cell, HIT_COLUMNS, MECHANISM_COLUMNS, cells, mechanism_cells};
use super::{HitWriter, Source};
use crate::embedding::FeatureQuality;
use crate::search::{Answer, Origin};

/// The version of the objects below.
const SCHEMA_VERSION: u32 = 1;

/// Hits as one JSON object a line: `begin`, its `hit`s and `end` for each query, then a `summary`.
#[derive(Debug)]
pub struct HitNdjson<W> {
    out: W,
    source: Source,
    n_answered: usize,
    n_hits: usize,
    unanswered: Vec<Value>,
}

impl<W: Write> HitNdjson<W> {
    /// Creates a writer.
    pub fn new(out: W, source: Source) -> Self {
        Self { out, source, n_answered: 0, n_hits: 0, unanswered: Vec::new() }
    }

    fn object(&mut self, kind: &str, data: &Value) -> io::Result<()> {
        let object = json!({ "type": kind, "schema_version": SCHEMA_VERSION, "data": data });
        writeln!(self.out, "{object}")
    }
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

/// Cells by the names of their columns.
fn named(names: &[&str], cells: &[Cell]) -> Value {
    let names = names.iter().map(|name| (*name).to_owned());
    Value::Object(names.zip(cells.iter().map(Cell::to_json)).collect::<Map<String, Value>>())
}

/// What the query does at all; nothing where that is not known.
fn activity(answer: &Answer) -> Value {
    answer.activity.map_or(Value::Null, |activity| {
        let number = |value: f32| Cell::Number(f64::from(value)).to_json();
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

impl<W: Write> HitWriter for HitNdjson<W> {
    fn begin(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn answer(&mut self, answer: &Answer) -> io::Result<()> {
        let query = answer.query.name().to_owned();
        self.object(
            "begin",
            &json!({
                "asked": answer.asked,
                "query": query,
                "query_type": answer.query.perturbation.perturbation_type().cmap_code(),
                "panel": answer.n_panel,
                "activity": activity(answer),
                "flags": answer.flags.iter().map(|flag| flag.code()).collect::<Vec<_>>(),
                "classes_tested": answer.n_classes,
                "classes_not_tested": answer.untested,
                "conditions": conditions(answer),
                "origin": origin(&answer.origin),
            }),
        )?;
        for hit in &answer.hits {
            let cells = cells(answer, hit, &self.source.fingerprint);
            self.object("hit", &named(&HIT_COLUMNS, &cells))?;
        }
        for mechanism in (1..).zip(&answer.mechanisms) {
            let cells = mechanism_cells(answer, mechanism, &self.source.fingerprint);
            self.object("class", &named(&MECHANISM_COLUMNS, &cells))?;
        }
        self.n_answered += 1;
        self.n_hits += answer.hits.len();
        self.object("end", &json!({ "query": query, "hits": answer.hits.len() }))
    }

    fn unanswered(&mut self, asked: &str, reason: &str) {
        self.unanswered.push(json!({ "asked": asked, "reason": reason }));
    }

    fn finish(&mut self) -> io::Result<()> {
        let summary = json!({
            "queries": self.n_answered + self.unanswered.len(),
            "answered": self.n_answered,
            "unanswered": self.unanswered,
            "hits": self.n_hits,
            "index": self.source.index,
            "fingerprint": self.source.fingerprint,
            "command": self.source.command,
            "version": env!("CARGO_PKG_VERSION"),
        });
        self.object("summary", &summary)?;
        self.out.flush()
    }
}
