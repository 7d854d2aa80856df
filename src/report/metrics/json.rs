use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::table::{MetricRow, MetricTable, MetricValue};
use super::text::number;
use crate::report::Source;

/// Returns tables as one JSON document that ends in a line feed.
///
/// An object with `type` (`metrics`), `schema_version`, `index` (its name), `fingerprint`, `command` and `tables`.
/// A table has `table` (its title), `row_name`, `columns` (their order), `rows` and `notes`. A row has a `name` and
/// `values`, by column: an object of `value` and, where there is an interval, `lower` and `upper`; or null.
/// Numbers have six significant digits.
#[must_use]
pub fn metrics_json(tables: &[MetricTable], source: &Source) -> String {
    let tables = tables.iter().map(TableObject::of).collect();
    let document = Document {
        r#type: "metrics",
        schema_version: 1,
        index: &source.index,
        fingerprint: &source.fingerprint,
        command: &source.command,
        tables,
    };
    // Strings, numbers and maps with string keys cannot fail to be written.
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    format!("{text}\n")
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    schema_version: u32,
    index: &'a str,
    fingerprint: &'a str,
    command: &'a str,
    tables: Vec<TableObject<'a>>,
}

#[derive(Serialize)]
struct TableObject<'a> {
    table: &'a str,
    row_name: &'a str,
    columns: &'a [String],
    rows: Vec<RowObject<'a>>,
    notes: &'a [String],
}

impl<'a> TableObject<'a> {
    fn of(table: &'a MetricTable) -> Self {
        let row = |row: &'a MetricRow| RowObject {
            name: &row.name,
            values: Values { columns: &table.columns, values: &row.values },
        };
        Self {
            table: &table.title,
            row_name: &table.row_name,
            columns: &table.columns,
            rows: table.rows.iter().map(row).collect(),
            notes: &table.notes,
        }
    }
}

#[derive(Serialize)]
struct RowObject<'a> {
    name: &'a str,
    values: Values<'a>,
}

/// A row's figures by column, in the order of the columns.
struct Values<'a> {
    columns: &'a [String],
    values: &'a [Option<MetricValue>],
}

#[derive(Serialize)]
struct Figure {
    value: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper: Option<Value>,
}

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let figure = |value: MetricValue| {
            let (lower, upper) = value.interval.unzip();
            let end = |end: f64| number(Some(end));
            Figure {
                value: number(Some(value.value)),
                lower: lower.map(end),
                upper: upper.map(end),
            }
        };
        let mut map = serializer.serialize_map(Some(self.columns.len()))?;
        for (at, column) in self.columns.iter().enumerate() {
            let value = self.values.get(at).copied().flatten();
            map.serialize_entry(column, &value.map(figure))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_names_its_source_and_keeps_the_order_of_columns() {
        let mut table = MetricTable::new("retrieval", "method", ["n", "MRR"]);
        let mrr = MetricValue::with_interval(1.0 / 3.0, 0.25, f64::NAN);
        table.rows.push(MetricRow::new("a \"b\"", [Some(MetricValue::count(1)), Some(mrr)]));
        table.rows.push(MetricRow::new("none", [None, None]));
        table.notes.push("two rows".to_owned());
        let source = Source {
            index: "demo".to_owned(),
            fingerprint: "0123".to_owned(),
            command: "phenocopy evaluate".to_owned(),
            ..Source::default()
        };
        insta::assert_snapshot!(metrics_json(&[table], &source), @r#"
        {
          "type": "metrics",
          "schema_version": 1,
          "index": "demo",
          "fingerprint": "0123",
          "command": "phenocopy evaluate",
          "tables": [
            {
              "table": "retrieval",
              "row_name": "method",
              "columns": [
                "n",
                "MRR"
              ],
              "rows": [
                {
                  "name": "a \"b\"",
                  "values": {
                    "n": {
                      "value": 1
                    },
                    "MRR": {
                      "value": 0.333333,
                      "lower": 0.25,
                      "upper": null
                    }
                  }
                },
                {
                  "name": "none",
                  "values": {
                    "n": null,
                    "MRR": null
                  }
                }
              ],
              "notes": [
                "two rows"
              ]
            }
          ]
        }
        "#);
    }
}
