use super::columns::{Column, Row, text};
use crate::search::{Direction, Hit, Significance};
use crate::table::Value;
use crate::table::ValueType::{Float32, Float64, Int32, Text};

/// The columns of a hit, in their stable order.
///
/// `asked` (the name as it was typed, to join with a list of one's own) and `index` (its fingerprint) come last. A cell
/// is empty where its statistic cannot be told; `flags` says why.
pub(super) static HIT_COLUMNS: [Column<Hit>; 25] = [
    Column {
        name: "query",
        of: Text,
        range: "",
        meaning: "display name of the query",
        value: |row| row.query(),
    },
    Column {
        name: "query_type",
        of: Text,
        range: TYPES,
        meaning: "type of the query, as CMap names it",
        value: |row| row.query_type(),
    },
    Column {
        name: "hit",
        of: Text,
        range: "",
        meaning: "unique symbol of the hit, such as CRISPR-KO_BCL2",
        value: |row| Value::Text(row.item.record.perturbation.symbol()),
    },
    Column {
        name: "hit_name",
        of: Text,
        range: "",
        meaning: "display name of the hit",
        value: |row| text(row.item.record.name()),
    },
    Column {
        name: "hit_type",
        of: Text,
        range: TYPES,
        meaning: "type of the hit, as CMap names it",
        value: |row| text(row.item.record.perturbation.perturbation_type().cmap_code()),
    },
    Column {
        name: "hit_gene",
        of: Text,
        range: "",
        meaning: "HGNC symbol of a genetic hit's gene",
        value: |row| row.item.record.gene().map_or(Value::Missing, text),
    },
    Column {
        name: "rank",
        of: Int32,
        range: "1 and up",
        meaning: "place in the order that was asked for",
        value: |row| Value::Count(row.item.rank),
    },
    Column {
        name: "direction",
        of: Text,
        range: "mimic, oppose",
        meaning: "whether the hit's effect is the query's or the opposite",
        value: |row| text(direction_name(row.item.direction)),
    },
    Column {
        name: "similarity",
        of: Float32,
        range: "-1 to 1",
        meaning: "cosine of the learned vectors; mimics are ranked by it",
        value: |row| Value::Number(f64::from(row.item.similarity)),
    },
    Column {
        name: "response_similarity",
        of: Float32,
        range: "-1 to 1",
        meaning: "cosine of the predicted responses; opposites are ranked by it",
        value: |row| row.item.response_similarity.map(f64::from).into(),
    },
    Column {
        name: "z",
        of: Float64,
        range: "standard deviations",
        meaning: "the similarity standardised by what reference queries have with this hit",
        value: |row| worth(row, |worth| Some(worth.z)),
    },
    Column {
        name: "tau",
        of: Float64,
        range: "0 to 100 %",
        meaning: "share of perturbations of the query's type that are less alike to this hit",
        value: |row| worth(row, |worth| worth.tau),
    },
    Column {
        name: "pvalue",
        of: Float64,
        range: "0 to 1",
        meaning: "chance of such a z without a connection",
        value: |row| worth(row, |worth| Some(worth.p_value)),
    },
    Column {
        name: "evalue",
        of: Float64,
        range: "hits",
        meaning: "how many such hits chance gives in the panel",
        value: |row| worth(row, |worth| Some(worth.e_value)),
    },
    Column {
        name: "qvalue",
        of: Float64,
        range: "0 to 1",
        meaning: "share of hits up to this one that chance gives (Benjamini-Hochberg, over the panel or the batch)",
        value: |row| worth(row, |worth| Some(worth.q_value)),
    },
    Column {
        name: "prob",
        of: Float64,
        range: "0 to 1",
        meaning: "probability of an annotated target pair, given that the query has one in the panel",
        value: |row| worth(row, |worth| worth.probability),
    },
    Column {
        name: "support",
        of: Text,
        range: "a/b",
        meaning: "of the b contexts of the query, a whose profile alone puts the hit among the nearest twentieth",
        value: support,
    },
    Column {
        name: "query_activity",
        of: Float32,
        range: "0 to 100 %",
        meaning: "percentile of the query's strength within its type",
        value: |row| row.answer.activity.map(|activity| f64::from(activity.percentile)).into(),
    },
    Column {
        name: "hit_activity",
        of: Float32,
        range: "0 to 100 %",
        meaning: "percentile of the hit's strength within its type",
        value: |row| row.item.activity.map(f64::from).into(),
    },
    Column {
        name: "moa",
        of: Text,
        range: "joined by |",
        meaning: "mechanisms of the hit",
        value: mechanisms,
    },
    Column {
        name: "targets",
        of: Text,
        range: "joined by |",
        meaning: "genes that the hit acts on",
        value: |row| Value::Text(row.item.record.acts_on().join("|")),
    },
    Column {
        name: "known",
        of: Int32,
        range: "0, 1",
        meaning: "1 if the annotation links query and hit, 0 if it does not or there is none",
        value: |row| Value::Count(usize::from(row.item.is_known)),
    },
    Column {
        name: "flags",
        of: Text,
        range: "inactive_query, promiscuous_query, folded_in_query, inactive_hit, folded_in_hit, predicted, uncalibrated, joined by ;",
        meaning: "what to be wary of",
        value: flags,
    },
    Column {
        name: "asked",
        of: Text,
        range: "",
        meaning: "the query as it was typed",
        value: |row| text(&row.answer.asked),
    },
    Column {
        name: "index",
        of: Text,
        range: "",
        meaning: "fingerprint of the index",
        value: |row| text(row.fingerprint),
    },
];

pub(super) const TYPES: &str = "trt_cp, trt_xpr, trt_sh, trt_si, trt_oe";

fn worth(row: &Row<'_, Hit>, of: fn(&Significance) -> Option<f64>) -> Value {
    row.item.significance.as_ref().and_then(of).into()
}

fn support(row: &Row<'_, Hit>) -> Value {
    let text = row.item.support.map(|s| format!("{}/{}", s.agreeing, s.measured));
    text.map_or(Value::Missing, Value::Text)
}

fn mechanisms(row: &Row<'_, Hit>) -> Value {
    let moas = row.item.record.annotation.moas.iter().map(|moa| moa.0.as_str());
    Value::Text(moas.collect::<Vec<&str>>().join("|"))
}

fn flags(row: &Row<'_, Hit>) -> Value {
    let codes = row.item.flags.iter().map(|flag| flag.code());
    Value::Text(codes.collect::<Vec<&str>>().join(";"))
}

fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Oppose => "oppose",
        Direction::Mimic | Direction::Both => "mimic",
    }
}
