use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::columns::{Rows, SCHEMA_VERSION, to_json};
use super::ndjson_fields::{BEGIN, END, Field, SUMMARY, Summary};
use super::{HitWriter, Source};
use crate::search::Answer;

/// Hits as one JSON object a line: `begin`, its `hit`s and `end` for each query, then a `summary`.
#[derive(Debug)]
pub struct HitNdjson<W> {
    out: W,
    summary: Summary,
}

impl<W: Write> HitNdjson<W> {
    /// Creates a writer.
    pub fn new(out: W, source: Source) -> Self {
        Self { out, summary: Summary { source, ..Summary::default() } }
    }

    fn object(&mut self, kind: &str, data: &Value) -> io::Result<()> {
        let object = json!({ "type": kind, "schema_version": SCHEMA_VERSION, "data": data });
        writeln!(self.out, "{object}")
    }

    /// One object for each row.
    fn rows(&mut self, kind: &str, rows: Rows, answer: &Answer) -> io::Result<()> {
        let columns = rows.columns();
        for row in rows.of(answer, &self.summary.source.fingerprint) {
            let cells = columns.iter().zip(&row);
            let named = cells.map(|(column, cell)| (column.name.to_owned(), to_json(cell)));
            self.object(kind, &Value::Object(named.collect()))?;
        }
        Ok(())
    }
}

/// The fields of an object.
fn object_of<R>(fields: &[Field<R>], of: &R) -> Value {
    let named = fields.iter().map(|field| (field.name.to_owned(), (field.value)(of)));
    Value::Object(named.collect::<Map<String, Value>>())
}

impl<W: Write> HitWriter for HitNdjson<W> {
    fn begin(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn answer(&mut self, answer: &Answer) -> io::Result<()> {
        self.object("begin", &object_of(&BEGIN, answer))?;
        self.rows("hit", Rows::Hits, answer)?;
        self.rows("class", Rows::Mechanisms, answer)?;
        self.summary.n_answered += 1;
        self.summary.n_hits += answer.hits.len();
        self.object("end", &object_of(&END, answer))
    }

    fn unanswered(&mut self, asked: &str, reason: &str) {
        self.summary.unanswered.push(json!({ "asked": asked, "reason": reason }));
    }

    fn finish(&mut self) -> io::Result<()> {
        let summary = object_of(&SUMMARY, &self.summary);
        self.object("summary", &summary)?;
        self.out.flush()
    }
}
