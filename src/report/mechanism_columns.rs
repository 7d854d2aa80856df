use super::columns::{Column, Row, text};
use super::hit_columns::TYPES;
use crate::search::MechanismHit;
use crate::table::Value;
use crate::table::ValueType::{Float64, Int32, Text};

/// The columns of a mechanism that a query resembles, in their stable order.
pub(super) static MECHANISM_COLUMNS: [Column<MechanismHit>; 12] = [
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
        name: "kind",
        of: Text,
        range: "moa, target",
        meaning: "what the class's compounds share: a mechanism, or a gene that they act on",
        value: |row| text(row.item.kind.name()),
    },
    Column {
        name: "mechanism",
        of: Text,
        range: "",
        meaning: "the mechanism or gene",
        value: |row| text(&row.item.name),
    },
    Column {
        name: "rank",
        of: Int32,
        range: "1 and up",
        meaning: "place by p-value",
        value: |row| Value::Count(row.place),
    },
    Column {
        name: "n_members",
        of: Int32,
        range: "compounds",
        meaning: "how many members were compared with, the query left out",
        value: |row| Value::Count(row.item.n_members),
    },
    Column {
        name: "z",
        of: Float64,
        range: "standard deviations",
        meaning: "the members' mean score, standardised by what reference queries have with the class",
        value: |row| Value::Number(row.item.z),
    },
    Column {
        name: "pvalue",
        of: Float64,
        range: "0 to 1",
        meaning: "chance of such a z without a connection",
        value: |row| Value::Number(row.item.p_value),
    },
    Column {
        name: "qvalue",
        of: Float64,
        range: "0 to 1",
        meaning: "share of classes up to this one that chance gives, over all classes tested",
        value: |row| Value::Number(row.item.q_value),
    },
    Column {
        name: "members",
        of: Text,
        range: "joined by |",
        meaning: "the members nearest to the query",
        value: members,
    },
    Column {
        name: "known",
        of: Int32,
        range: "0, 1",
        meaning: "1 if the query is annotated with the class, 0 if it is not",
        value: |row| Value::Count(usize::from(row.item.is_known)),
    },
    Column {
        name: "index",
        of: Text,
        range: "",
        meaning: "fingerprint of the index",
        value: |row| text(row.fingerprint),
    },
];

fn members(row: &Row<'_, MechanismHit>) -> Value {
    let names = row.item.members.iter().map(|(name, _)| name.as_str());
    Value::Text(names.collect::<Vec<&str>>().join("|"))
}
